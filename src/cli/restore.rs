//! `patio restore`: puts a backup into the data directory.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::backup::contents;
use crate::backup::restore::{RestoreOptions, restore};
use crate::config::Storage;
use crate::kernel::Random;

#[derive(Args)]
pub(super) struct Restore {
    /// An archive that `patio backup` made.
    file: PathBuf,

    /// Replaces what is in the data directory.
    #[arg(long)]
    force: bool,

    /// Ends every sign-in, of browsers and of programs. Without it those of the backup are good
    /// again.
    #[arg(long)]
    logout_all: bool,

    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(asked: &Restore) -> anyhow::Result<()> {
    let shown = asked.file.display();
    super::in_runtime(async {
        let epoch = Random::system().token();
        let how =
            RestoreOptions { replace: asked.force, sign_out: asked.logout_all, epoch: &epoch };
        let manifest = restore(&asked.file, &asked.storage, how)
            .await
            .with_context(|| format!("{shown} was not restored"))?;
        let place = asked.storage.data_dir.display();
        super::print(&format!("{place} holds now: {}", contents(&manifest)))
    })
}
