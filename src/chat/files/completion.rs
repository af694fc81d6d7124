//! Makes a file of what has arrived: inspects it, stores its contents, and then names them. It goes on when the sender hangs
//! up; what a process that ends leaves half done is done again from the start.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use super::Files;
use super::model::{Content, ContentHash, MediaType, StoredFile, Upload, UploadError};
use super::receiving::Held;
use super::storage::service_error;
use super::store::{self, Arrival, Finished, Reservation};
use super::workshop::{Stage, blocking};
use crate::kernel::ServiceError;
use crate::limits::file::BUFFER_BYTES;
use crate::limits::storage::RETRY_AFTER;
use crate::media::{InspectError, Inspected};

/// How often a content that is being deleted is tried again, and how long to wait in between.
const RESERVE_ATTEMPTS: usize = 8;
const RESERVE_AGAIN: Duration = Duration::from_millis(250);

impl Files {
    /// Completes an upload whose bytes are all on disk. `lock` is its file, locked: that makes it happen once.
    pub(super) async fn complete(
        &self,
        upload: Upload,
        lock: File,
        arrival: Arrival,
        held: Held,
    ) -> Result<(), UploadError> {
        let files = self.clone();
        let (reply, result) = oneshot::channel();
        self.lifecycle.spawn_worker("upload", async move {
            let done = files.make_file(&upload, arrival).await;
            if let Err(error @ UploadError::Service(_)) = &done {
                tracing::warn!(%error, "could not complete an upload");
            }
            // The lock and the place end when everything is done.
            drop((lock, held));
            // The sender may be gone.
            drop(reply.send(done));
        });
        result.await.map_err(ServiceError::internal)?
    }

    async fn make_file(&self, upload: &Upload, arrival: Arrival) -> Result<(), UploadError> {
        if !self.prepare(upload, arrival).await? {
            return self.made_elsewhere(upload).await;
        }
        let inspected = match self.inspect(upload).await {
            Ok(inspected) => inspected,
            Err(InspectError::Damaged | InspectError::TooCostly) => {
                // What cannot be cleaned is not kept.
                self.discard_locked(&upload.id).await?;
                return Err(UploadError::Damaged);
            }
            Err(InspectError::Busy) => return Err(UploadError::Busy),
            Err(InspectError::Service(error)) => return Err(error.into()),
        };
        let stage = |stage| self.workshop.stage(&upload.id, stage);
        let content = measured(stage(Stage::Cleaned)).await?;
        let preview =
            if inspected.preview { Some(measured(stage(Stage::Preview)).await?) } else { None };
        let contents: Vec<&Content> = std::iter::once(&content).chain(&preview).collect();
        self.reserve_for(upload, &contents, arrival).await?;
        let stages = [(Stage::Cleaned, Some(&content)), (Stage::Preview, preview.as_ref())];
        for (name, content) in stages {
            let Some(content) = content else { continue };
            self.storage.adopt(&stage(name), content).await.map_err(service_error)?;
        }
        let file = StoredFile {
            id: upload.id.clone(),
            owner: upload.owner,
            message: None,
            name: upload.name.clone(),
            alt: upload.alt.clone(),
            media_type: MediaType::parse(&inspected.media_type),
            width: inspected.width,
            height: inspected.height,
            duration_ms: inspected.duration_ms,
            sent_size: upload.length,
            content,
            preview: preview.map(|preview| preview.hash),
            created_at: self.clock.now(),
        };
        let pieces = self.pieces(&upload.id).await?;
        let finished = store::finish(&self.db, &file, arrival).await?;
        self.workshop.remove(&upload.id).await?;
        self.delete_pieces(&upload.id, &pieces).await;
        match finished {
            Finished::Done => Ok(()),
            Finished::Gone => self.made_elsewhere(upload).await,
            Finished::TooMany => Err(UploadError::TooManyWaiting),
            Finished::OverQuota => {
                Err(self.limits.quota.map_or(UploadError::TooManyWaiting, UploadError::Quota))
            }
        }
    }

    async fn reserve_for(
        &self,
        upload: &Upload,
        contents: &[&Content],
        arrival: Arrival,
    ) -> Result<(), UploadError> {
        // An upload has announced its bytes.
        let Arrival::Whole(limits) = arrival else { return self.reserve(contents, None).await };
        let reserved = self.reserve(contents, limits.installation).await;
        if reserved.is_err() {
            self.workshop.remove_stages(&upload.id).await?;
        }
        reserved
    }

    /// Reserves contents. One that is just being deleted is waited for. The `quota` is that of what was not announced.
    pub(super) async fn reserve(
        &self,
        contents: &[&Content],
        quota: Option<u64>,
    ) -> Result<(), UploadError> {
        for _ in 0..RESERVE_ATTEMPTS {
            match (store::reserve(&self.db, contents, quota, self.clock.now()).await?, quota) {
                (Reservation::Done, _) => return Ok(()),
                (Reservation::OverQuota, Some(quota)) => {
                    return Err(UploadError::InstallationQuota(quota));
                }
                _ => tokio::time::sleep(RESERVE_AGAIN).await,
            }
        }
        Err(ServiceError::Unavailable { retry_after: RETRY_AFTER }.into())
    }

    /// Makes what has arrived the input of the inspection. Returns false if it is no upload any more.
    async fn prepare(&self, upload: &Upload, arrival: Arrival) -> Result<bool, UploadError> {
        self.workshop.remove_stages(&upload.id).await?;
        if self.gathers_in_storage && arrival == Arrival::Upload {
            return self.gather(upload).await;
        }
        self.workshop.input(&upload.id).await?;
        Ok(true)
    }

    /// Another process may have made a file of the same upload.
    async fn made_elsewhere(&self, upload: &Upload) -> Result<(), UploadError> {
        self.workshop.remove(&upload.id).await?;
        self.file(upload.owner, &upload.id).await?.map(drop).ok_or(UploadError::NotFound)
    }

    async fn inspect(&self, upload: &Upload) -> Result<Inspected, InspectError> {
        let [input, cleaned, preview] = [Stage::Input, Stage::Cleaned, Stage::Preview]
            .map(|stage| self.workshop.stage(&upload.id, stage));
        self.inspector.inspect(&input, &cleaned, &preview).await
    }

    /// Completes uploads that have arrived, and whose process ended before they became files.
    pub(super) async fn complete_arrived(&self) -> Result<(), UploadError> {
        for upload in store::waiting(&self.db).await? {
            if self.arrived(&upload).await? != Some(upload.length) {
                continue;
            }
            // Of other errors its sender learns, or another process completes it.
            if let Err(error @ UploadError::Service(_)) = self.complete_found(upload).await {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Completes an upload whose bytes are all here.
    ///
    /// # Errors
    /// [`UploadError::InUse`] if that is under way.
    pub(super) async fn complete_found(&self, upload: Upload) -> Result<(), UploadError> {
        let lock = if self.gathers_in_storage {
            self.workshop.lock_new(&upload.id).await?
        } else {
            let Some(lock) = self.workshop.lock(&upload.id).await? else { return Ok(()) };
            lock
        };
        // Who held the lock before may have completed it.
        if store::find(&self.db, upload.owner, &upload.id).await?.is_none() {
            return Ok(self.workshop.remove(&upload.id).await?);
        }
        let place = self.place(upload.owner)?;
        let held = Held { _place: Arc::new(place), _unfinished: None };
        self.complete(upload, lock, Arrival::Upload, held).await
    }
}

/// Hashes a file and puts it on disk.
pub(super) async fn measured(path: PathBuf) -> Result<Content, ServiceError> {
    blocking(move || measure(&path)).await
}

fn measure(path: &Path) -> io::Result<Content> {
    let mut file = File::open(path)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        size += read as u64;
    }
    file.sync_all()?;
    Ok(Content { hash: ContentHash::of(hash.finalize()), size })
}
