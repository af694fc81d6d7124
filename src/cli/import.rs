//! `patio import`: imports an export into an empty installation.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::chat::files::storage::{CONTENTS, Storage as FileStorage};
use crate::config::Storage;
use crate::data_dir::DataDir;
use crate::data_dir::owner::Owner;
use crate::db::Db;
use crate::export::read::import;
use crate::kernel::Random;
use crate::outgoing::HttpClient;

#[derive(Args)]
pub(super) struct Import {
    /// The program that wrote the export.
    #[arg(value_enum)]
    format: Format,

    /// The folder that `patio export` wrote.
    path: PathBuf,

    #[command(flatten)]
    storage: Storage,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// `patio export`
    Patio,
}

pub(super) fn run(arguments: &Import) -> anyhow::Result<()> {
    let Import { format: Format::Patio, path, storage } = arguments;
    super::in_runtime(async {
        let data_dir = DataDir::lock_exclusive(storage)?;
        data_dir.warn();
        let db = Db::open(storage.database(), data_dir.path()).await?;
        let client = HttpClient::new();
        let files = FileStorage::configured(&storage.files, data_dir.path(), &client)?;
        let done = import(&db, &files, path, &Random::system().token()).await;
        db.close().await;
        // A failure was already reported by `DataDir::warn`.
        let contents = data_dir.path().join(CONTENTS);
        if let Some(owner) = Owner::of(data_dir.path()).filter(|_| contents.exists()) {
            drop(owner.chown_all(&contents));
        }
        let manifest =
            done.with_context(|| format!("nothing was imported from {}", path.display()))?;
        let lines_in = |file: &str| manifest.lines.get(file).copied().unwrap_or_default();
        super::print(&format!(
            "imported: {} users, {} rooms, {} messages",
            lines_in("people.jsonl"),
            lines_in("rooms.jsonl"),
            lines_in("messages.jsonl")
        ))?;
        if manifest.lines.contains_key("secrets/passwords.jsonl") {
            return Ok(());
        }
        super::print(
            "No user has a password yet: create a link for each with patio user reset-password NAME.",
        )
    })
}
