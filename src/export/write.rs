//! Writing an export: JSON Lines for programs, web pages for people.
//!
//! All data comes from one snapshot. Rows are streamed, so memory use does not depend on their
//! number.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use futures_util::TryStreamExt as _;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::store;
use crate::backup::scratch_dir;
use crate::backup::scratch_dir::folder_of;
use crate::chat::files::model::Content;
use crate::chat::files::storage::Storage as FileStorage;
use crate::db::{Db, Transaction};
use crate::export::html::Pages;
use crate::export::jsonl::{self, AVATARS, CONTENTS, FORMAT, MANIFEST, Record, SECRETS};
use crate::export::records::{
    ApiToken, AuditEntry, CustomEmoji, Draft, FileContent, IdempotencyKey, Membership, Mention,
    Message, MessageEdit, MessageFile, Password, PasswordReset, Reaction, Removal, Room, RoomCode,
    SavedMessage, Session, Setting, Thread, User,
};
use crate::http::Language;
use crate::kernel::Timestamp;
use crate::progress::Progress;

/// The manifest of an export (`export.json`).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    /// The version of the Patio that wrote it.
    pub patio: String,
    /// When it was written, in RFC 3339.
    pub exported_at: String,
    /// The greatest message id that was ever assigned.
    pub last_message_id: i64,
    /// The number of lines of each file. Files that are not listed are not part of the export.
    pub lines: BTreeMap<String, u64>,
}

/// Options of an export.
#[derive(Clone)]
pub struct ExportOptions<'a> {
    /// Include credentials, which a move to another machine needs.
    pub secrets: bool,
    /// Where the contents of files are.
    pub storage: &'a FileStorage,
    /// The language of the pages.
    pub language: Language,
    /// The time zone of the pages.
    pub zone: TimeZone,
    /// The name of the installation.
    pub site: &'a str,
    pub now: Timestamp,
}

/// Writes an export into a folder that does not exist or is empty. The export is either complete or
/// not there at all.
///
/// # Errors
/// If the folder is not empty, or something cannot be read or written.
pub async fn export(
    db: &Db,
    folder: &Path,
    options: ExportOptions<'_>,
) -> anyhow::Result<Manifest> {
    let free = fs::read_dir(folder).map_or(!folder.exists(), |mut found| found.next().is_none());
    ensure!(free, "{} exists and is not an empty folder: choose another", folder.display());
    // If the folder exists, its parent may not be writable, so the temporary folder is created
    // inside it.
    let exists = folder.exists();
    let place = if exists { folder } else { folder_of(folder) };
    let mut work = scratch_dir::make_in(".patio-export-", place, 0)?;
    let mut snapshot = db.begin_read_snapshot().await?;
    let manifest = Writer::new(work.path(), options)?.write(&mut snapshot).await?;
    drop(snapshot);
    let cannot = || format!("cannot write {}", folder.display());
    if exists {
        move_all(work.path(), folder).with_context(cannot)?;
    } else {
        fs::rename(work.path(), folder).with_context(cannot)?;
        work.disable_cleanup(true);
    }
    Ok(manifest)
}

/// The manifest is moved last: a folder without it is not an export.
fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if name != MANIFEST {
            fs::rename(from.join(&name), to.join(&name))?;
        }
    }
    fs::rename(from.join(MANIFEST), to.join(MANIFEST))
}

struct Writer<'a> {
    folder: PathBuf,
    options: ExportOptions<'a>,
    pages: Pages,
    lines: BTreeMap<String, u64>,
}

impl<'a> Writer<'a> {
    fn new(folder: &Path, options: ExportOptions<'a>) -> anyhow::Result<Self> {
        let mut private_dir = DirBuilder::new();
        private_dir.mode(0o700);
        private_dir.create(folder.join(AVATARS))?;
        private_dir.create(folder.join(CONTENTS))?;
        if options.secrets {
            private_dir.create(folder.join(SECRETS))?;
        }
        let pages = Pages::new(
            folder,
            (options.language, options.zone.clone()),
            options.site,
            options.now,
        )?;
        Ok(Self { folder: folder.to_owned(), options, pages, lines: BTreeMap::new() })
    }

    async fn write(mut self, snapshot: &mut Transaction) -> anyhow::Result<Manifest> {
        let last_message_id = store::last_message_id(snapshot).await?;
        self.write_data(snapshot, last_message_id).await?;
        if self.options.secrets {
            self.write_secrets(snapshot).await?;
        }
        let avatars = self.folder.join(AVATARS);
        store::for_each_avatar(snapshot, |name, image| {
            Ok(fs::write(avatars.join(format!("{name}.jpg")), image)?)
        })
        .await?;
        self.pages.finish()?;
        let manifest = Manifest {
            format: FORMAT,
            patio: env!("CARGO_PKG_VERSION").to_owned(),
            exported_at: self.options.now.rfc3339(),
            last_message_id,
            lines: self.lines,
        };
        let mut to = File::create_new(self.folder.join(MANIFEST))?;
        serde_json::to_writer_pretty(&mut to, &manifest)?;
        to.write_all(b"\n")?;
        to.sync_all()?;
        Ok(manifest)
    }

    /// Writes the records that every export has. The pages need emoji, users, rooms and threads before
    /// messages.
    async fn write_data(&mut self, snapshot: &mut Transaction, last: i64) -> anyhow::Result<()> {
        self.write_records::<Setting>(snapshot, skip).await?;
        self.write_records(snapshot, |pages, emoji: &CustomEmoji| pages.add_emoji(emoji)).await?;
        self.write_records(snapshot, |pages, user: &User| {
            pages.add_user(user);
            Ok(())
        })
        .await?;
        self.write_records(snapshot, |pages, room: &Room| {
            pages.add_room(room);
            Ok(())
        })
        .await?;
        self.write_records(snapshot, |pages, thread: &Thread| {
            pages.add_thread(thread);
            Ok(())
        })
        .await?;
        self.write_records::<Membership>(snapshot, skip).await?;
        self.write_records::<Removal>(snapshot, skip).await?;
        let mut progress = Progress::new("writing messages", u64::try_from(last).unwrap_or(0));
        self.write_records(snapshot, |pages, message: &Message| {
            progress.add(1);
            pages.add_message(message)
        })
        .await?;
        let mut contents = Vec::new();
        self.write_records(snapshot, |_, content: &FileContent| {
            contents.push(content.content()?);
            Ok(())
        })
        .await?;
        self.write_contents(&contents).await?;
        self.write_records::<MessageFile>(snapshot, skip).await?;
        self.write_records::<MessageEdit>(snapshot, skip).await?;
        self.write_records::<Mention>(snapshot, skip).await?;
        self.write_records::<Reaction>(snapshot, skip).await?;
        self.write_records::<SavedMessage>(snapshot, skip).await?;
        self.write_records::<AuditEntry>(snapshot, skip).await
    }

    async fn write_contents(&self, contents: &[Content]) -> anyhow::Result<()> {
        let bytes = contents.iter().map(|content| content.size).sum();
        let mut progress = Progress::new("writing files", bytes);
        for content in contents {
            let hash = content.hash.as_str();
            let mut to = File::create_new(self.folder.join(CONTENTS).join(hash))?;
            let read = self.options.storage.read(&content.hash, 0..content.size);
            let cannot = || format!("the content {hash} of a file cannot be read");
            let mut parts = read.await.with_context(cannot)?;
            while let Some(part) = parts.try_next().await.with_context(cannot)? {
                to.write_all(&part)?;
                progress.add(part.len() as u64);
            }
            to.sync_all()?;
        }
        Ok(())
    }

    async fn write_secrets(&mut self, snapshot: &mut Transaction) -> anyhow::Result<()> {
        self.write_records::<Password>(snapshot, skip).await?;
        self.write_records::<RoomCode>(snapshot, skip).await?;
        self.write_records::<Session>(snapshot, skip).await?;
        self.write_records::<ApiToken>(snapshot, skip).await?;
        self.write_records::<PasswordReset>(snapshot, skip).await?;
        self.write_records::<IdempotencyKey>(snapshot, skip).await?;
        self.write_records::<Draft>(snapshot, skip).await
    }

    /// Writes all records of a kind, and adds each to the pages.
    async fn write_records<R: Record>(
        &mut self,
        snapshot: &mut Transaction,
        mut add: impl FnMut(&mut Pages, &R) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut to = BufWriter::new(File::create_new(self.folder.join(R::FILE))?);
        let mut count = 0;
        let pages = &mut self.pages;
        store::for_each(snapshot, |record: R| {
            count += 1;
            add(pages, &record)?;
            Ok(jsonl::write(&record, &mut to)?)
        })
        .await
        .with_context(|| format!("cannot write {}", R::FILE))?;
        to.into_inner()?.sync_all()?;
        self.lines.insert(R::FILE.to_owned(), count);
        Ok(())
    }
}

/// For records that the pages do not show.
#[expect(clippy::unnecessary_wraps, reason = "used like the functions that write pages")]
fn skip<R>(_: &mut Pages, _: &R) -> anyhow::Result<()> {
    Ok(())
}
