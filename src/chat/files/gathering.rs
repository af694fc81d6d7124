//! Uploads that are gathered in storage, because several processes share it: the next bytes may arrive at any of them. The
//! bytes of a request become pieces of some megabytes, and the last piece grows until it has that size.

use std::io::{self, ErrorKind};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};

use super::Files;
use super::model::{FileId, Piece, Upload, UploadError};
use super::receiving::{Held, Sink, sender_error};
use super::storage::{PieceName, part_bytes, service_error};
use super::store::{self, Arrival};
use super::transfers::Transfer;
use super::workshop::Stage;
use crate::kernel::ServiceError;
use crate::limits::file::UNPOSTED_KEPT;

/// A piece that is being received.
struct Growing {
    start: u64,
    sink: Sink,
    /// The last piece, whose bytes it begins with.
    replaced: Option<Piece>,
}

impl Growing {
    fn end(&self) -> u64 {
        self.start + self.sink.length
    }
}

impl Files {
    /// Adds bytes to an upload, as [`Self::append`].
    pub(super) async fn append_in_storage(
        &self,
        mut upload: Upload,
        place: Transfer,
        offset: u64,
        bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<u64, UploadError> {
        if upload.received != offset {
            return Err(UploadError::WrongOffset);
        }
        self.receive_pieces(&mut upload, bytes).await?;
        let received = upload.received;
        if received == upload.length {
            let lock = self.workshop.lock_new(&upload.id).await?;
            // Another process may have made it a file before the lock.
            if store::find(&self.db, upload.owner, &upload.id).await?.is_none() {
                self.workshop.remove(&upload.id).await?;
                return self.appended_to_file(upload.owner, &upload.id, received).await;
            }
            let held = Held { _place: place.into(), _unfinished: None };
            self.complete(upload, lock, Arrival::Upload, held).await?;
        }
        Ok(received)
    }

    async fn receive_pieces(
        &self,
        upload: &mut Upload,
        mut bytes: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> Result<(), UploadError> {
        let mut growing = None;
        let mut ended = Ok(());
        while let Some(part) = bytes.next().await {
            let part = match part {
                Ok(part) => part,
                Err(error) => {
                    ended = Err(sender_error(&error));
                    break;
                }
            };
            let mut piece = match growing.take() {
                Some(piece) => piece,
                None => self.begin_piece(upload).await?,
            };
            ended = piece.sink.push(&part).await;
            let is_full = piece.sink.length >= part_bytes(upload.length);
            if is_full {
                self.end_piece(upload, piece).await?;
            } else {
                growing = Some(piece);
            }
            if ended.is_err() {
                break;
            }
        }
        if let Some(piece) = growing.filter(|piece| piece.end() > upload.received) {
            self.end_piece(upload, piece).await?;
        }
        ended
    }

    async fn begin_piece(&self, upload: &Upload) -> Result<Growing, UploadError> {
        let last = store::last_piece(&self.db, &upload.id).await?;
        let (start, replaced) = match last {
            Some(last) if last.length < part_bytes(upload.length) => (last.start, Some(last)),
            _ => (upload.received, None),
        };
        let file = self.workshop.scratch().await?;
        let mut sink = Sink::open(file, upload.length.saturating_sub(start)).await?;
        if let Some(piece) = &replaced {
            self.copy_piece(upload, piece, &mut sink).await?;
        }
        let growing = Growing { start, sink, replaced };
        // Another request may be faster.
        if growing.end() == upload.received { Ok(growing) } else { Err(UploadError::WrongOffset) }
    }

    /// Stores a piece, and then counts it.
    async fn end_piece(&self, upload: &mut Upload, growing: Growing) -> Result<(), UploadError> {
        let Growing { start, mut sink, replaced } = growing;
        let file = sink.flush().await?;
        let piece = Piece { start, length: sink.length, object: FileId::new(&self.random) };
        self.storage.put_piece(&name(&upload.id, &piece), file).await.map_err(service_error)?;
        let expires_at = self.clock.now().plus(UNPOSTED_KEPT);
        let added = store::add_piece(&self.db, upload, &piece, expires_at).await?;
        let unused = if added { replaced } else { Some(piece.clone()) };
        self.delete_pieces(&upload.id, unused.as_slice()).await;
        if added {
            upload.received = piece.end();
            return Ok(());
        }
        let is_there = store::find(&self.db, upload.owner, &upload.id).await?.is_some();
        Err(if is_there { UploadError::WrongOffset } else { UploadError::NotFound })
    }

    /// Puts all pieces of an upload together. Returns false if it is no upload any more, because another process has made
    /// it a file.
    pub(super) async fn gather(&self, upload: &Upload) -> Result<bool, UploadError> {
        let file = self.workshop.create_stage(&upload.id, Stage::Input).await?;
        let mut sink = Sink::open(file, upload.length).await?;
        for piece in store::pieces(&self.db, &upload.id).await? {
            match self.copy_piece(upload, &piece, &mut sink).await {
                Err(UploadError::WrongOffset) => break,
                copied => copied?,
            }
        }
        drop(sink.flush().await?);
        if sink.length == upload.length {
            return Ok(true);
        }
        if store::restart(&self.db, &upload.id).await? {
            tracing::warn!("a piece of an upload is not in the storage; it begins again");
            return Err(UploadError::WrongOffset);
        }
        Ok(false)
    }

    /// Copies a piece to the end of a file.
    ///
    /// # Errors
    /// [`UploadError::WrongOffset`] if the piece does not exist.
    async fn copy_piece(
        &self,
        upload: &Upload,
        piece: &Piece,
        sink: &mut Sink,
    ) -> Result<(), UploadError> {
        let missing = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => UploadError::WrongOffset,
            _ => service_error(error).into(),
        };
        let mut bytes = self.storage.read_piece(&name(&upload.id, piece)).await.map_err(missing)?;
        while let Some(part) = bytes.try_next().await.map_err(missing)? {
            sink.push(&part).await?;
        }
        Ok(())
    }

    /// The pieces of an upload; none where uploads are not gathered in storage.
    pub(super) async fn pieces(&self, upload: &FileId) -> Result<Vec<Piece>, ServiceError> {
        if !self.gathers_in_storage {
            return Ok(Vec::new());
        }
        Ok(store::pieces(&self.db, upload).await?)
    }

    /// Deletes pieces that are not needed any more. What cannot be deleted now is deleted a day later.
    pub(super) async fn delete_pieces(&self, upload: &FileId, pieces: &[Piece]) {
        for piece in pieces {
            if let Err(error) = self.storage.delete_piece(&name(upload, piece)).await {
                tracing::debug!(%error, "could not delete a piece of an upload");
            }
        }
    }
}

fn name(upload: &FileId, piece: &Piece) -> PieceName {
    PieceName { upload: upload.clone(), object: piece.object.clone() }
}
