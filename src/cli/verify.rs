//! `patio verify`: proves that a backup can be restored.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::backup::contents;
use crate::keep::restore;

#[derive(Args)]
pub(super) struct Verify {
    /// An archive that `patio backup` made.
    file: PathBuf,
}

pub(super) fn run(asked: &Verify) -> anyhow::Result<()> {
    let shown = asked.file.display();
    super::in_runtime(async {
        let manifest = restore::verify(&asked.file)
            .await
            .with_context(|| format!("{shown} cannot be restored"))?;
        super::print(&format!("{shown}: {}", contents(&manifest)))?;
        super::print(
            "It can be restored: lengths and SHA-256 of every file, the integrity of the \
             database, its references, the rows of each table, and the numbering of messages and \
             changes in every room are right.",
        )
    })
}
