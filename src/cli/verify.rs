//! `patio verify`: proves that a backup can be restored.

use std::path::PathBuf;

use clap::Args;

use super::backup::contents;
use crate::backup::restore;
use crate::backup::scratch_dir::is_around;
use crate::config::Storage;

#[derive(Args)]
pub(super) struct Verify {
    /// An archive that `patio backup` made.
    file: PathBuf,

    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(asked: &Verify) -> anyhow::Result<()> {
    let shown = asked.file.display();
    super::in_runtime(async {
        let manifest = restore::verify(&asked.file, &asked.storage).await.map_err(|error| {
            let verdict = if is_around(&error) { "was not verified" } else { "cannot be restored" };
            error.context(format!("{shown} {verdict}"))
        })?;
        super::print(&format!("{shown}: {}", contents(&manifest)))?;
        super::print(
            "It can be restored: lengths and SHA-256 of every file, the integrity of the \
             database, its references, the rows of each table, and the numbering of messages and \
             changes in every room are right.",
        )
    })
}
