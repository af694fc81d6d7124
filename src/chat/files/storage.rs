//! Where the contents of files are: under `files/` in the data directory, named by their SHA-256.
//!
//! A content never changes and has no address but its hash. Which of them are in use is in the database.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{
    GetOptions, GetRange, GetResultPayload, MultipartUpload as _, ObjectStore, ObjectStoreExt as _,
};
use sha2::{Digest as _, Sha256};

use super::model::{Content, ContentHash};
use crate::limits::file::BUFFER_BYTES;

/// The folder of contents, in the data directory and in backups.
pub const CONTENTS: &str = "files";

/// The parts in which a content is copied into storage.
const PART_BYTES: u64 = 5 * 1024 * 1024;

#[derive(Clone)]
pub struct Storage(Arc<LocalFileSystem>);

/// A content in storage: its parts as they are read.
pub type ContentStream = BoxStream<'static, io::Result<Bytes>>;

impl Storage {
    /// The storage in a data directory.
    ///
    /// # Errors
    /// If the directory does not exist.
    pub fn in_directory(directory: &Path) -> io::Result<Self> {
        let store = LocalFileSystem::new_with_prefix(directory)?;
        // What the database names must be on disk before.
        Ok(Self(Arc::new(store.with_fsync(true))))
    }

    /// Stores a file of the data directory. Its bytes are on disk already, and it has no other name afterwards. A content
    /// that exists is the same.
    pub(super) async fn adopt(&self, path: &str, content: &Content) -> io::Result<()> {
        Ok(self.0.rename(&Location::from(path), &location(&content.hash)).await?)
    }

    /// Stores a copy of bytes from elsewhere, if they are those of the content.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if they are not.
    pub async fn put(&self, content: &Content, mut bytes: impl Read) -> io::Result<()> {
        let mut upload = self.0.put_multipart(&location(&content.hash)).await?;
        let (mut hash, mut size) = (Sha256::new(), 0);
        loop {
            let mut part = Vec::new();
            bytes.by_ref().take(PART_BYTES).read_to_end(&mut part)?;
            if part.is_empty() {
                break;
            }
            hash.update(&part);
            size += part.len() as u64;
            upload.put_part(part.into()).await?;
        }
        if size != content.size || ContentHash::of(hash.finalize()) != content.hash {
            upload.abort().await?;
            let error = "these are other bytes than its hash and size say";
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        upload.complete().await?;
        Ok(())
    }

    /// Deletes a content. One that does not exist is deleted.
    pub(super) async fn delete(&self, hash: &ContentHash) -> io::Result<()> {
        match self.0.delete(&location(hash)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a part of a content.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if it does not exist.
    pub async fn read(&self, hash: &ContentHash, part: Range<u64>) -> io::Result<ContentStream> {
        if part.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let range = Some(GetRange::Bounded(part.clone()));
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.0.get_opts(&location(hash), options).await?;
        Ok(match found.payload {
            GetResultPayload::File(file, _) => read_file(file, part).boxed(),
            GetResultPayload::Stream(parts) => parts.map_err(io::Error::from).boxed(),
        })
    }

    /// The size of a content; `None` if it does not exist.
    pub async fn size(&self, hash: &ContentHash) -> io::Result<Option<u64>> {
        match self.0.head(&location(hash)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// All contents that exist, in no order.
    pub fn all(&self) -> BoxStream<'static, io::Result<Content>> {
        let listed = self.0.list(Some(&Location::from(CONTENTS)));
        let content = |found: object_store::ObjectMeta| {
            let path = found.location.as_ref().strip_prefix("files/")?.replace('/', "");
            Some(Content { hash: ContentHash::parse(&path)?, size: found.size })
        };
        listed
            .map_err(io::Error::from)
            .try_filter_map(move |found| std::future::ready(Ok(content(found))))
            .boxed()
    }
}

/// `files/ab/cdef…`: a folder has a 256th of all.
pub fn path_of(hash: &ContentHash) -> String {
    let (folder, name) = hash.as_str().split_at(2);
    format!("{CONTENTS}/{folder}/{name}")
}

fn location(hash: &ContentHash) -> Location {
    Location::from(path_of(hash))
}

/// Reads a file in large parts: a part costs a way to another thread and back.
fn read_file(file: File, part: Range<u64>) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    let file = Arc::new(file);
    stream::try_unfold(part, move |left| {
        let file = file.clone();
        async move {
            if left.is_empty() {
                return Ok(None);
            }
            let length = (left.end - left.start).min(BUFFER_BYTES as u64);
            let start = left.start;
            let read = move || {
                let mut buffer = vec![0; usize::try_from(length).unwrap_or(BUFFER_BYTES)];
                file.read_exact_at(&mut buffer, start)?;
                Ok::<_, io::Error>(Bytes::from(buffer))
            };
            let bytes = tokio::task::spawn_blocking(read).await??;
            Ok(Some((bytes, start + length..left.end)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_content_is_stored_once_read_in_parts_and_deleted() {
        let directory = tempfile::tempdir().expect("a directory");
        let storage = Storage::in_directory(directory.path()).expect("a storage");
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let content =
            Content { hash: ContentHash::of(Sha256::digest(&bytes)), size: bytes.len() as u64 };
        for name in ["one", "two"] {
            let file = directory.path().join(name);
            std::fs::write(&file, &bytes).expect("a file");
            storage.adopt(name, &content).await.expect("stored");
            assert!(!file.exists(), "it was moved");
        }
        let read = async |part: Range<u64>| -> Vec<u8> {
            let parts = storage.read(&content.hash, part).await.expect("the content");
            parts.try_collect::<Vec<_>>().await.expect("its bytes").concat()
        };
        assert_eq!(read(0..content.size).await, bytes);
        assert_eq!(read(131_000..131_100).await, bytes[131_000..131_100]);
        assert!(read(5..5).await.is_empty());
        let all: Vec<Content> = storage.all().try_collect().await.expect("a list");
        assert_eq!(all, std::slice::from_ref(&content));
        let cut = storage.put(&content, &bytes[1..]).await.map_err(|error| error.kind());
        assert_eq!(cut, Err(io::ErrorKind::InvalidData));
        assert_eq!(read(0..content.size).await, bytes, "what is there stays");
        for _ in 0..2 {
            storage.delete(&content.hash).await.expect("deleted");
            assert_eq!(storage.size(&content.hash).await.expect("an answer"), None);
        }
        assert!(storage.read(&content.hash, 0..1).await.is_err());
        storage.put(&content, bytes.as_slice()).await.expect("a copy");
        assert_eq!(read(0..content.size).await, bytes);
    }
}
