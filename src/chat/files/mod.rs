//! Files that users send: they arrive as uploads, wait until a message names them, and are read through that message.
//!
//! Who may read a file is decided by who may read its message; this module gives contents to callers that have asked.
//! It knows no HTTP.

pub mod check;
mod completion;
mod gathering;
pub mod model;
mod poster;
mod receiving;
pub mod storage;
pub(in crate::chat) mod store;
mod transfers;
mod upkeep;
pub mod usage;
mod workshop;

use std::io;
use std::path::Path;

use futures_util::stream;

use self::model::{
    AltText, FileId, NewUpload, RecentFile, StoredFile, Upload, UploadError, UploadLimits,
    UploadState,
};
pub use self::receiving::ReceivedFile;
use self::storage::Storage;
use self::store::Admission;
pub use self::transfers::Transfer;
use self::transfers::Transfers;
use self::workshop::Workshop;
use crate::chat::rooms::model::Reader;
use crate::data_dir;
use crate::db::Db;
use crate::kernel::{Clock, MessageId, Random, ServiceError, UserId};
use crate::lifecycle::Lifecycle;
use crate::limits::file::UNSTARTED_KEPT;
use crate::limits::installation::{self, DISK_RESERVE, FILES_AT_ONCE, FILES_WITHOUT_DISK};
use crate::limits::user;
use crate::media::FileInspector;

/// How many times to look whether what has arrived is a file yet. Each waits for the lock of the upload.
const COMPLETION_POLLS: usize = 20;

/// Clones share the limits on what runs at the same time.
#[derive(Clone)]
pub struct Files {
    db: Db,
    clock: Clock,
    random: Random,
    lifecycle: Lifecycle,
    inspector: FileInspector,
    storage: Storage,
    workshop: Workshop,
    /// Whether uploads are gathered in storage, because several processes share it.
    gathers_in_storage: bool,
    limits: UploadLimits,
    arriving: Transfers,
    leaving: Transfers,
}

/// What files need besides the database.
pub struct FilesParts {
    pub clock: Clock,
    pub random: Random,
    pub lifecycle: Lifecycle,
    pub inspector: FileInspector,
    pub limits: UploadLimits,
    pub storage: Storage,
}

impl Files {
    /// Completes uploads that had arrived when the last process ended, and logs whether the storage can be used.
    ///
    /// # Errors
    /// If the data directory cannot be used.
    pub fn start(db: Db, data_dir: &Path, parts: FilesParts) -> Result<Self, ServiceError> {
        let FilesParts { clock, random, lifecycle, inspector, limits, storage } = parts;
        let gathers_in_storage = storage.is_shared() && matches!(db, Db::Postgres(_));
        let workshop = open_workshop(data_dir, !gathers_in_storage);
        let workshop = workshop.map_err(ServiceError::internal)?;
        let at_once = if workshop.is_temporary() { FILES_WITHOUT_DISK } else { FILES_AT_ONCE };
        let files = Self {
            db,
            clock,
            random,
            lifecycle,
            inspector,
            storage,
            workshop,
            gathers_in_storage,
            limits,
            arriving: Transfers::new(user::FILES_AT_ONCE, at_once),
            leaving: Transfers::new(user::DOWNLOADS_AT_ONCE, installation::DOWNLOADS_AT_ONCE),
        };
        let recovered = files.clone();
        files.lifecycle.spawn_worker("uploads", async move {
            if recovered.storage.directory().is_none() {
                // What is wrong is in the log. Messages without files need no storage.
                drop(recovered.storage.in_folder(0).await);
            }
            if let Err(error) = recovered.complete_arrived().await {
                tracing::warn!(%error, "could not complete the uploads of an earlier process");
            }
        });
        Ok(files)
    }

    pub fn limits(&self) -> UploadLimits {
        self.limits
    }

    /// The contents, for who has proved the right to read.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Takes a place for a download; `None` if the user or the installation has too many.
    pub fn download(&self, user: UserId) -> Option<Transfer> {
        self.leaving.begin(user)
    }

    /// Begins an upload. An empty file is complete with that.
    ///
    /// # Errors
    /// If the file is too large for the settings, the user's quota or the disk, or too many wait.
    pub async fn begin(&self, owner: UserId, new: NewUpload) -> Result<FileId, UploadError> {
        self.ensure_room(new.length).await?;
        let id = FileId::new(&self.random);
        let now = self.clock.now();
        let times = (now, now.plus(UNSTARTED_KEPT));
        if !self.gathers_in_storage {
            // The file first: an upload without one would always be refused.
            self.workshop.create(&id).await?;
        }
        let admission = store::begin(&self.db, (&id, owner), &new, self.limits, times).await;
        match admission {
            Ok(Admission::Done) => {}
            Ok(refused) => {
                self.workshop.remove(&id).await?;
                return Err(self.refusal(refused));
            }
            Err(error) => {
                self.workshop.remove(&id).await?;
                return Err(error.into());
            }
        }
        if new.length == 0 {
            self.append(owner, &id, 0, stream::empty()).await?;
        }
        Ok(id)
    }

    fn refusal(&self, refused: Admission) -> UploadError {
        let UploadLimits { quota, installation, .. } = self.limits;
        match (refused, quota, installation) {
            (Admission::OverQuota, Some(quota), _) => UploadError::Quota(quota),
            (Admission::OverInstallationQuota, _, Some(quota)) => {
                UploadError::InstallationQuota(quota)
            }
            _ => UploadError::TooManyWaiting,
        }
    }

    /// Checks that a file of this size may be sent, and fits the disk beside all that is announced.
    async fn ensure_room(&self, bytes: u64) -> Result<(), UploadError> {
        if bytes > self.limits.largest {
            return Err(UploadError::TooLarge(self.limits.largest));
        }
        let announced = store::announced(&self.db).await?;
        if let Some(quota) = self.limits.installation {
            let stored = store::stored(&self.db).await?;
            if stored.saturating_add(announced).saturating_add(bytes) > quota {
                return Err(UploadError::InstallationQuota(quota));
            }
        }
        let wanted = if self.gathers_in_storage {
            // The file and its cleaned copy. What else is announced is in storage.
            bytes.saturating_mul(2)
        } else {
            announced.saturating_add(bytes).saturating_add(DISK_RESERVE)
        };
        if data_dir::free_space(self.workshop.path()) < wanted {
            return Err(UploadError::NoSpace);
        }
        Ok(())
    }

    /// How far an upload of this user is. While the last bytes are made a file it waits, because who learns that all have arrived posts the file; if that failed before,
    /// it is tried again.
    ///
    /// # Errors
    /// [`UploadError::NotFound`] if the user has none of this id.
    pub async fn state(&self, owner: UserId, id: &FileId) -> Result<UploadState, UploadError> {
        for _ in 0..COMPLETION_POLLS {
            let Some(upload) = store::find(&self.db, owner, id).await? else { break };
            let offset = match self.arrived(&upload).await? {
                Some(arrived) => arrived,
                // Its bytes are deleted after its row: it has just become a file.
                None if store::find(&self.db, owner, id).await?.is_none() => break,
                None => 0,
            };
            if offset < upload.length {
                let (length, name, alt) = (upload.length, upload.name, upload.alt);
                return Ok(UploadState { offset, length, name, alt });
            }
            match self.complete_found(upload).await {
                Ok(()) => break,
                // A missing piece: it begins again.
                Err(UploadError::InUse | UploadError::WrongOffset) => {}
                Err(error) => return Err(error),
            }
        }
        if store::find(&self.db, owner, id).await?.is_some() {
            return Err(UploadError::InUse);
        }
        let file = self.file(owner, id).await?.ok_or(UploadError::NotFound)?;
        let (offset, length) = (file.sent_size, file.sent_size);
        Ok(UploadState { offset, length, name: file.name, alt: file.alt })
    }

    /// A file of this user, posted or not.
    pub async fn file(
        &self,
        owner: UserId,
        id: &FileId,
    ) -> Result<Option<StoredFile>, ServiceError> {
        Ok(store::owned(&self.db, owner, id).await?)
    }

    /// A file of a message that this reader may read.
    pub async fn posted(
        &self,
        reader: &Reader,
        message: MessageId,
        id: &FileId,
    ) -> Result<Option<StoredFile>, ServiceError> {
        Ok(store::posted(&self.db, reader.room().gate(), message, id).await?)
    }

    /// The newest files of a room and its threads.
    pub async fn recent(
        &self,
        reader: &Reader,
        limit: i64,
    ) -> Result<Vec<RecentFile>, ServiceError> {
        Ok(store::recent(&self.db, reader.room().gate(), limit).await?)
    }

    /// Deletes an upload of this user, or a file that was not posted.
    ///
    /// # Errors
    /// [`UploadError::InUse`] while bytes arrive.
    pub async fn discard(&self, owner: UserId, id: &FileId) -> Result<(), UploadError> {
        let upload = store::find(&self.db, owner, id).await?;
        let file = store::owned(&self.db, owner, id).await?;
        if upload.is_none() && file.is_none_or(|file| file.message.is_some()) {
            return Err(UploadError::NotFound);
        }
        self.discard_any(id).await
    }

    async fn discard_any(&self, id: &FileId) -> Result<(), UploadError> {
        let _lock = self.workshop.lock(id).await?;
        Ok(self.discard_locked(id).await?)
    }

    async fn discard_locked(&self, id: &FileId) -> Result<(), ServiceError> {
        let pieces = self.pieces(id).await?;
        store::discard_unposted(&self.db, id, self.clock.now()).await?;
        self.workshop.remove(id).await?;
        self.delete_pieces(id, &pieces).await;
        Ok(())
    }

    /// The bytes of an upload that have arrived; `None` if it has no file here, where it should have one.
    async fn arrived(&self, upload: &Upload) -> Result<Option<u64>, ServiceError> {
        if self.gathers_in_storage {
            return Ok(Some(upload.received));
        }
        self.workshop.length(&upload.id).await
    }

    /// Changes the description of a file or upload that was not posted.
    ///
    /// # Errors
    /// [`UploadError::NotFound`] if the user has none of this id.
    pub async fn describe(
        &self,
        owner: UserId,
        id: &FileId,
        alt: &AltText,
    ) -> Result<(), UploadError> {
        let changed = store::set_alt(&self.db, owner, id, alt).await?;
        changed.then_some(()).ok_or(UploadError::NotFound)
    }
}

/// Where files are put together. Where storage has the uploads, the data directory need not take any.
fn open_workshop(data_dir: &Path, is_needed: bool) -> io::Result<Workshop> {
    match Workshop::in_directory(data_dir) {
        Err(error) if !is_needed => {
            tracing::warn!(%error, "uploads use a temporary directory, and few arrive at a time");
            Workshop::temporary()
        }
        opened => opened,
    }
}
