//! Deletes what is not needed any more: uploads and files that were not posted in time, and contents that no file names.

use std::collections::HashSet;
use std::io;

use super::Files;
use super::model::{FileId, UploadError};
use super::storage::service_error;
use super::store;
use crate::kernel::{ServiceError, Timestamp, UserId};
use crate::limits::file::{UNPOSTED_KEPT, UNUSED_KEPT};

/// How many are looked up at a time.
const BATCH: i64 = 100;

impl Files {
    /// Runs until nothing is left to do. What is in use is left to the next run.
    pub async fn prune(&self) -> Result<(), ServiceError> {
        self.expire().await.map_err(service)?;
        match self.complete_arrived().await.map_err(service) {
            // The storage is away. Their senders or the next run try again.
            Ok(()) | Err(ServiceError::Unavailable { .. }) => {}
            Err(error) => return Err(error),
        }
        self.delete_unused().await?;
        self.start_daily_check().await?;
        match self.sweep().await.map_err(service) {
            Err(ServiceError::Unavailable { .. }) => Ok(()),
            done => done,
        }
    }

    /// Deletes what a user has sent and not posted.
    pub async fn discard_unposted(&self, user: UserId) -> Result<(), ServiceError> {
        for id in store::unposted(&self.db, user).await? {
            match self.discard_any(&id).await {
                // What still arrives expires.
                Ok(()) | Err(UploadError::InUse) => {}
                Err(error) => return Err(service(error)),
            }
        }
        Ok(())
    }

    async fn expire(&self) -> Result<(), UploadError> {
        let now = self.clock.now();
        let mut in_use = HashSet::new();
        loop {
            let expired = store::expired(&self.db, now, now.minus(UNPOSTED_KEPT), BATCH).await?;
            let mut discarded = 0;
            for id in expired.iter().filter(|id| !in_use.contains(*id)).cloned().collect::<Vec<_>>()
            {
                match self.discard_any(&id).await {
                    Ok(()) => discarded += 1,
                    Err(UploadError::InUse) => drop(in_use.insert(id)),
                    Err(error) => return Err(error),
                }
            }
            if discarded == 0 {
                return Ok(());
            }
        }
    }

    /// Deletes contents that no file has named for a day. If the storage is away, the next run does it.
    async fn delete_unused(&self) -> Result<(), ServiceError> {
        loop {
            let now = self.clock.now();
            let before = now.minus(UNUSED_KEPT);
            let hashes = store::next_unused(&self.db, before, BATCH).await?;
            if hashes.is_empty() {
                return Ok(());
            }
            for hash in hashes {
                if !store::begin_deletion(&self.db, &hash, before, now).await? {
                    continue;
                }
                match self.storage.delete(&hash).await.map_err(service_error) {
                    Ok(()) => store::end_deletion(&self.db, &hash, now).await?,
                    Err(ServiceError::Unavailable { .. }) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Deletes what a process that ended left in the folder of uploads.
    async fn sweep(&self) -> Result<(), UploadError> {
        let known: HashSet<_> =
            store::waiting(&self.db).await?.into_iter().map(|upload| upload.id).collect();
        for id in self.workshop.abandoned(self.clock.now()).await? {
            if known.contains(&id) {
                continue;
            }
            match self.workshop.lock(&id).await {
                Ok(_lock) => self.workshop.remove(&id).await?,
                Err(UploadError::InUse) => {}
                Err(error) => return Err(error),
            }
        }
        if self.gathers_in_storage {
            let before = self.clock.now().minus(UNPOSTED_KEPT);
            self.sweep_pieces(&known, before).await.map_err(service_error)?;
        }
        Ok(())
    }

    /// Deletes pieces of uploads that have ended.
    async fn sweep_pieces(&self, known: &HashSet<FileId>, before: Timestamp) -> io::Result<()> {
        for piece in self.storage.pieces_before(before).await? {
            if !known.contains(&piece.upload) {
                self.storage.delete_piece(&piece).await?;
            }
        }
        Ok(())
    }
}

/// The failures that a job may have are those of the server.
fn service(error: UploadError) -> ServiceError {
    match error {
        UploadError::Service(error) => error,
        error => ServiceError::internal(error),
    }
}
