//! The data directory: made when it is missing, refused where a database would come to harm, and
//! held by a lock for as long as somebody works in it.

pub mod owner;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use self::owner::Owner;
use crate::config::{DatabaseUrl, Storage, Switch};

/// The file whose lock says that the directory is in use.
const LOCK_FILE: &str = "patio.lock";
/// What is known of the newest change over a restart, in the data directory.
pub const EPOCH_NOTE: &str = "newest.json";
/// What a restore puts away while it is at work; it is gone when that has ended.
pub const REPLACED: &str = ".replaced";

/// A data directory that is held. Nobody replaces what is in it until this is dropped.
pub struct DataDir {
    path: PathBuf,
    /// Its owner, where what is made in it cannot be given to that user.
    stranger: Option<Owner>,
    /// Keeps the lock.
    _lock: File,
}

impl DataDir {
    /// Holds the directory beside others who work in it: during an update two servers do.
    ///
    /// # Errors
    /// When it cannot be made or used, is being replaced, or is no place for the database.
    pub fn lock_shared(storage: &Storage) -> anyhow::Result<Self> {
        let held = Self::lock(storage, File::try_lock_shared)?;
        let replaced = held.path.join(REPLACED);
        if replaced.exists() {
            bail!(
                "a restore into {} was interrupted (what was there before is in {}): run patio \
                 restore --force again",
                held.path.display(),
                replaced.display()
            );
        }
        Ok(held)
    }

    /// Holds the directory alone.
    ///
    /// # Errors
    /// As [`Self::share`], and when anybody works in it.
    pub fn lock_exclusive(storage: &Storage) -> anyhow::Result<Self> {
        Self::lock(storage, File::try_lock)
    }

    fn lock(
        storage: &Storage,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> anyhow::Result<Self> {
        let path = storage.data_dir.clone();
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make the data directory {shown}"))?;
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
        let stranger = owner.filter(|_| !is_given);
        match lock(&file) {
            Ok(()) => Ok(Self { path, stranger, _lock: file }),
            Err(TryLockError::WouldBlock) => {
                bail!("{shown} is in use by another patio: stop it first")
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {shown}"))
            }
        }
    }

    /// Says before a database is made here that it will belong to another user than the directory.
    #[expect(clippy::print_stderr, reason = "a command line's complaints go there")]
    pub fn warn(&self) {
        if let Some(owner) = self.stranger {
            eprintln!(
                "patio: {} belongs to user {}, and what is made there now does not: unless the server runs \
                 as this user too, change its owner (chown)",
                self.path.display(),
                owner.uid
            );
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing is kept here. What every new directory or volume has does not count.
    ///
    /// # Errors
    /// When it cannot be read.
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

/// Where the database file is, if it is one.
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

/// `SQLite` keeps what its processes know of each other in shared memory, and takes locks at their
/// word. Over a network neither holds, and the file is damaged sooner or later.
fn refuse_network(path: &Path) -> anyhow::Result<()> {
    if let Some(kind) = network(path) {
        bail!(
            "{} is on a network file system ({kind}), where a database gets damaged: use a local \
             disk or a block volume (or set ANY_FILESYSTEM=on, if you know that this one keeps \
             locks and shared memory as a local disk does)",
            path.display()
        );
    }
    Ok(())
}

/// What kind of network file system the path is on, if on any. Where it cannot be told: none.
#[cfg(target_os = "linux")]
fn network(path: &Path) -> Option<&'static str> {
    kind_of(u32::try_from(rustix::fs::statfs(path).ok()?.f_type & 0xffff_ffff).ok()?)
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<&'static str> {
    None
}

/// By the number that Linux gives each file system (`statfs(2)`).
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

/// How many bytes may still be written where this path is. Where it cannot be told: no limit.
pub fn free_space(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// # Errors
/// When less is free where this path is.
pub fn ensure_space(path: &Path, bytes: u64) -> anyhow::Result<()> {
    let free = free_space(path);
    if free < bytes {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        return Err(std::io::Error::from(std::io::ErrorKind::StorageFull)).with_context(|| {
            let place = path.display();
            format!("{} MiB are needed in {place}, and {} are free", mib(bytes), mib(free))
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
        let place = tempfile::tempdir().expect("a directory");
        let storage = Storage::in_directory(place.path().join("data"));
        let (one, two) = (DataDir::lock_shared(&storage), DataDir::lock_shared(&storage));
        assert!(one.is_ok() && two.is_ok());
        assert!(DataDir::lock_exclusive(&storage).is_err());
        drop((one, two));
        let alone = DataDir::lock_exclusive(&storage).expect("nobody else");
        assert!(alone.is_empty().expect("read"));
        assert!(DataDir::lock_shared(&storage).is_err());
    }
}
