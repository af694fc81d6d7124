//! Importing an export into an empty installation, in one transaction.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use rustix::fs::OFlags;

use super::store;
use crate::chat::files::storage::Storage;
use crate::db::{Db, Transaction, is_environment_error};
use crate::export::jsonl::{self, AVATARS, CONTENTS, FORMAT, InsertError, MANIFEST, Record};
use crate::export::records::{
    ApiToken, AuditEntry, CustomEmoji, Draft, FileContent, IdempotencyKey, Membership, Mention,
    Message, MessageEdit, MessageFile, Password, PasswordReset, Reaction, Removal, Room, RoomCode,
    SavedMessage, Session, Setting, TABLES, Thread, User,
};
use crate::export::write::Manifest;
use crate::progress::Progress;

/// The longest accepted line in bytes. A message of 16,000 characters needs far less.
const LONGEST_LINE: u64 = 1 << 20;
/// The largest accepted avatar in bytes. Stored ones have at most some ten thousand bytes.
const LARGEST_AVATAR: u64 = 1 << 20;

/// Imports an export, including ids. `epoch` is the new epoch; `storage` takes the contents of files.
///
/// # Errors
/// If the installation is not empty, or anything in the export is wrong. The error names file and
/// line.
pub async fn import(
    db: &Db,
    storage: &Storage,
    folder: &Path,
    epoch: &str,
) -> anyhow::Result<Manifest> {
    let manifest = read_manifest(&folder.join(MANIFEST))?;
    ensure!(
        store::is_empty(db).await?,
        "there are users or messages already: import into an empty installation"
    );
    let mut transaction = db.begin_long().await?;
    store::clear(&mut transaction).await?;
    let progress = Progress::new("reading", manifest.lines.values().sum());
    let mut importer =
        Importer { transaction: &mut transaction, storage, folder, manifest: &manifest, progress };
    importer.import().await?;
    drop(importer);
    store::finish_import(&mut transaction, manifest.last_message_id, epoch).await?;
    if let Some(violation) = store::violation(&mut transaction).await? {
        bail!(violation);
    }
    transaction.commit().await?;
    Ok(manifest)
}

fn read_manifest(path: &Path) -> anyhow::Result<Manifest> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("this is not a Patio export: cannot read {}", path.display()))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{MANIFEST} is corrupted"))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format.is_some_and(|format| format > u64::from(FORMAT)) {
        bail!("it was written by a newer Patio: use that version");
    }
    let manifest: Manifest =
        serde_json::from_value(value).with_context(|| format!("{MANIFEST} is corrupted"))?;
    for file in manifest.lines.keys() {
        let is_known = TABLES.iter().any(|table| table.file == file);
        ensure!(is_known, "{MANIFEST} lists {file}, which no export has");
    }
    Ok(manifest)
}

/// The import of the files of an export.
struct Importer<'a> {
    transaction: &'a mut Transaction,
    storage: &'a Storage,
    folder: &'a Path,
    manifest: &'a Manifest,
    progress: Progress,
}

impl Importer<'_> {
    async fn import(&mut self) -> anyhow::Result<()> {
        self.import_records::<Setting>().await?;
        self.import_records::<CustomEmoji>().await?;
        self.import_records::<User>().await?;
        self.import_avatars().await?;
        self.import_records::<Room>().await?;
        self.import_records::<Thread>().await?;
        self.import_records::<Membership>().await?;
        self.import_records::<Removal>().await?;
        self.import_records::<Message>().await?;
        self.import_records::<FileContent>().await?;
        self.import_contents().await?;
        self.import_records::<MessageFile>().await?;
        self.import_records::<MessageEdit>().await?;
        self.import_records::<Mention>().await?;
        self.import_records::<Reaction>().await?;
        self.import_records::<SavedMessage>().await?;
        self.import_records::<AuditEntry>().await?;
        self.import_records::<Password>().await?;
        self.import_records::<RoomCode>().await?;
        self.import_records::<Session>().await?;
        self.import_records::<ApiToken>().await?;
        self.import_records::<PasswordReset>().await?;
        self.import_records::<IdempotencyKey>().await?;
        self.import_records::<Draft>().await
    }

    /// Imports all records of a kind, if the export has them.
    async fn import_records<R: Record>(&mut self) -> anyhow::Result<()> {
        let file = R::FILE;
        let Some(expected) = self.manifest.lines.get(file) else { return Ok(()) };
        let path = self.folder.join(file);
        let opened =
            File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut from = BufReader::new(opened);
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            (&mut from).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                break;
            }
            number += 1;
            self.import_line::<R>(&line)
                .await
                .map_err(|error| anyhow!("{file}:{number}: {error}"))?;
            self.progress.add(1);
        }
        ensure!(
            number == *expected,
            "{file} has {number} lines, but {MANIFEST} says {expected}: it is incomplete"
        );
        Ok(())
    }

    async fn import_line<R: Record>(&mut self, line: &[u8]) -> Result<(), String> {
        let line = line.strip_suffix(b"\n").ok_or("the line is truncated or too long")?;
        let record: R = jsonl::parse(line)?;
        match record.insert(self.transaction).await {
            Ok(0) => Err("it refers to a row that does not exist".to_owned()),
            Ok(_) => Ok(()),
            Err(InsertError::Database(error)) => Err(explain(&error)),
            Err(error @ InsertError::Invalid(_)) => Err(error.to_string()),
        }
    }

    /// Imports the avatars of the users that were imported.
    async fn import_avatars(&mut self) -> anyhow::Result<()> {
        for name in store::avatar_names(self.transaction).await? {
            let file = format!("{AVATARS}/{name}.jpg");
            let image = read_avatar(self.folder, &file).with_context(|| file.clone())?;
            ensure!(image.starts_with(&[0xff, 0xd8, 0xff]), "{file} is not a JPEG");
            store::add_avatar(self.transaction, &name, &image)
                .await
                .map_err(|error| anyhow!("{file}: {}", explain(&error)))?;
        }
        Ok(())
    }

    /// Stores the contents of the files that were listed. They are in storage before the database names them.
    async fn import_contents(&mut self) -> anyhow::Result<()> {
        let contents = store::contents(self.transaction).await?;
        let mut progress =
            Progress::new("reading files", contents.iter().map(|content| content.size).sum());
        for content in contents {
            let file = format!("{CONTENTS}/{}", content.hash.as_str());
            let bytes = open_file(self.folder, CONTENTS, &file).with_context(|| file.clone())?;
            self.storage.put(&content, bytes).await.with_context(|| file.clone())?;
            progress.add(content.size);
        }
        Ok(())
    }
}

/// Explains why a row could not be inserted.
fn explain(error: &sqlx::Error) -> String {
    match error {
        error if is_environment_error(error) => {
            format!("it could not be written to the database ({error})")
        }
        sqlx::Error::Database(error) => format!("it violates a constraint ({error})"),
        error => error.to_string(),
    }
}

fn read_avatar(folder: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(folder, AVATARS, name)?.take(LARGEST_AVATAR).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file in a folder of the export without following symbolic links: a link could import any file that the
/// importing user can read.
fn open_file(folder: &Path, inner: &str, name: &str) -> std::io::Result<File> {
    let is_link = fs::symlink_metadata(folder.join(inner))?.is_symlink();
    if is_link {
        return Err(std::io::Error::other("the folder is a symbolic link"));
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options.open(folder.join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_avatar_is_a_file_in_the_export_and_not_a_link() {
        let place = tempfile::tempdir().expect("a directory");
        let real = place.path().join("real");
        let linked = place.path().join("linked");
        fs::create_dir_all(real.join(AVATARS)).expect("made");
        fs::create_dir(&linked).expect("made");
        fs::write(real.join("avatars/a.jpg"), "picture").expect("written");
        symlink(real.join("avatars/a.jpg"), real.join("avatars/b.jpg")).expect("linked");
        symlink("a.jpg", real.join("avatars/c.jpg")).expect("linked");
        symlink(real.join(AVATARS), linked.join(AVATARS)).expect("linked");
        assert_eq!(read_avatar(&real, "avatars/a.jpg").expect("a file"), b"picture");
        for (folder, name) in [(&real, "b"), (&real, "c"), (&linked, "a")] {
            assert!(read_avatar(folder, &format!("avatars/{name}.jpg")).is_err(), "{name}");
        }
    }
}
