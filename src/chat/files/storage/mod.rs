//! Where the contents of files are: by default under `files/` in the data directory, else in another directory or in a
//! bucket of an S3 server. Callers do not see which.
//!
//! A content is named by its SHA-256. It never changes and has no address but that hash. Which contents are in use is in
//! the database.

mod failures;
mod pieces;
mod s3;
mod transfer;

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{
    GetOptions, GetRange, GetResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use self::failures::Failures;
pub(super) use self::pieces::PieceName;
pub(super) use self::transfer::part_bytes;
pub use self::transfer::{ContentStream, OpenContent};
use self::transfer::{Parts, StreamReader, read_file};
use super::model::{Content, ContentHash};
use crate::config::{FilePlace, FileStorage, WrongSetting};
use crate::kernel::{ServiceError, Timestamp};
use crate::limits::storage::{PUTS_AT_ONCE, RETRY_AFTER};
use crate::outgoing::HttpClient;

/// The folder of contents: in the data directory, in backups, and below the prefix of a bucket.
pub const CONTENTS: &str = "files";
/// When an operator may have freed space.
const DISK_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_mins(1);

/// Clones share the limit on what is sent at the same time.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    kind: Kind,
    /// What comes before [`CONTENTS`]: empty, or a path with a slash at its end.
    prefix: Arc<str>,
    puts: Arc<Semaphore>,
    failures: Failures,
}

#[derive(Clone)]
enum Kind {
    /// Together with the uploads: a finished one only gets another name.
    DataDir(PathBuf),
    /// `shared`: other machines use it, too.
    Directory {
        path: PathBuf,
        shared: bool,
    },
    S3,
}

impl Storage {
    /// The storage that the settings name.
    ///
    /// # Errors
    /// If a setting is missing or wrong, or its directory cannot be used.
    pub fn configured(
        settings: &FileStorage,
        data_dir: &Path,
        client: &HttpClient,
    ) -> Result<Self, WrongSetting> {
        let place = settings.place()?;
        Self::open(&place, data_dir, client).map_err(|error| {
            WrongSetting(format!("the place that STORAGE_URL names cannot be used: {error}"))
        })
    }

    /// The storage at a place. A server is not asked yet.
    ///
    /// # Errors
    /// If the place cannot be used.
    pub fn open(place: &FilePlace, data_dir: &Path, client: &HttpClient) -> io::Result<Self> {
        let directory = |path: &Path| -> io::Result<Arc<dyn ObjectStore>> {
            // What the database names must be on disk before.
            Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true)))
        };
        let (store, kind, prefix) = match place {
            FilePlace::DataDir => {
                (directory(data_dir)?, Kind::DataDir(data_dir.to_owned()), String::new())
            }
            FilePlace::Directory { path, shared } => {
                let kind = Kind::Directory { path: path.clone(), shared: *shared };
                (directory(path)?, kind, String::new())
            }
            FilePlace::S3(settings) => {
                let store = s3::connect(settings, client).map_err(io::Error::other)?;
                let prefix = match &*settings.prefix {
                    "" => String::new(),
                    prefix => format!("{prefix}/"),
                };
                (Arc::new(store) as _, Kind::S3, prefix)
            }
        };
        let puts = Arc::new(Semaphore::new(PUTS_AT_ONCE));
        Ok(Self { store, kind, prefix: prefix.into(), puts, failures: Failures::default() })
    }

    /// The directory that has the contents; `None` if they are on a server.
    pub fn directory(&self) -> Option<&Path> {
        match &self.kind {
            Kind::DataDir(path) | Kind::Directory { path, .. } => Some(path),
            Kind::S3 => None,
        }
    }

    /// Whether the contents are in the data directory.
    pub fn is_in_data_dir(&self) -> bool {
        matches!(self.kind, Kind::DataDir(_))
    }

    /// Whether several machines may use it.
    pub fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::Directory { shared: true, .. } | Kind::S3)
    }

    /// Stores a file whose bytes are on disk already. Afterwards it has no other name. A content that exists is the same,
    /// provided that it is reserved, so that nothing deletes it.
    pub(super) async fn adopt(&self, path: &Path, content: &Content) -> io::Result<()> {
        if let Kind::DataDir(data_dir) = &self.kind {
            let inside = path.strip_prefix(data_dir).map_err(io::Error::other)?;
            let inside = Location::from(inside.to_string_lossy().as_ref());
            return self.done(self.store.rename(&inside, &self.location(&content.hash)).await);
        }
        if self.size(&content.hash).await? != Some(content.size) {
            self.put(content, File::open(path)?).await?;
        }
        std::fs::remove_file(path)
    }

    /// Stores a copy of bytes from elsewhere, if they are those of the content.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] if they are not.
    pub async fn put(
        &self,
        content: &Content,
        bytes: impl Read + Send + 'static,
    ) -> io::Result<()> {
        let _turn = self.puts.acquire().await.map_err(io::Error::other)?;
        let location = self.location(&content.hash);
        let (parts, first) = Parts::of(bytes, content).next().await?;
        if first.len() as u64 == content.size {
            parts.ensure(content)?;
            return self.done(self.store.put(&location, first.into()).await.map(drop));
        }
        let mut upload = self.done(self.store.put_multipart(&location).await)?;
        match self.put_parts(&mut upload, parts, first, content).await {
            Ok(()) => self.done(upload.complete().await.map(drop)),
            Err(error) => {
                // What cannot be aborted is left over, and is no content.
                drop(upload.abort().await);
                Err(error)
            }
        }
    }

    async fn put_parts<R: Read + Send + 'static>(
        &self,
        upload: &mut Box<dyn MultipartUpload>,
        mut parts: Parts<R>,
        mut part: Vec<u8>,
        content: &Content,
    ) -> io::Result<()> {
        while !part.is_empty() {
            self.done(upload.put_part(part.into()).await)?;
            (parts, part) = parts.next().await?;
        }
        parts.ensure(content)
    }

    /// Deletes a content. One that does not exist is deleted.
    pub(super) async fn delete(&self, hash: &ContentHash) -> io::Result<()> {
        match self.done(self.store.delete(&self.location(hash)).await) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Reads a part of a content.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it does not exist.
    pub async fn read(&self, hash: &ContentHash, part: Range<u64>) -> io::Result<ContentStream> {
        if part.is_empty() {
            return Ok(stream::empty().boxed());
        }
        Ok(self.open_content(hash, part).await?.bytes)
    }

    /// Reads a part of a content whose size is not known. The part may go beyond its end, and is not empty.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it does not exist.
    pub async fn open_content(
        &self,
        hash: &ContentHash,
        part: Range<u64>,
    ) -> io::Result<OpenContent> {
        if let Some(directory) = self.directory() {
            return read_file(directory.join(path_of(hash)), part).await;
        }
        let options = GetOptions { range: Some(GetRange::Bounded(part)), ..GetOptions::default() };
        self.streamed(self.store.get_opts(&self.location(hash), options).await)
    }

    fn streamed(&self, found: object_store::Result<GetResult>) -> io::Result<OpenContent> {
        let found = self.done(found)?;
        let (size, failures) = (found.meta.size, self.failures.clone());
        let parts = found.into_stream();
        let bytes = parts.map_err(move |error| failures.of_server(&error)).boxed();
        Ok(OpenContent { size, bytes })
    }

    /// Reads a content on a thread that may wait.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it does not exist.
    pub fn read_waiting(&self, content: &Content) -> io::Result<Box<dyn Read>> {
        if let Some(directory) = self.directory() {
            return Ok(Box::new(File::open(directory.join(path_of(&content.hash)))?));
        }
        let runtime = Handle::current();
        let stream = runtime.block_on(self.read(&content.hash, 0..content.size))?;
        Ok(Box::new(StreamReader::new(runtime, stream)))
    }

    /// The size of a content; `None` if it does not exist.
    pub async fn size(&self, hash: &ContentHash) -> io::Result<Option<u64>> {
        match self.done(self.store.head(&self.location(hash)).await) {
            Ok(found) => Ok(Some(found.size)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The contents that exist in one of the 256 folders: a small part of all.
    pub async fn in_folder(&self, folder: u8) -> io::Result<Vec<Content>> {
        let contents = format!("{}{CONTENTS}/", self.prefix);
        let listed = self.store.list(Some(&Location::from(format!("{contents}{folder:02x}"))));
        let content = |found: ObjectMeta| {
            let path = found.location.as_ref().strip_prefix(&contents)?.replace('/', "");
            Some(Content { hash: ContentHash::parse(&path)?, size: found.size })
        };
        let found = listed.try_filter_map(|found| std::future::ready(Ok(content(found))));
        self.done(found.try_collect().await)
    }

    /// Deletes the parts of contents that a process which ended left in one of the folders before a time. A server has
    /// rules for that.
    pub(super) async fn delete_parts(&self, folder: u8, before: Timestamp) -> io::Result<()> {
        let Some(directory) = self.directory() else { return Ok(()) };
        let folder = directory.join(format!("{CONTENTS}/{folder:02x}"));
        tokio::task::spawn_blocking(move || transfer::delete_parts(&folder, before)).await?
    }

    fn location(&self, hash: &ContentHash) -> Location {
        Location::from(format!("{}{}", self.prefix, path_of(hash)))
    }

    fn done<T>(&self, result: object_store::Result<T>) -> io::Result<T> {
        result.map_err(|error| match self.kind {
            Kind::S3 => self.failures.of_server(&error),
            Kind::DataDir(_) | Kind::Directory { .. } => error.into(),
        })
    }
}

/// `files/ab/cdef…`: a folder has a 256th of all.
pub fn path_of(hash: &ContentHash) -> String {
    let (folder, name) = hash.as_str().split_at(2);
    format!("{CONTENTS}/{folder}/{name}")
}

/// What a failure of the storage means for a request.
pub fn service_error(error: io::Error) -> ServiceError {
    match error.kind() {
        ErrorKind::NotConnected => ServiceError::Unavailable { retry_after: RETRY_AFTER },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ServiceError::StorageFull { retry_after: DISK_AGAIN_AFTER }
        }
        _ => ServiceError::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    async fn behaves_as_a_storage(place: FilePlace, data_dir: &Path) {
        let storage = Storage::open(&place, data_dir, &HttpClient::new()).expect("a storage");
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let content =
            Content { hash: ContentHash::of(Sha256::digest(&bytes)), size: bytes.len() as u64 };
        for name in ["one", "two"] {
            let file = data_dir.join(name);
            std::fs::write(&file, &bytes).expect("a file");
            storage.adopt(&file, &content).await.expect("stored");
            assert!(!file.exists(), "it was moved");
        }
        let read = async |part: Range<u64>| -> Vec<u8> {
            let parts = storage.read(&content.hash, part).await.expect("the content");
            parts.try_collect::<Vec<_>>().await.expect("its bytes").concat()
        };
        assert_eq!(read(0..content.size).await, bytes);
        assert_eq!(read(131_000..131_100).await, bytes[131_000..131_100]);
        assert!(read(5..5).await.is_empty());
        let beyond = storage.open_content(&content.hash, 299_999..400_000).await.expect("it");
        assert_eq!(beyond.size, content.size);
        assert_eq!(beyond.bytes.try_collect::<Vec<_>>().await.expect("its end").concat().len(), 1);
        let folder = Sha256::digest(&bytes)[0];
        let found = storage.in_folder(folder).await.expect("a list");
        assert_eq!(found, std::slice::from_ref(&content));
        assert!(storage.in_folder(!folder).await.expect("a list").is_empty());
        let cut = storage.put(&content, io::Cursor::new(bytes[1..].to_vec())).await;
        assert_eq!(cut.map_err(|error| error.kind()), Err(ErrorKind::InvalidData));
        assert_eq!(read(0..content.size).await, bytes, "what is there stays");
        for _ in 0..2 {
            storage.delete(&content.hash).await.expect("deleted");
            assert_eq!(storage.size(&content.hash).await.expect("an answer"), None);
        }
        assert!(storage.read(&content.hash, 0..1).await.is_err());
        storage.put(&content, io::Cursor::new(bytes.clone())).await.expect("a copy");
        assert_eq!(read(0..content.size).await, bytes);
    }

    #[tokio::test]
    async fn contents_in_the_data_directory_are_stored_once_read_in_parts_and_deleted() {
        let directory = tempfile::tempdir().expect("a directory");
        behaves_as_a_storage(FilePlace::DataDir, directory.path()).await;
    }

    #[tokio::test]
    async fn contents_in_another_directory_are_the_same() {
        let (one, other) = (tempfile::tempdir(), tempfile::tempdir());
        let (one, other) = (one.expect("a directory"), other.expect("a directory"));
        let place = FilePlace::Directory { path: other.path().into(), shared: false };
        behaves_as_a_storage(place, one.path()).await;
        assert!(other.path().join(CONTENTS).exists());
        assert!(!one.path().join(CONTENTS).exists());
    }

    #[tokio::test]
    async fn contents_on_an_s3_server_are_the_same() {
        // The server that `script/s3` runs.
        let Some(url) = std::env::var_os("PATIO_TEST_S3") else { return };
        let url = url.into_string().expect("text");
        let directory = tempfile::tempdir().expect("a directory");
        let files = FileStorage {
            storage_url: Some(format!("{url}&addressing=path").parse().expect("a URL")),
            aws_access_key_id: Some("patio".parse().expect("a key")),
            aws_secret_access_key: Some("lighthouse-tea-41".parse().expect("a secret")),
            ..FileStorage::default()
        };
        behaves_as_a_storage(files.place().expect("a bucket"), directory.path()).await;
    }
}
