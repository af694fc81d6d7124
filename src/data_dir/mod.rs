//! The data directory: created if it does not exist, refused on file systems that corrupt databases, and
//! locked while a process uses it.

pub mod owner;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use self::owner::Owner;
use crate::config::{DatabaseUrl, Storage, Switch};

/// The file whose lock marks the directory as in use.
const LOCK_FILE: &str = "patio.lock";
/// The file that keeps the newest known change across restarts (see [`crate::db::epoch`]).
pub const EPOCH_NOTE: &str = "newest.json";
/// The directory to which a restore moves the previous data. It is deleted when the restore has finished.
pub const REPLACED: &str = ".replaced";

/// A locked data directory. No restore replaces its contents until this is dropped.
pub struct DataDir {
    path: PathBuf,
    /// The directory's owner, if this process cannot give new files to that user.
    other_owner: Option<Owner>,
    /// Holds the lock.
    _lock: File,
}

impl DataDir {
    /// Locks the directory together with other processes: during an update two servers use it.
    ///
    /// # Errors
    /// If it cannot be created or used, a restore is running or was interrupted, or it is on a network file
    /// system.
    pub fn lock_shared(storage: &Storage) -> anyhow::Result<Self> {
        let locked = Self::lock(storage, File::try_lock_shared)?;
        let replaced = locked.path.join(REPLACED);
        if replaced.exists() {
            bail!(
                "a restore into {} was interrupted (the previous data is in {}): run patio \
                 restore --force again",
                locked.path.display(),
                replaced.display()
            );
        }
        Ok(locked)
    }

    /// Locks the directory exclusively.
    ///
    /// # Errors
    /// As [`Self::lock_shared`], and if another process uses it.
    pub fn lock_exclusive(storage: &Storage) -> anyhow::Result<Self> {
        Self::lock(storage, File::try_lock)
    }

    fn lock(
        storage: &Storage,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> anyhow::Result<Self> {
        // Wrong settings are reported before anything is created.
        storage.files.place()?;
        let path = storage.data_dir.clone();
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create the data directory {shown}"))?;
        if storage.any_filesystem == Switch::Off {
            database_directory(storage).map_or(Ok(()), refuse_network)?;
        }
        owner::ensure_usable(&[path.join(LOCK_FILE)])?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .with_context(|| format!("cannot use the data directory {shown}"))?;
        let owner = Owner::of(&path);
        let is_given = owner.is_none_or(|owner| owner.chown(&file).is_ok());
        let other_owner = owner.filter(|_| !is_given);
        match lock(&file) {
            Ok(()) => Ok(Self { path, other_owner, _lock: file }),
            Err(TryLockError::WouldBlock) => {
                bail!("{shown} is in use by another Patio: stop it first")
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {shown}"))
            }
        }
    }

    /// Warns, before a database is created here, that it will have another owner than the directory.
    #[expect(clippy::print_stderr, reason = "warnings of a command line go to stderr")]
    pub fn warn(&self) {
        if let Some(owner) = self.other_owner {
            eprintln!(
                "patio: {} belongs to user {}, but the files created now do not: change their owner \
                 (chown), unless the server runs as the current user",
                self.path.display(),
                owner.uid
            );
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the directory has no data. Files that a new directory or volume has do not count.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn is_empty(&self) -> std::io::Result<bool> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if name != LOCK_FILE && name != EPOCH_NOTE && name != "lost+found" {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns the directory of the database file; `None` for a database server.
fn database_directory(storage: &Storage) -> Option<&Path> {
    match storage.database() {
        None => Some(&storage.data_dir),
        Some(DatabaseUrl::Sqlite(path)) => match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Some(Path::new(".")),
            parent => parent,
        },
        Some(DatabaseUrl::Postgres(_)) => None,
    }
}

/// Refuses network file systems. `SQLite` coordinates processes by shared memory and file locks; over a network
/// neither is reliable, and the file gets corrupted sooner or later.
fn refuse_network(path: &Path) -> anyhow::Result<()> {
    if let Some(kind) = network(path) {
        bail!(
            "{} is on a network file system ({kind}), where databases get corrupted: use a local \
             disk or a block volume (or set ANY_FILESYSTEM=on if its locks and shared memory work \
             like those of a local disk)",
            path.display()
        );
    }
    Ok(())
}

/// Returns the kind of network file system that the path is on; `None` for a local one, or if it is unknown.
#[cfg(target_os = "linux")]
fn network(path: &Path) -> Option<&'static str> {
    kind_of(u32::try_from(rustix::fs::statfs(path).ok()?.f_type & 0xffff_ffff).ok()?)
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<&'static str> {
    None
}

/// Maps Linux's file system numbers (`statfs(2)`).
#[cfg(target_os = "linux")]
fn kind_of(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9P",
        0x00c3_6400 => "Ceph",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x7461_636f => "OCFS2",
        0x0116_1970 => "GFS2",
        _ => return None,
    })
}

/// Returns the free bytes on the file system of this path; `u64::MAX` if that is unknown.
pub fn free_space(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Checks that `bytes` are free on the file system of this path.
///
/// # Errors
/// [`std::io::ErrorKind::StorageFull`] if fewer bytes are free.
pub fn ensure_space(path: &Path, bytes: u64) -> anyhow::Result<()> {
    let free = free_space(path);
    if free < bytes {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        return Err(std::io::Error::from(std::io::ErrorKind::StorageFull)).with_context(|| {
            let place = path.display();
            format!("{place} needs {} MiB of free space and has {}", mib(bytes), mib(free))
        });
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_refused_and_local_ones_accepted() {
        for (magic, kind) in [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0x6573_5546, "FUSE")] {
            assert_eq!(kind_of(magic), Some(kind));
        }
        // ext4, xfs, btrfs, tmpfs, overlay, zfs
        for local in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(kind_of(local), None, "{local:x}");
        }
    }

    #[test]
    fn an_exclusive_lock_excludes_every_other_process() {
        let temporary = tempfile::tempdir().expect("a directory");
        let storage = Storage::in_directory(temporary.path().join("data"));
        let (one, two) = (DataDir::lock_shared(&storage), DataDir::lock_shared(&storage));
        assert!(one.is_ok() && two.is_ok());
        assert!(DataDir::lock_exclusive(&storage).is_err());
        drop((one, two));
        let exclusive = DataDir::lock_exclusive(&storage).expect("no other lock");
        assert!(exclusive.is_empty().expect("read"));
        assert!(DataDir::lock_shared(&storage).is_err());
    }
}
