//! The bytes of contents on their way: from files and streams, in parts that fit into memory. Knows no storage.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
#[cfg(target_os = "linux")]
use rustix::io::ReadWriteFlags;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use crate::chat::files::model::{Content, ContentHash};
use crate::kernel::Timestamp;
use crate::limits::file::BUFFER_BYTES;
use crate::limits::storage::{PART_BYTES, PARTS};

/// The parts of a content as they are read.
pub type ContentStream = BoxStream<'static, io::Result<Bytes>>;

/// The bytes of each part of a file of this size.
pub(in crate::chat::files) fn part_bytes(size: u64) -> u64 {
    PART_BYTES.max(size.div_ceil(PARTS))
}

/// The bytes of a content in parts, each read on a thread that may wait.
pub(super) struct Parts<R> {
    bytes: R,
    part_bytes: u64,
    hash: Sha256,
    size: u64,
}

impl<R: Read + Send + 'static> Parts<R> {
    pub fn of(bytes: R, content: &Content) -> Self {
        let part_bytes = part_bytes(content.size);
        Self { bytes, part_bytes, hash: Sha256::new(), size: 0 }
    }

    /// The next part; an empty one at the end.
    pub async fn next(mut self) -> io::Result<(Self, Vec<u8>)> {
        let read = move || {
            let mut part = Vec::new();
            self.bytes.by_ref().take(self.part_bytes).read_to_end(&mut part)?;
            self.hash.update(&part);
            self.size += part.len() as u64;
            Ok((self, part))
        };
        tokio::task::spawn_blocking(read).await?
    }

    /// Checks that all that was read is the content.
    pub fn ensure(self, content: &Content) -> io::Result<()> {
        if self.size == content.size && ContentHash::of(self.hash.finalize()) == content.hash {
            return Ok(());
        }
        let error = "these are other bytes than its hash and size say";
        Err(io::Error::new(ErrorKind::InvalidData, error))
    }
}

/// Reads a stream on a thread that may wait.
pub(super) struct StreamReader {
    runtime: Handle,
    stream: ContentStream,
    part: Bytes,
}

impl StreamReader {
    pub fn new(runtime: Handle, stream: ContentStream) -> Self {
        Self { runtime, stream, part: Bytes::new() }
    }
}

impl Read for StreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.runtime.block_on(self.stream.try_next())? {
                Some(part) => self.part = part,
                None => return Ok(0),
            }
        }
        let part = self.part.split_to(self.part.len().min(buffer.len()));
        part.as_ref().read(buffer)
    }
}

/// A content that is being read.
pub struct OpenContent {
    /// Of the whole content.
    pub size: u64,
    pub bytes: ContentStream,
}

/// Reads a file in large pieces. The first one is read where the file is opened, on a thread that may wait, and so is what
/// the system does not have in memory: the way to another thread and back costs more than to copy a piece.
pub(super) async fn read_file(path: PathBuf, part: Range<u64>) -> io::Result<OpenContent> {
    let open = move || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let part = part.start..part.end.min(size);
        let mut first = piece(&part);
        file.read_exact_at(&mut first, part.start)?;
        Ok::<_, io::Error>((file, size, first, part))
    };
    let (file, size, first, part) = tokio::task::spawn_blocking(open).await??;
    let left = part.start + first.len() as u64..part.end;
    let rest = stream::try_unfold((file, left), |(file, left)| async move {
        if left.is_empty() {
            return Ok(None);
        }
        let mut bytes = piece(&left);
        let found = read_from_memory(&file, &mut bytes, left.start);
        let (file, bytes) = if found == bytes.len() {
            (file, bytes)
        } else {
            let start = left.start;
            let read = move || file.read_exact_at(&mut bytes, start).map(|()| (file, bytes));
            tokio::task::spawn_blocking(read).await??
        };
        let left = left.start + bytes.len() as u64..left.end;
        Ok(Some((Bytes::from(bytes), (file, left))))
    });
    let first = (!first.is_empty()).then(|| Ok(Bytes::from(first)));
    Ok(OpenContent { size, bytes: stream::iter(first).chain(rest).boxed() })
}

/// The buffer for the next piece.
fn piece(left: &Range<u64>) -> Vec<u8> {
    let length = left.end.saturating_sub(left.start);
    vec![0; usize::try_from(length).map_or(BUFFER_BYTES, |length| length.min(BUFFER_BYTES))]
}

/// Reads without waiting for the disk. Returns how many bytes were in memory.
#[cfg(target_os = "linux")]
fn read_from_memory(file: &File, buffer: &mut [u8], at: u64) -> usize {
    let mut buffer = [io::IoSliceMut::new(buffer)];
    // A file system that cannot tell refuses.
    rustix::io::preadv2(file, &mut buffer, at, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn read_from_memory(_: &File, _: &mut [u8], _: u64) -> usize {
    0
}

/// Deletes the files in a folder that are no whole contents, and were not written to since a time.
pub(super) fn delete_parts(folder: &Path, before: Timestamp) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // The library writes to `NAME#NUMBER` first.
        if !entry.file_name().as_encoded_bytes().contains(&b'#') {
            continue;
        }
        let written = match entry.metadata().and_then(|found| found.modified()) {
            // It may just have got its name.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            written => written?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?,
        };
        if Timestamp(0).plus(written) < before {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
