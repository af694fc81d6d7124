//! Reading an export into an installation that is empty. Everything goes in, or nothing.

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

/// The longest line: a message of 16,000 characters needs far less.
const LONGEST_LINE: u64 = 1 << 20;
/// Pictures are kept small; the largest are some ten thousand bytes.
const LARGEST_PICTURE: u64 = 1 << 20;

/// Reads an export, ids included. `epoch` names the history that begins with it.
///
/// # Errors
/// When the installation is not empty, or anything in the export is wrong: with file and line.
pub async fn import(db: &Db, folder: &Path, epoch: &str) -> anyhow::Result<Manifest> {
    let manifest = read_manifest(&folder.join(MANIFEST))?;
    ensure!(
        store::is_empty(db).await?,
        "there are people or messages already: import into an empty data directory"
    );
    let mut change = db.begin().await?;
    store::clear(&mut change).await?;
    let mut last = manifest.last_message_id;
    let total = manifest.lines.values().sum();
    let mut progress = Progress::new("reading", total);
    for kind in &KINDS {
        let file = kind.file();
        let Some(wanted) = manifest.lines.get(&file) else { continue };
        let mut reading = Importer { change: &mut change, folder, kind, last: &mut last };
        let found = reading.all(&file, &mut progress).await?;
        ensure!(
            found == *wanted,
            "{file} has {found} lines, and {MANIFEST} says {wanted}: it is not complete"
        );
    }
    store::finish_import(&mut change, last, epoch).await?;
    if let Some(complaint) = store::violation(&mut change).await? {
        bail!(complaint);
    }
    change.commit().await?;
    Ok(manifest)
}

fn read_manifest(path: &Path) -> anyhow::Result<Manifest> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("this is no export of Patio: cannot read {}", path.display()))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{MANIFEST} is damaged"))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format.is_some_and(|format| format > u64::from(FORMAT)) {
        bail!("it was written by a newer Patio: use that one");
    }
    let manifest: Manifest =
        serde_json::from_value(value).with_context(|| format!("{MANIFEST} is damaged"))?;
    let known: Vec<String> = KINDS.iter().map(Kind::file).collect();
    for file in manifest.lines.keys() {
        ensure!(known.contains(file), "{MANIFEST} names {file}, which no export has");
    }
    Ok(manifest)
}

/// One file on its way in.
struct Importer<'a> {
    change: &'a mut Transaction,
    folder: &'a Path,
    kind: &'a Kind,
    /// The greatest number of a message so far.
    last: &'a mut i64,
}

impl Importer<'_> {
    /// How many lines there were.
    async fn all(&mut self, file: &str, progress: &mut Progress) -> anyhow::Result<u64> {
        let path = self.folder.join(file);
        let opened =
            File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut from = BufReader::new(opened);
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            (&mut from).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(number);
            }
            number += 1;
            self.one(&line).await.map_err(|error| anyhow!("{file}:{number}: {error}"))?;
            progress.add(1);
        }
    }

    async fn one(&mut self, line: &[u8]) -> Result<(), String> {
        let line = line.strip_suffix(b"\n").ok_or("the line is cut off or too long")?;
        let mut row = jsonl::parse(self.kind, line)?;
        (self.kind.rebuild)(&mut row)?;
        match self.kind.name {
            "messages" => *self.last = (*self.last).max(row.first().map_or(0, Value::number)),
            "people" => self.picture(&row).await?,
            _ => {}
        }
        match store::put(self.change, self.kind, row).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it belongs to nothing that is there".to_owned()),
            Err(error) if is_environment_error(&error) => {
                Err(format!("it could not be stored ({error})"))
            }
            Err(sqlx::Error::Database(error)) => Err(format!("it does not fit ({error})")),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn picture(&mut self, person: &Row) -> Result<(), String> {
        let place = self.kind.place("avatar").and_then(|place| person.get(place));
        let name = place.map_or("", Value::text);
        if name.is_empty() {
            return Ok(());
        }
        let file = format!("{AVATARS}/{name}.jpg");
        let image = small(self.folder, &file).map_err(|error| format!("{file}: {error}"))?;
        if !image.starts_with(&[0xff, 0xd8, 0xff]) {
            return Err(format!("{file} is no JPEG"));
        }
        store::put_picture(self.change, name, &image).await.map_err(|error| error.to_string())
    }
}

/// A link would bring in any file that the importing user can read.
fn small(folder: &Path, name: &str) -> std::io::Result<Vec<u8>> {
    let is_link = fs::symlink_metadata(folder.join(AVATARS))?.is_symlink();
    if is_link {
        return Err(std::io::Error::other("the folder is a symbolic link"));
    }
    let mut bytes = Vec::new();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    let file = options.open(folder.join(name))?;
    file.take(LARGEST_PICTURE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_picture_is_a_file_in_the_export_and_no_link() {
        let place = tempfile::tempdir().expect("a directory");
        let (real, linked) = (place.path().join("real"), place.path().join("linked"));
        fs::create_dir_all(real.join(AVATARS)).expect("made");
        fs::create_dir(&linked).expect("made");
        fs::write(real.join("avatars/a.jpg"), "picture").expect("written");
        symlink(real.join("avatars/a.jpg"), real.join("avatars/b.jpg")).expect("linked");
        symlink("a.jpg", real.join("avatars/c.jpg")).expect("linked");
        symlink(real.join(AVATARS), linked.join(AVATARS)).expect("linked");
        assert_eq!(small(&real, "avatars/a.jpg").expect("a file"), b"picture");
        for (folder, name) in [(&real, "b"), (&real, "c"), (&linked, "a")] {
            assert!(small(folder, &format!("avatars/{name}.jpg")).is_err(), "{name}");
        }
    }
}
