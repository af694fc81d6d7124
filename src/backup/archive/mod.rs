//! The format of a backup: a tar archive that any tar program can open.
//!
//! `manifest.json` is the first entry. It lists all other entries in order: `patio.db`, a complete
//! `SQLite` database, then the contents of files below `files/`. Each entry is a regular file with the length
//! and the SHA-256 in the manifest.

mod read;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use crate::backup::archive::read::Archive;
pub use crate::backup::archive::write::write;
use crate::chat::files::model::{Content, ContentHash};
use crate::chat::files::storage::{CONTENTS, path_of};
use crate::progress::Progress;
use hex::encode as hex;

/// The format version. A change that older programs cannot read increases it.
pub const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// The path of the database in an archive and in a data directory.
pub const DATABASE: &str = "patio.db";
/// The folder of uploaded files, in an archive and in a data directory.
pub const UPLOADS: &str = "uploads";

/// The contents of an archive, and what must be true of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of the Patio that created it.
    pub patio: String,
    /// When it was created, in RFC 3339.
    pub made_at: String,
    /// The versions of the migrations applied to the database.
    pub migrations: Vec<i64>,
    /// The epoch of the database.
    pub epoch: String,
    /// The number of rows of each table.
    pub rows: BTreeMap<String, i64>,
    pub entries: Vec<Entry>,
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: String,
    pub bytes: u64,
    /// Hexadecimal.
    pub sha256: String,
}

impl Entry {
    /// The content of files that it is, under its own hash; `None` for the database.
    pub fn content(&self) -> Option<Content> {
        let hash = ContentHash::parse(&self.sha256).filter(|hash| path_of(hash) == self.path);
        hash.map(|hash| Content { hash, size: self.bytes })
    }
}

/// Whether a path is the database or a file below the uploads. Rejects every path that could leave
/// the target directory, such as one with `..`.
fn is_allowed(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let below = |folder| path.strip_prefix(folder).and_then(|rest: &str| rest.strip_prefix('/'));
    let file = below(UPLOADS).or_else(|| below(CONTENTS));
    path == DATABASE || (path.len() <= 99 && file.is_some_and(|file| file.split('/').all(plain)))
}

/// A reader that counts and hashes the bytes it passes through and reports progress.
struct Measured<'a, R> {
    inner: R,
    bytes: u64,
    hash: Sha256,
    progress: &'a mut Progress,
}

impl<'a, R: Read> Measured<'a, R> {
    fn new(inner: R, progress: &'a mut Progress) -> Self {
        Self { inner, bytes: 0, hash: Sha256::new(), progress }
    }

    /// The entry for the bytes read so far, under this path.
    fn entry(self, path: &str) -> Entry {
        let sha256 = hex(self.hash.finalize());
        Entry { path: path.to_owned(), bytes: self.bytes, sha256 }
    }
}

impl<R: Read> Read for Measured<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        let more = u64::try_from(read).unwrap_or(u64::MAX);
        self.bytes += more;
        self.progress.add(more);
        Ok(read)
    }
}

/// Reads a file and returns its entry under this path.
///
/// # Errors
/// If the file cannot be read.
pub fn measure(path: &str, file: File) -> io::Result<Entry> {
    let mut progress = Progress::new("reading", file.metadata()?.len());
    let mut measured = Measured::new(file, &mut progress);
    io::copy(&mut measured, &mut io::sink())?;
    Ok(measured.entry(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_database_and_uploads_are_allowed() {
        for good in ["patio.db", "uploads/a", "uploads/ab/cd-1_2.jpg", "files/ab/cdef"] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "/patio.db",
            "../patio.db",
            "./patio.db",
            "patio.db-wal",
            "uploads",
            "uploads/",
            "uploads/../patio.db",
            "uploads//a",
            "uploads/.a",
            "uploads/a b",
            "uploads/a\\b",
            "/uploads/a",
            "uploadsa/b",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
