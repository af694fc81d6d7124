//! The bytes of contents on their way: from files and streams, in parts that fit into memory. Knows no storage.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use crate::chat::files::model::{Content, ContentHash};
use crate::limits::file::BUFFER_BYTES;
use crate::limits::storage::{PART_BYTES, PARTS};

/// The parts of a content as they are read.
pub type ContentStream = BoxStream<'static, io::Result<Bytes>>;

/// The bytes of a content in parts, each read on a thread that may wait.
pub(super) struct Parts<R> {
    bytes: R,
    part_bytes: u64,
    hash: Sha256,
    size: u64,
}

impl<R: Read + Send + 'static> Parts<R> {
    pub fn of(bytes: R, content: &Content) -> Self {
        let part_bytes = PART_BYTES.max(content.size.div_ceil(PARTS));
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

/// Reads a file in large parts: a part costs a way to another thread and back.
pub(super) fn read_file(file: File, part: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> {
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
