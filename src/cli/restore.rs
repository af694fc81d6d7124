//! `patio restore`: restores a backup into the data directory.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::backup::contents;
use crate::backup::restore::{RestoreOptions, restore};
use crate::config::Storage;
use crate::kernel::Random;

#[derive(Args)]
pub(super) struct Restore {
    /// An archive created by `patio backup`.
    file: PathBuf,

    /// Replaces the contents of the data directory.
    #[arg(long)]
    force: bool,

    /// Revokes all sessions and tokens. Without it, those of the backup are valid again.
    #[arg(long)]
    logout_all: bool,

    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(arguments: &Restore) -> anyhow::Result<()> {
    let shown = arguments.file.display();
    super::in_runtime(async {
        let epoch = Random::system().token();
        let options = RestoreOptions {
            replace: arguments.force,
            sign_out: arguments.logout_all,
            epoch: &epoch,
        };
        let manifest = restore(&arguments.file, &arguments.storage, options)
            .await
            .with_context(|| format!("{shown} was not restored"))?;
        let place = arguments.storage.data_dir.display();
        super::print(&format!("restored into {place}: {}", contents(&manifest)))
    })
}
