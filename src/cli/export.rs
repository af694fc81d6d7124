//! `patio export`: writes all data as JSON Lines and as web pages.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use crate::backup::create::database;
use crate::chat::files::storage::Storage as FileStorage;
use crate::config::Storage;
use crate::data_dir::DataDir;
use crate::db::Db;
use crate::export::write::{ExportOptions, export};
use crate::http::Language;
use crate::kernel::Clock;
use crate::outgoing::HttpClient;

#[derive(Args)]
pub(super) struct Export {
    /// The folder to write. It must not exist, or must be empty.
    folder: PathBuf,

    /// Includes secrets for a move: password hashes, sessions, tokens, room codes. Keep it as safe
    /// as a key.
    #[arg(long)]
    full: bool,

    /// Language of the pages.
    #[arg(long, value_enum, default_value = "en")]
    language: ExportLanguage,

    /// Time zone of the pages, for example Europe/Madrid.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    time_zone: TimeZone,

    /// Name of this installation, for the pages.
    #[arg(long, env = "SITE_NAME", default_value = "Patio")]
    site_name: String,

    #[command(flatten)]
    storage: Storage,
}

#[derive(Clone, Copy, ValueEnum)]
enum ExportLanguage {
    En,
    Es,
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "there is no such time zone".to_owned())
}

pub(super) fn run(arguments: &Export) -> anyhow::Result<()> {
    let Export { folder, full, storage, .. } = arguments;
    let language = match arguments.language {
        ExportLanguage::En => Language::English,
        ExportLanguage::Es => Language::Spanish,
    };
    super::in_runtime(async {
        if let Ok(file) = database(storage) {
            ensure!(file.is_file(), "there is no database at {}", file.display());
        }
        let data_dir = DataDir::lock_shared(storage)?;
        let db = Db::open(storage.database(), data_dir.path()).await?;
        let now = Clock::system().now();
        let client = HttpClient::new();
        let files = FileStorage::configured(&storage.files, data_dir.path(), &client)?;
        let options = ExportOptions {
            secrets: *full,
            storage: &files,
            language,
            zone: arguments.time_zone.clone(),
            site: arguments.site_name.as_str(),
            now,
        };
        let done = export(&db, folder, options).await;
        db.close().await;
        let lines = done?.lines;
        if *full {
            super::print_error(&format!(
                "{0} contains password hashes, sessions and tokens: anyone who has it can act as \
                 any user; delete {0}/secrets after the move",
                folder.display()
            ));
        }
        let lines_in = |file: &str| lines.get(file).copied().unwrap_or_default();
        super::print(&format!(
            "{}: {} users, {} rooms, {} messages",
            folder.display(),
            lines_in("people.jsonl"),
            lines_in("rooms.jsonl"),
            lines_in("messages.jsonl")
        ))
    })
}
