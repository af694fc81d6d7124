//! Ownership of new files. Files that root creates in a directory of another user (a restore, a first account)
//! are given to that user, because the service could not open them otherwise.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::bail;
use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// A system user other than the one of this process.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub uid: u32,
    gid: u32,
}

impl Owner {
    /// Returns the owner of a directory; `None` if it is the user of this process.
    pub fn of(directory: &Path) -> Option<Self> {
        let found = fs::metadata(directory).ok()?;
        let owner = Self { uid: found.uid(), gid: found.gid() };
        (owner.uid != geteuid().as_raw()).then_some(owner)
    }

    /// Gives a file to this user.
    ///
    /// # Errors
    /// If this process has no permission to do so.
    pub fn chown(self, file: &File) -> io::Result<()> {
        fchown(file, Some(self.uid), Some(self.gid))
    }

    /// Gives a directory and its contents to this user. Symbolic links are refused: with a link, the user could
    /// make root give away a file that belongs to another user.
    ///
    /// # Errors
    /// As [`Self::chown`], and if it cannot be read.
    pub fn chown_all(self, path: &Path) -> io::Result<()> {
        let no_link = OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(no_link).open(path)?;
        if file.metadata()?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.chown_all(&entry?.path())?;
            }
        }
        self.chown(&file)
    }
}

/// Creates the file of a database before `SQLite` does, with the owner of the directory: `SQLite` gives the
/// files that it creates next to it the same owner. If the owner cannot be changed, the file is left as it is.
///
/// # Errors
/// If the file cannot be created.
pub fn prepare(database: &Path, folder: &Path) -> io::Result<()> {
    let Some(owner) = Owner::of(folder) else { return Ok(()) };
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(database);
    match created {
        Ok(file) => owner.chown(&file).or(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns a database file and the files that `SQLite` keeps next to it.
pub fn files(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        path.into()
    })
}

/// Checks that this process may read and write files. Files that do not exist are skipped.
///
/// # Errors
/// If it may not; the message names the owner.
pub fn ensure_usable(files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        let access = accessat(CWD, file, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS);
        let Ok(found) = fs::symlink_metadata(file) else { continue };
        if access == Err(Errno::ACCESS) {
            bail!(
                "{} belongs to user {}, but Patio runs as user {}: change its owner (chown), or run \
                 Patio as its owner",
                file.display(),
                found.uid(),
                geteuid().as_raw()
            );
        }
    }
    Ok(())
}
