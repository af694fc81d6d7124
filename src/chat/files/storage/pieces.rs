//! Pieces of uploads in storage: objects under `uploads/`, beside the contents.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _};

use futures_util::TryStreamExt as _;
use object_store::path::Path as Location;
use object_store::{GetOptions, ObjectStoreExt as _};

use super::transfer::read_file;
use crate::chat::files::model::FileId;
use crate::chat::files::storage::{ContentStream, Storage};
use crate::kernel::Timestamp;

/// Below the prefix of a bucket.
const PIECES: &str = "uploads";

/// A piece by its names: of the upload, and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::chat::files) struct PieceName {
    pub upload: FileId,
    pub object: FileId,
}

impl PieceName {
    fn path(&self) -> String {
        format!("{PIECES}/{}.{}", self.upload.as_str(), self.object.as_str())
    }

    fn parse(name: &str) -> Option<Self> {
        let (upload, object) = name.split_once('.')?;
        Some(Self { upload: FileId::parse(upload)?, object: FileId::parse(object)? })
    }
}

impl Storage {
    /// Stores a piece: all of a file.
    pub(in crate::chat::files) async fn put_piece(
        &self,
        name: &PieceName,
        mut file: File,
    ) -> io::Result<()> {
        let _turn = self.puts.acquire().await.map_err(io::Error::other)?;
        let read = move || {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        let bytes = tokio::task::spawn_blocking(read).await??;
        self.done(self.store.put(&self.piece(name), bytes.into()).await.map(drop))
    }

    /// Reads a piece.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it does not exist.
    pub(in crate::chat::files) async fn read_piece(
        &self,
        name: &PieceName,
    ) -> io::Result<ContentStream> {
        if let Some(directory) = self.directory() {
            return Ok(read_file(directory.join(name.path()), 0..u64::MAX).await?.bytes);
        }
        let options = GetOptions::default();
        self.streamed(self.store.get_opts(&self.piece(name), options).await).map(|read| read.bytes)
    }

    /// Deletes a piece. One that does not exist is deleted.
    pub(in crate::chat::files) async fn delete_piece(&self, name: &PieceName) -> io::Result<()> {
        match self.done(self.store.delete(&self.piece(name)).await) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// The pieces that were stored before.
    pub(in crate::chat::files) async fn pieces_before(
        &self,
        before: Timestamp,
    ) -> io::Result<Vec<PieceName>> {
        let folder = format!("{}{PIECES}", self.prefix);
        let mut listed = self.store.list(Some(&Location::from(folder)));
        let mut found = Vec::new();
        while let Some(object) = self.done(listed.try_next().await)? {
            if Timestamp(object.last_modified.timestamp_millis()) < before {
                found.extend(object.location.filename().and_then(PieceName::parse));
            }
        }
        Ok(found)
    }

    fn piece(&self, name: &PieceName) -> Location {
        Location::from(format!("{}{}", self.prefix, name.path()))
    }
}
