//! `patio backup`: writes the installation into one archive, while the server runs.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::backup::archive::Manifest;
use crate::backup::create::{Target, backup};
use crate::config::Storage;
use crate::kernel::Clock;

#[derive(Args)]
pub(super) struct Backup {
    /// The archive to write (tar), or `-` for standard output.
    file: PathBuf,

    /// Overwrites FILE if it exists.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(arguments: Backup) -> anyhow::Result<()> {
    let Backup { file, force, storage } = arguments;
    let stream = file == Path::new("-");
    let target =
        if stream { Target::Stream } else { Target::File { path: file.clone(), replace: force } };
    super::in_runtime(async {
        let manifest = backup(&storage, &target, Clock::system().now()).await?;
        if stream {
            return Ok(());
        }
        super::print(&format!("{}: {}", file.display(), contents(&manifest)))
    })
}

/// A summary of an archive's contents.
pub(super) fn contents(manifest: &Manifest) -> String {
    let rows = |table: &str| manifest.rows.get(table).copied().unwrap_or_default();
    let bytes: u64 = manifest.entries.iter().map(|entry| entry.bytes).sum();
    format!(
        "{} users, {} rooms, {} messages, {} KiB, created {} by Patio {}",
        rows("users"),
        rows("rooms"),
        rows("messages"),
        bytes.div_ceil(1024),
        manifest.made_at,
        manifest.patio
    )
}
