//! `patio verify`: checks that a backup can be restored.

use std::path::PathBuf;

use clap::Args;

use super::backup::contents;
use crate::backup::restore;
use crate::backup::scratch_dir::is_environment_failure;
use crate::config::Storage;

#[derive(Args)]
pub(super) struct Verify {
    /// An archive created by `patio backup`.
    file: PathBuf,

    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(arguments: &Verify) -> anyhow::Result<()> {
    let shown = arguments.file.display();
    super::in_runtime(async {
        let manifest =
            restore::verify(&arguments.file, &arguments.storage).await.map_err(|error| {
                let verdict = if is_environment_failure(&error) {
                    "was not verified"
                } else {
                    "cannot be restored"
                };
                error.context(format!("{shown} {verdict}"))
            })?;
        super::print(&format!("{shown}: {}", contents(&manifest)))?;
        super::print(
            "It can be restored. Checked: lengths and SHA-256 of every file, the integrity of the \
             database, its references, the row counts, and the numbering of messages and changes \
             in every room.",
        )
    })
}
