//! `patio verify`: checks that a backup can be restored, or that this installation has the contents of its files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;

use super::backup::contents;
use super::print;
use crate::backup::create::database;
use crate::backup::restore;
use crate::backup::scratch_dir::is_environment_failure;
use crate::chat::files::check::{check_folder, has_its_bytes, messages_with};
use crate::chat::files::model::{Content, ContentHash, FOLDERS};
use crate::chat::files::storage::Storage as FileStorage;
use crate::config::Storage;
use crate::data_dir::DataDir;
use crate::db::Db;
use crate::outgoing::HttpClient;
use crate::progress::Progress;

#[derive(Args)]
pub(super) struct Verify {
    /// An archive created by `patio backup`. Without it: the files of this installation, while the server runs.
    file: Option<PathBuf>,

    /// Also reads every file of this installation and compares it with its SHA-256.
    #[arg(long, conflicts_with = "file")]
    read_all: bool,

    #[command(flatten)]
    storage: Storage,
}

pub(super) fn run(arguments: &Verify) -> anyhow::Result<()> {
    super::in_runtime(async {
        match &arguments.file {
            Some(file) => verify_backup(file, &arguments.storage).await,
            None => verify_files(&arguments.storage, arguments.read_all).await,
        }
    })
}

async fn verify_backup(file: &Path, storage: &Storage) -> anyhow::Result<()> {
    let shown = file.display();
    let manifest = restore::verify(file, storage).await.map_err(|error| {
        let verdict =
            if is_environment_failure(&error) { "was not verified" } else { "cannot be restored" };
        error.context(format!("{shown} {verdict}"))
    })?;
    print(&format!("{shown}: {}", contents(&manifest)))?;
    print(
        "It can be restored. Checked: lengths and SHA-256 of every file, the integrity of the \
         database, its references, the row counts, and the numbering of messages and changes \
         in every room.",
    )
}

async fn verify_files(storage: &Storage, read_all: bool) -> anyhow::Result<()> {
    if let Ok(file) = database(storage) {
        ensure!(file.is_file(), "there is no database at {}", file.display());
    }
    let data_dir = DataDir::lock_shared(storage)?;
    let db = Db::open(storage.database(), data_dir.path()).await?;
    let files = FileStorage::configured(&storage.files, data_dir.path(), &HttpClient::new())?;
    let done = Findings::gather(&db, &files, read_all).await;
    let done = match done {
        Ok(found) => found.print(&db).await,
        Err(error) => Err(error),
    };
    db.close().await;
    done
}

/// What is stored, and what is wrong.
#[derive(Default)]
struct Findings {
    sound: Sum,
    missing: Vec<ContentHash>,
    resized: Vec<ContentHash>,
    changed: Vec<ContentHash>,
    orphans: Sum,
}

#[derive(Default)]
struct Sum {
    contents: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, content: &Content) {
        self.contents += 1;
        self.bytes += content.size;
    }
}

impl Findings {
    async fn gather(db: &Db, files: &FileStorage, read_all: bool) -> anyhow::Result<Self> {
        let mut found = Self::default();
        let mut progress = Progress::new("checking files", FOLDERS);
        for folder in 0..=u8::MAX {
            let report = check_folder(db, files, folder).await;
            let report = report.context("the storage of files cannot be checked")?;
            for content in &report.sound {
                if read_all && !has_its_bytes(files, content).await? {
                    found.changed.push(content.hash.clone());
                } else {
                    found.sound.add(content);
                }
            }
            found.missing.extend(report.missing.into_iter().map(|content| content.hash));
            found.resized.extend(report.resized.into_iter().map(|content| content.hash));
            report.orphans.iter().for_each(|content| found.orphans.add(content));
            progress.add(1);
        }
        Ok(found)
    }

    /// One line for each kind.
    async fn print(&self, db: &Db) -> anyhow::Result<()> {
        let sized = |sum: &Sum| format!("{}, {} KiB", sum.contents, sum.bytes.div_ceil(1024));
        print(&format!("as they should be: {}", sized(&self.sound)))?;
        for (kind, contents) in [
            ("missing", &self.missing),
            ("of another size", &self.resized),
            ("changed", &self.changed),
        ] {
            print(&format!("{kind}: {}{}", contents.len(), in_messages(db, contents).await?))?;
        }
        print(&format!("unknown to the database: {}", sized(&self.orphans)))?;
        if self.orphans.contents > 0 {
            print(
                "The server deletes what it does not know a day after its daily check has found it.",
            )?;
        }
        let wrong = self.missing.len() + self.resized.len() + self.changed.len();
        ensure!(
            wrong == 0,
            "{wrong} contents of files are not as they should be: restore them from a backup"
        );
        Ok(())
    }
}

/// ` (in the messages 1, 2)`; empty for no contents.
async fn in_messages(db: &Db, contents: &[ContentHash]) -> anyhow::Result<String> {
    if contents.is_empty() {
        return Ok(String::new());
    }
    let messages = messages_with(db, contents).await?;
    let list: Vec<String> = messages.iter().map(ToString::to_string).collect();
    Ok(format!(" (in the messages {})", list.join(", ")))
}
