//! The form of a backup: a tar archive that any tar can open.
//!
//! `manifest.json` comes first and says what follows, in this order and nothing else: `patio.db`,
//! an `SQLite` database that is complete in itself, then files below `uploads/`. Each is a plain
//! file with the length and the SHA-256 that the manifest gives.

mod read;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use crate::backup::archive::read::Archive;
pub use crate::backup::archive::write::write;
use crate::progress::Progress;
use hex::encode as hex;

/// The number of this form. A change that older programs cannot read raises it.
pub const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// The database in an archive and in a data directory.
pub const DATABASE: &str = "patio.db";
/// Files that people sent, in an archive and in a data directory.
pub const UPLOADS: &str = "uploads";

/// What an archive holds, and what must be true of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of the Patio that made it.
    pub patio: String,
    /// When, in RFC 3339.
    pub made_at: String,
    /// The numbers of the migrations that the database has seen.
    pub migrations: Vec<i64>,
    /// The name of the history that was copied.
    pub epoch: String,
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
    pub entries: Vec<Entry>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: String,
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// The database, or a file below the uploads that cannot lead out of there.
fn is_allowed(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let file = path.strip_prefix(UPLOADS).and_then(|rest| rest.strip_prefix('/'));
    path == DATABASE || (path.len() <= 99 && file.is_some_and(|file| file.split('/').all(plain)))
}

/// Counts and hashes what is read through it, and tells how far it has come.
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

    /// What was read, as an archive knows it under this path.
    fn entry(self, path: &str) -> Entry {
        let sha256 = hex(&self.hash.finalize());
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

/// A file as an archive will know it under this path.
///
/// # Errors
/// When it cannot be read.
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
    fn a_path_leads_to_the_database_or_into_the_uploads() {
        for good in ["patio.db", "uploads/a", "uploads/ab/cd-1_2.jpg"] {
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
