//! `patio export`: everything as JSON Lines and as pages.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use crate::backup::create::database;
use crate::config::Storage;
use crate::data_dir::DataDir;
use crate::db::Db;
use crate::export::write::{ExportOptions, export};
use crate::http::Language;
use crate::kernel::Clock;

#[derive(Args)]
pub(super) struct Export {
    /// The folder to write; it must not exist yet, or be empty.
    folder: PathBuf,

    /// With what a move needs: hashes of passwords, sign-ins, tokens, codes of rooms. Keep it as you
    /// keep a key.
    #[arg(long)]
    full: bool,

    /// Language of the pages.
    #[arg(long, value_enum, default_value = "en")]
    language: ExportLanguage,

    /// Time zone of the days and times on the pages, as Europe/Madrid.
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
    TimeZone::get(name).map_err(|_| "no time zone has this name".to_owned())
}

pub(super) fn run(asked: &Export) -> anyhow::Result<()> {
    let Export { folder, full, storage, .. } = asked;
    let language = match asked.language {
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
        let (site, zone) = (asked.site_name.as_str(), asked.time_zone.clone());
        let wish = ExportOptions { secrets: *full, language, zone, site, now };
        let done = export(&db, folder, wish).await;
        db.close().await;
        let lines = done?.lines;
        if *full {
            super::complain(&format!(
                "{0} holds hashes of passwords, sign-ins and tokens: whoever has it can act as \
                 anybody; delete {0}/secrets when you have moved",
                folder.display()
            ));
        }
        let lines_in = |file: &str| lines.get(file).copied().unwrap_or_default();
        super::print(&format!(
            "{}: {} people, {} rooms, {} messages",
            folder.display(),
            lines_in("people.jsonl"),
            lines_in("rooms.jsonl"),
            lines_in("messages.jsonl")
        ))
    })
}
