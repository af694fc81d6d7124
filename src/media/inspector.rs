//! The server's side of files that users send: has each one recognized and cleaned by a child process, and lets another
//! one make a preview of a picture. The server itself reads nothing of the file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::attachment::{DOWNLOAD, Facts, FileKind};
use super::encoder::{ImageEncoder, ImageError, Patience, blocking};
use super::rendition::Rendition;
use crate::kernel::ServiceError;
use crate::limits::{inspection as limits, picture};

/// More bytes than the facts about a file have.
const FACTS_BYTES: u64 = 1_000;
/// A picture with a longer side has a preview, even if that has more bytes.
const LARGE_SIDE: u32 = 1_600;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    pub kind: FileKind,
    /// The media type of an [`super::InlineType`], or [`DOWNLOAD`].
    pub media_type: String,
    /// In pixels, as shown.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// If the container says it.
    pub duration_ms: Option<u64>,
    /// Whether a preview was written: a JPEG, or a WebP if it is transparent.
    pub preview: bool,
}

impl Inspected {
    fn download() -> Self {
        let media_type = DOWNLOAD.to_owned();
        let (width, height, duration_ms) = (None, None, None);
        Self { kind: FileKind::File, media_type, width, height, duration_ms, preview: false }
    }
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

impl From<ImageError> for InspectError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Unreadable | ImageError::TooLarge => Self::Damaged,
            ImageError::TooCostly => Self::TooCostly,
            ImageError::Busy => Self::Busy,
            ImageError::Service(error) => Self::Service(error),
        }
    }
}

/// Inspects files, one after another. Clones share their turn.
#[derive(Clone)]
pub struct FileInspector {
    images: ImageEncoder,
    turns: Arc<Semaphore>,
}

impl FileInspector {
    pub fn new(images: ImageEncoder) -> Self {
        Self { images, turns: Arc::new(Semaphore::new(limits::AT_ONCE)) }
    }

    /// Recognizes `file` and writes it to `cleaned` without metadata. If it is a picture, writes a smaller one to
    /// `preview`, if that is of use. Both are replaced if they exist.
    ///
    /// A file without metadata gets `cleaned` as a second name: do not write to it afterwards.
    ///
    /// # Errors
    /// An [`InspectError`]. Neither `cleaned` nor `preview` may be used then.
    pub async fn inspect(
        &self,
        file: &Path,
        cleaned: &Path,
        preview: &Path,
    ) -> Result<Inspected, InspectError> {
        let turn = timeout(limits::TURN_WITHIN, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| InspectError::Busy)?.map_err(ServiceError::internal)?;
        let facts = self.clean(file, cleaned).await?;
        let Some(inline) = facts.inline else { return Ok(Inspected::download()) };
        let (kind, mut has_preview) = (inline.kind(), false);
        if kind == FileKind::Image {
            match self.preview(facts, cleaned, preview).await? {
                Preview::Made => has_preview = true,
                Preview::OfNoUse => {}
                Preview::NoPicture => return Ok(Inspected::download()),
            }
        }
        Ok(Inspected {
            kind,
            media_type: inline.media_type().to_owned(),
            width: facts.width,
            height: facts.height,
            duration_ms: facts.duration_ms,
            preview: has_preview,
        })
    }

    /// Makes a picture for a page of the picture in `file`, in `poster`.
    ///
    /// # Errors
    /// An [`InspectError`]. `poster` may not be used then.
    pub async fn poster(&self, file: &Path, poster: &Path) -> Result<(), InspectError> {
        let (original, result) = open(file.to_owned(), poster.to_owned()).await?;
        let patience = Patience { turn: limits::DEADLINE, all: limits::DEADLINE };
        Ok(self.images.encode_to(Rendition::Preview, &original, result, patience).await?)
    }

    async fn clean(&self, file: &Path, cleaned: &Path) -> Result<Facts, InspectError> {
        let deadline = Instant::now() + limits::DEADLINE;
        let result = self.images.unlinked_file().await?;
        let arguments = ["inspect-file".as_ref(), file.as_os_str(), cleaned.as_os_str()];
        let time = (deadline, limits::PROCESS_CPU);
        self.images.run(&arguments, Stdio::null(), &result, time).await?;
        // A compromised child can say only what the type allows.
        Ok(blocking(move || facts(&result)).await?)
    }

    async fn preview(
        &self,
        facts: Facts,
        cleaned: &Path,
        preview: &Path,
    ) -> Result<Preview, InspectError> {
        let (width, height) = (facts.width.unwrap_or(0), facts.height.unwrap_or(0));
        let is_shown = width.min(height) > 0
            && width.max(height) <= picture::SIDE
            && u64::from(width) * u64::from(height) <= picture::PIXELS;
        if !is_shown {
            return Ok(Preview::NoPicture);
        }
        let (original, result) = open(cleaned.to_owned(), preview.to_owned()).await?;
        let written = result.try_clone().map_err(ServiceError::internal)?;
        // No user waits for the answer as for a profile picture's; processor time is limited as there.
        let patience = Patience { turn: limits::DEADLINE, all: limits::DEADLINE };
        let encoded = self.images.encode_to(Rendition::Preview, &original, written, patience);
        let made = match encoded.await {
            Ok(()) => is_of_use(&original, &result, width.max(height))?,
            // A browser can show it, but decoding it takes more than a child may use.
            Err(ImageError::TooLarge | ImageError::TooCostly) => Preview::OfNoUse,
            Err(ImageError::Unreadable) => Preview::NoPicture,
            Err(error @ (ImageError::Busy | ImageError::Service(_))) => return Err(error.into()),
        };
        if made != Preview::Made {
            let preview = preview.to_owned();
            blocking(move || Ok(std::fs::remove_file(preview).map_err(ServiceError::internal)?))
                .await?;
        }
        Ok(made)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Preview {
    Made,
    /// Larger than the original, or decoding the picture takes too much.
    OfNoUse,
    /// The file has no pixels that can be decoded.
    NoPicture,
}

async fn open(cleaned: PathBuf, preview: PathBuf) -> Result<(File, File), ImageError> {
    blocking(move || {
        let original = File::open(cleaned).map_err(ServiceError::internal)?;
        let options = File::options().read(true).write(true).create(true).truncate(true).clone();
        Ok((original, options.open(preview).map_err(ServiceError::internal)?))
    })
    .await
}

fn is_of_use(original: &File, preview: &File, side: u32) -> Result<Preview, ServiceError> {
    let length = |file: &File| file.metadata().map(|metadata| metadata.len());
    let original = length(original).map_err(ServiceError::internal)?;
    let is_smaller = length(preview).map_err(ServiceError::internal)? < original;
    Ok(if is_smaller || side > LARGE_SIDE { Preview::Made } else { Preview::OfNoUse })
}

fn facts(result: &File) -> Result<Facts, ImageError> {
    use std::io::{Read, Seek};

    let mut result = result;
    result.rewind().map_err(ServiceError::internal)?;
    Ok(serde_json::from_reader(result.take(FACTS_BYTES)).map_err(ServiceError::internal)?)
}
