//! What a file is, by its content.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::encoder::ImageEncoder;
use crate::kernel::ServiceError;

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    Image,
    Video,
    Audio,
    File,
}

/// What was found out about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub kind: FileKind,
    pub media_type: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: Option<u64>,
    /// Whether a smaller picture was written.
    pub preview: bool,
}

/// Why a file must not be stored.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It can contain a place, and cannot be cleaned of it.
    #[error("the file is damaged")]
    Damaged,
    /// It takes too much memory or time.
    #[error("reading the file takes too much memory or time")]
    TooCostly,
    /// Too many files wait.
    #[error("too many files at once")]
    Busy,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Inspects files.
#[derive(Clone)]
pub struct FileInspector;

impl FileInspector {
    pub fn new(_: ImageEncoder) -> Self {
        Self
    }

    /// Inspects `file`, and writes what may be stored of it to `cleaned`.
    ///
    /// # Errors
    /// An [`InspectError`].
    pub async fn inspect(
        &self,
        file: &Path,
        cleaned: &Path,
        _preview: &Path,
    ) -> Result<Inspected, InspectError> {
        let (file, cleaned) = (file.to_owned(), cleaned.to_owned());
        let work = move || -> io::Result<Inspected> {
            let mut start = Vec::new();
            File::open(&file)?.take(16).read_to_end(&mut start)?;
            fs::rename(&file, &cleaned)?;
            let (kind, media_type) = sniffed(&start);
            let media_type = media_type.to_owned();
            let (width, height, duration_ms) = (None, None, None);
            Ok(Inspected { kind, media_type, width, height, duration_ms, preview: false })
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?;
        Ok(done.map_err(ServiceError::internal)?)
    }
}

fn sniffed(start: &[u8]) -> (FileKind, &'static str) {
    match start {
        [0xff, 0xd8, 0xff, ..] => (FileKind::Image, "image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => (FileKind::Image, "image/png"),
        _ => (FileKind::File, "application/octet-stream"),
    }
}
