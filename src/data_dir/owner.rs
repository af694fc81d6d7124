//! Who owns what is made. What root makes in a directory of another user (a restore, a first account) belongs
//! to that user: the service could not open it otherwise.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::bail;
use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// A user other than that of this process.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub uid: u32,
    gid: u32,
}

impl Owner {
    /// The owner of a directory, if that is somebody else.
    pub fn of(directory: &Path) -> Option<Self> {
        let found = fs::metadata(directory).ok()?;
        let owner = Self { uid: found.uid(), gid: found.gid() };
        (owner.uid != geteuid().as_raw()).then_some(owner)
    }

    /// # Errors
    /// When this process has not the right to.
    pub fn chown(self, file: &File) -> io::Result<()> {
        fchown(file, Some(self.uid), Some(self.gid))
    }

    /// Gives a folder and all in it. Links are given to nobody: by the name of one, a user could have a file
    /// of another's.
    ///
    /// # Errors
    /// As [`Self::give`], and when it cannot be read.
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

/// Makes the file of a database before `SQLite` does, if there is none: what it makes beside it has the same
/// owner then. Where that may not be, it is left to `SQLite`.
///
/// # Errors
/// When the file cannot be made.
pub fn prepare(database: &Path, folder: &Path) -> io::Result<()> {
    let Some(owner) = Owner::of(folder) else { return Ok(()) };
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(database);
    match made {
        Ok(file) => owner.chown(&file).or(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A database file and what `SQLite` keeps beside it.
pub fn files(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut path = database.as_os_str().to_owned();
        path.push(ending);
        path.into()
    })
}

/// # Errors
/// When one of these files may not be read and written by this user: with its owner.
pub fn ensure_usable(files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        let may = accessat(CWD, file, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS);
        let Ok(found) = fs::symlink_metadata(file) else { continue };
        if may == Err(Errno::ACCESS) {
            bail!(
                "{} belongs to user {}, and this Patio runs as user {}: give it to that one (chown), or \
                 run Patio as its owner",
                file.display(),
                found.uid(),
                geteuid().as_raw()
            );
        }
    }
    Ok(())
}
