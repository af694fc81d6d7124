//! Where uploads are gathered and made files of: `uploads/` in the data directory. An upload's file has its id as name; who
//! writes to it holds its lock, which ends with the process.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::model::{FileId, UploadError};
use super::storage::service_error;
use crate::kernel::{ServiceError, Timestamp};
use crate::limits::file::UNPOSTED_KEPT;

/// The folder in the data directory.
const UPLOADS: &str = "uploads";

/// The files that an upload has besides its own while it is made a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// What is inspected.
    Input,
    /// Without metadata.
    Cleaned,
    Preview,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Input, Self::Cleaned, Self::Preview];

    fn ending(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Cleaned => "cleaned",
            Self::Preview => "preview",
        }
    }
}

/// How often a lock is tried, and how long to wait in between: the request before may just be ending, and a process that
/// is being started holds all locks for a moment.
const LOCK_ATTEMPTS: usize = 10;
const LOCK_AGAIN: Duration = Duration::from_millis(50);

enum Lock {
    Taken(File),
    NoFile,
    InUse,
}

#[derive(Clone)]
pub(super) struct Workshop {
    path: Arc<Path>,
    /// In place of a data directory that cannot be written.
    temporary: Option<Arc<TempDir>>,
}

/// The file of a sender that has to start again if it goes away. It is deleted with this value.
pub(super) struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What is left over is deleted a day later.
        drop(remove(&self.0));
    }
}

impl Workshop {
    pub fn in_directory(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(UPLOADS);
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        // It may be there and not for us.
        tempfile::tempfile_in(&path)?;
        Ok(Self { path: path.into(), temporary: None })
    }

    /// In a directory of the system, which ends with the process and may be in memory.
    pub fn temporary() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("patio-uploads-").tempdir()?;
        Ok(Self { path: directory.path().into(), temporary: Some(Arc::new(directory)) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    fn file(&self, id: &FileId) -> PathBuf {
        self.path.join(id.as_str())
    }

    pub fn stage(&self, id: &FileId, stage: Stage) -> PathBuf {
        self.path.join(format!("{}.{}", id.as_str(), stage.ending()))
    }

    /// Creates the empty file of an upload, and returns it.
    pub async fn create(&self, id: &FileId) -> Result<File, ServiceError> {
        let path = self.file(id);
        let directory = self.path.clone();
        blocking(move || {
            let mut options = OpenOptions::new();
            let file = options.read(true).append(true).create_new(true).mode(0o600).open(path)?;
            File::open(directory)?.sync_all()?;
            Ok(file)
        })
        .await
    }

    /// Deletes the file of an upload when the value is dropped.
    pub fn unfinished(&self, id: &FileId) -> Unfinished {
        Unfinished(self.file(id))
    }

    /// The bytes that have arrived and are on disk; `None` without a file.
    pub async fn length(&self, id: &FileId) -> Result<Option<u64>, ServiceError> {
        let path = self.file(id);
        blocking(move || match File::open(path) {
            Ok(file) => {
                file.sync_data()?;
                Ok(Some(file.metadata()?.len()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Opens the file of an upload and locks it; `None` without a file.
    ///
    /// # Errors
    /// [`UploadError::InUse`] if another request holds the lock.
    pub async fn lock(&self, id: &FileId) -> Result<Option<File>, UploadError> {
        for _ in 0..LOCK_ATTEMPTS {
            match self.try_lock(id).await? {
                Lock::Taken(file) => return Ok(Some(file)),
                Lock::NoFile => return Ok(None),
                Lock::InUse => tokio::time::sleep(LOCK_AGAIN).await,
            }
        }
        Err(UploadError::InUse)
    }

    /// Creates the file of an upload that began elsewhere, and locks it.
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub async fn lock_new(&self, id: &FileId) -> Result<File, UploadError> {
        // Another request may just have created it.
        drop(self.create(id).await);
        self.lock(id).await?.ok_or(UploadError::InUse)
    }

    async fn try_lock(&self, id: &FileId) -> Result<Lock, ServiceError> {
        let path = self.file(id);
        blocking(move || {
            let file = match OpenOptions::new().read(true).append(true).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Lock::NoFile),
                Err(error) => return Err(error),
            };
            match file.try_lock() {
                Ok(()) => Ok(Lock::Taken(file)),
                Err(TryLockError::WouldBlock) => Ok(Lock::InUse),
                Err(TryLockError::Error(error)) => Err(error),
            }
        })
        .await
    }

    /// Gives what has arrived a second name, under which it may be changed and moved.
    pub async fn input(&self, id: &FileId) -> Result<(), ServiceError> {
        let (from, to) = (self.file(id), self.stage(id, Stage::Input));
        // Some file systems have one name for each file.
        blocking(move || fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop)))
            .await
    }

    /// Creates a stage that is not there.
    pub async fn create_stage(&self, id: &FileId, stage: Stage) -> Result<File, ServiceError> {
        let path = self.stage(id, stage);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true).mode(0o600);
        blocking(move || options.open(path)).await
    }

    /// A file without a name, which is gone when it is closed.
    pub async fn scratch(&self) -> Result<File, ServiceError> {
        let directory = self.path.clone();
        blocking(move || tempfile::tempfile_in(directory)).await
    }

    /// Deletes the file of an upload, and its stages.
    pub async fn remove(&self, id: &FileId) -> Result<(), ServiceError> {
        self.remove_stages(id).await?;
        let file = self.file(id);
        blocking(move || remove(&file)).await
    }

    pub async fn remove_stages(&self, id: &FileId) -> Result<(), ServiceError> {
        let stages = Stage::ALL.map(|stage| self.stage(id, stage));
        blocking(move || stages.iter().try_for_each(|stage| remove(stage))).await
    }

    /// The ids of files that were not written to for a day: of uploads that expired, or whose process ended.
    pub async fn abandoned(&self, now: Timestamp) -> Result<Vec<FileId>, ServiceError> {
        let directory = self.path.clone();
        blocking(move || {
            let mut found = Vec::new();
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                let name = entry.file_name();
                let id =
                    name.to_str().and_then(|name| name.split('.').next()).and_then(FileId::parse);
                let written = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH);
                let written = written.map_err(io::Error::other)?;
                if let Some(id) = id
                    && Timestamp(0).plus(written).plus(UNPOSTED_KEPT) < now
                {
                    found.push(id);
                }
            }
            Ok(found)
        })
        .await
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Runs what waits for the disk on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ServiceError> {
    let result = tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?;
    result.map_err(service_error)
}
