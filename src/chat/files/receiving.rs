//! Receives the bytes of files: the next ones of an upload, or all of a file at once. They are on disk before they count.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::Files;
use super::model::{FileId, NewUpload, StoredFile, Upload, UploadError};
use super::store;
use super::transfers::Transfer;
use super::workshop::{Unfinished, blocking};
use crate::kernel::{ServiceError, UserId};
use crate::limits::file::{BUFFER_BYTES, UNPOSTED_KEPT};

/// A file that has arrived in one piece.
pub struct ReceivedFile {
    pub upload: Upload,
    file: File,
    held: Held,
}

/// What a file holds until it is complete: its place among those that arrive, and what is deleted if it never is.
pub(super) struct Held {
    pub _place: Arc<Transfer>,
    pub _unfinished: Option<Unfinished>,
}

impl Files {
    /// Adds bytes to an upload of this user, at the end of what has arrived. With the last byte the upload becomes a file.
    /// Returns the number of bytes that have arrived.
    ///
    /// # Errors
    /// An [`UploadError`]; what had arrived until then is kept, unless the file itself is refused.
    pub async fn append(
        &self,
        owner: UserId,
        id: &FileId,
        offset: u64,
        bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<u64, UploadError> {
        let Some(upload) = store::find(&self.db, owner, id).await? else {
            return self.appended_to_file(owner, id, offset).await;
        };
        let place = self.place(owner)?;
        if self.gathers_in_storage {
            return self.append_in_storage(upload, place, offset, bytes).await;
        }
        let file = match self.workshop.lock(id).await? {
            Some(file) => file,
            // It may be an upload of another process. What arrived there stays there.
            None => self.workshop.lock_new(id).await?,
        };
        // Another request may have completed or cancelled it before the lock.
        if store::find(&self.db, owner, id).await?.is_none() {
            self.workshop.remove(id).await?;
            return self.appended_to_file(owner, id, offset).await;
        }
        let mut sink = Sink::open(file, upload.length).await?;
        if sink.length != offset {
            return Err(UploadError::WrongOffset);
        }
        let received = sink.receive(bytes).await;
        let file = sink.sync().await?;
        if sink.length > offset {
            let expires_at = self.clock.now().plus(UNPOSTED_KEPT);
            store::extend(&self.db, id, expires_at).await?;
        }
        received?;
        if sink.length == upload.length {
            let held = Held { _place: Arc::new(place), _unfinished: None };
            self.complete(upload, file, store::Arrival::Upload, held).await?;
        }
        Ok(sink.length)
    }

    /// An upload that is a file takes no bytes, but a request for its last byte may be sent again.
    pub(super) async fn appended_to_file(
        &self,
        owner: UserId,
        id: &FileId,
        offset: u64,
    ) -> Result<u64, UploadError> {
        let file = self.file(owner, id).await?.ok_or(UploadError::NotFound)?;
        if file.sent_size == offset { Ok(offset) } else { Err(UploadError::WrongOffset) }
    }

    /// Takes a place for files that arrive together.
    ///
    /// # Errors
    /// [`UploadError::Busy`] if the user or the installation has too many.
    pub fn arrive(&self, user: UserId) -> Result<Arc<Transfer>, UploadError> {
        self.place(user).map(Arc::new)
    }

    pub(super) fn place(&self, user: UserId) -> Result<Transfer, UploadError> {
        self.arriving.begin(user).ok_or_else(|| {
            if !self.workshop.is_temporary() {
                return UploadError::Busy;
            }
            // Not this user's fault: there is hardly any room.
            ServiceError::Unavailable { retry_after: UploadError::AGAIN_AFTER }.into()
        })
    }

    /// Receives a file in one piece. `new.length` is the most that it may have; the file is of what arrives.
    ///
    /// # Errors
    /// An [`UploadError`]; nothing is kept then.
    pub async fn receive(
        &self,
        owner: UserId,
        place: &Arc<Transfer>,
        new: NewUpload,
        bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<ReceivedFile, UploadError> {
        // The length may be that of a form with several files, each of which must fit.
        let largest = new.length.min(self.limits.largest);
        self.ensure_room(largest).await?;
        let id = FileId::new(&self.random);
        let unfinished = self.workshop.unfinished(&id);
        let held = Held { _place: place.clone(), _unfinished: Some(unfinished) };
        let file = self.workshop.create(&id).await?;
        let mut sink = Sink::open(file, largest).await?;
        let received = sink.receive(bytes).await;
        let synced = sink.sync().await;
        let file = received.and(synced).map_err(|error| match error {
            UploadError::TooLong => UploadError::TooLarge(self.limits.largest),
            error => error,
        })?;
        let (name, alt, length) = (new.name, new.alt, sink.length);
        Ok(ReceivedFile {
            upload: Upload { id, owner, name, alt, length, received: 0 },
            file,
            held,
        })
    }

    /// Makes a file of one that has arrived in one piece.
    ///
    /// # Errors
    /// An [`UploadError`]; nothing is kept then.
    pub async fn keep(&self, received: ReceivedFile) -> Result<StoredFile, UploadError> {
        let ReceivedFile { upload, file, held } = received;
        let (owner, id) = (upload.owner, upload.id.clone());
        self.complete(upload, file, store::Arrival::Whole(self.limits), held).await?;
        self.file(owner, &id).await?.ok_or(UploadError::NotFound)
    }
}

/// Why the bytes of a request ended.
pub(super) fn sender_error(error: &io::Error) -> UploadError {
    match error.kind() {
        ErrorKind::TimedOut => UploadError::TooSlow,
        _ => UploadError::Interrupted,
    }
}

/// Writes to a file in parts, and counts.
pub(super) struct Sink {
    /// `None` only during a write.
    file: Option<File>,
    buffer: Vec<u8>,
    /// Bytes in the file and in the buffer.
    pub length: u64,
    most: u64,
}

impl Sink {
    pub async fn open(file: File, most: u64) -> Result<Self, UploadError> {
        let opened = blocking(move || {
            // What an earlier process wrote may not be on disk yet.
            file.sync_data()?;
            let length = file.metadata()?.len();
            Ok((file, length))
        });
        let (file, length) = opened.await?;
        Ok(Self { file: Some(file), buffer: Vec::new(), length, most })
    }

    /// Writes all bytes.
    async fn receive(
        &mut self,
        mut bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<(), UploadError> {
        while let Some(part) = bytes.next().await {
            self.push(&part.map_err(|error| sender_error(&error))?).await?;
        }
        self.write().await
    }

    /// Adds bytes. They are in the file at the latest with [`Self::flush`].
    pub async fn push(&mut self, part: &[u8]) -> Result<(), UploadError> {
        let length = self.length + part.len() as u64;
        if length > self.most {
            return Err(UploadError::TooLong);
        }
        self.length = length;
        self.buffer.extend_from_slice(part);
        if self.buffer.len() >= BUFFER_BYTES {
            self.write().await?;
        }
        Ok(())
    }

    /// Writes what is in the buffer, and gives the file back.
    pub async fn flush(&mut self) -> Result<File, UploadError> {
        self.write().await?;
        let file = self.file.take().ok_or(ErrorKind::NotFound);
        file.map_err(|error| ServiceError::internal(io::Error::from(error)).into())
    }

    async fn write(&mut self) -> Result<(), UploadError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            return Ok(());
        }
        let file = self.file.take();
        let written = blocking(move || {
            let mut file = file.ok_or(ErrorKind::NotFound)?;
            let result = file.write_all(&buffer);
            buffer.clear();
            Ok((file, buffer, result))
        });
        let (file, buffer, result) = written.await?;
        self.file = Some(file);
        self.buffer = buffer;
        blocking(move || result).await?;
        Ok(())
    }

    /// Puts what has arrived on disk. Its length is the file's own: a write may have failed half way.
    async fn sync(&mut self) -> Result<File, UploadError> {
        // The rest of an interrupted request counts, too.
        let written = self.write().await;
        let file = self.file.take();
        let synced = blocking(move || {
            let file = file.ok_or(ErrorKind::NotFound)?;
            file.sync_all()?;
            let length = file.metadata()?.len();
            Ok((file, length))
        });
        let (file, length) = synced.await?;
        self.length = length;
        written.map(|()| file)
    }
}
