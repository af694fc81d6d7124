//! Importing an export into an empty installation, in one transaction.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use rustix::fs::OFlags;

use super::store;
use crate::db::{Db, Transaction, is_environment_error};
use crate::export::jsonl;
use crate::export::jsonl::{AVATARS, FORMAT, KINDS, Kind, MANIFEST, Row, Value};
use crate::export::write::Manifest;
use crate::progress::Progress;

/// The longest accepted line in bytes. A message of 16,000 characters needs far less.
const LONGEST_LINE: u64 = 1 << 20;
/// The largest accepted avatar in bytes. Stored ones have at most some ten thousand bytes.
const LARGEST_AVATAR: u64 = 1 << 20;

/// Imports an export, including ids. `epoch` is the new epoch.
///
/// # Errors
/// If the installation is not empty, or anything in the export is wrong. The error names file and
/// line.
pub async fn import(db: &Db, folder: &Path, epoch: &str) -> anyhow::Result<Manifest> {
    let manifest = read_manifest(&folder.join(MANIFEST))?;
    ensure!(
        store::is_empty(db).await?,
        "there are users or messages already: import into an empty installation"
    );
    let mut change = db.begin().await?;
    store::clear(&mut change).await?;
    let mut last_message_id = manifest.last_message_id;
    let total = manifest.lines.values().sum();
    let mut progress = Progress::new("reading", total);
    for kind in &KINDS {
        let file = kind.file();
        let Some(expected) = manifest.lines.get(&file) else { continue };
        let mut importer =
            Importer { change: &mut change, folder, kind, last_message_id: &mut last_message_id };
        let found = importer.lines(&file, &mut progress).await?;
        ensure!(
            found == *expected,
            "{file} has {found} lines, but {MANIFEST} says {expected}: it is incomplete"
        );
    }
    store::finish_import(&mut change, last_message_id, epoch).await?;
    if let Some(violation) = store::violation(&mut change).await? {
        bail!(violation);
    }
    change.commit().await?;
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
    let known: Vec<String> = KINDS.iter().map(Kind::file).collect();
    for file in manifest.lines.keys() {
        ensure!(known.contains(file), "{MANIFEST} lists {file}, which no export has");
    }
    Ok(manifest)
}

/// The import of one file.
struct Importer<'a> {
    change: &'a mut Transaction,
    folder: &'a Path,
    kind: &'a Kind,
    /// The greatest message id so far.
    last_message_id: &'a mut i64,
}

impl Importer<'_> {
    /// Imports all lines and returns their number.
    async fn lines(&mut self, file: &str, progress: &mut Progress) -> anyhow::Result<u64> {
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
                return Ok(number);
            }
            number += 1;
            self.line(&line).await.map_err(|error| anyhow!("{file}:{number}: {error}"))?;
            progress.add(1);
        }
    }

    async fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let line = line.strip_suffix(b"\n").ok_or("the line is truncated or too long")?;
        let mut row = jsonl::parse(self.kind, line)?;
        (self.kind.rebuild)(&mut row)?;
        match self.kind.name {
            "messages" => {
                *self.last_message_id =
                    (*self.last_message_id).max(row.first().map_or(0, Value::number));
            }
            "people" => self.avatar(&row).await?,
            _ => {}
        }
        match store::put(self.change, self.kind, row).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it refers to a row that does not exist".to_owned()),
            Err(error) if is_environment_error(&error) => {
                Err(format!("it could not be written to the database ({error})"))
            }
            Err(sqlx::Error::Database(error)) => Err(format!("it violates a constraint ({error})")),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn avatar(&mut self, user: &Row) -> Result<(), String> {
        let value = self.kind.place("avatar").and_then(|place| user.get(place));
        let name = value.map_or("", Value::text);
        if name.is_empty() {
            return Ok(());
        }
        let file = format!("{AVATARS}/{name}.jpg");
        let image =
            read_small_file(self.folder, &file).map_err(|error| format!("{file}: {error}"))?;
        if !image.starts_with(&[0xff, 0xd8, 0xff]) {
            return Err(format!("{file} is not a JPEG"));
        }
        store::put_picture(self.change, name, &image).await.map_err(|error| error.to_string())
    }
}

/// Reads a small file without following symbolic links: a link could import any file that the
/// importing user can read.
fn read_small_file(folder: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    let is_link = fs::symlink_metadata(folder.join(AVATARS))?.is_symlink();
    if is_link {
        return Err(std::io::Error::other("the folder is a symbolic link"));
    }
    let mut bytes = Vec::new();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    let file = options.open(folder.join(name))?;
    file.take(LARGEST_AVATAR).read_to_end(&mut bytes)?;
    Ok(bytes)
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
        assert_eq!(read_small_file(&real, "avatars/a.jpg").expect("a file"), b"picture");
        for (folder, name) in [(&real, "b"), (&real, "c"), (&linked, "a")] {
            assert!(read_small_file(folder, &format!("avatars/{name}.jpg")).is_err(), "{name}");
        }
    }
}
