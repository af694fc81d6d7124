//! Forms with files and texts, as browsers send them without scripts. A file is written to disk while it arrives.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use futures_util::TryStreamExt as _;
use tokio::time::timeout;

use super::pace::Paced;
use crate::chat::accounts::model::Authenticated;
use crate::chat::files::model::{AltText, FileName, NewUpload, UploadError};
use crate::chat::files::{Files, ReceivedFile};
use crate::http::Problem;
use crate::http::rate_limit::{Action, RateLimiter};
use crate::http::request::uploads::{limit_unparsed, short_text};
use crate::http::state::from_state;
use crate::kernel::FieldError;
use crate::limits::file::PER_MESSAGE;

/// How long a refused form is read and discarded, so that its sender sees the response.
const DISCARD_WITHIN: Duration = Duration::from_secs(5);

/// What reads such forms.
pub struct FileForms {
    files: Files,
    rate_limiter: RateLimiter,
}

from_state!(FileForms { files, rate_limiter });

/// A form that has arrived. Its files are deleted with it, unless they are kept.
pub struct FileForm {
    pub files: Vec<ReceivedFile>,
    pub texts: Vec<(String, String)>,
    /// Why a file was refused. The form has none then, and the texts before it.
    pub refused: Option<Problem>,
}

impl FileForm {
    /// The first text of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(found, _)| found == name).map(|(_, text)| text.as_str())
    }
}

/// What a form may have.
#[derive(Clone, Copy, Debug)]
pub struct FormShape {
    /// The name of its files.
    pub field: &'static str,
    /// The bytes of all texts together.
    pub text_bytes: usize,
    /// Whether the request itself has been counted as a new file. Otherwise each of its files is.
    pub is_counted: bool,
}

impl FileForms {
    /// Receives a form.
    ///
    /// # Errors
    /// 4xx for a form that is malformed, or whose texts are too large.
    pub async fn receive(
        &self,
        me: &Authenticated,
        mut request: Request,
        shape: FormShape,
    ) -> Result<FileForm, Problem> {
        let place = self.files.arrive(me.user.id)?;
        let most = length(&request);
        DefaultBodyLimit::disable().apply(&mut request);
        let request = request.map(|body| Body::from_stream(Paced::new(body)));
        let (request, unparsed) = limit_unparsed(request);
        let form = Multipart::from_request(request, &()).await;
        let mut form = form.map_err(|rejection| Problem::new(rejection.status()))?;
        let mut found = FileForm { files: Vec::new(), texts: Vec::new(), refused: None };
        let mut left = shape.text_bytes;
        while let Some(mut part) = form.next_field().await? {
            unparsed.store(0, std::sync::atomic::Ordering::Relaxed);
            let Some(name) = part.name().map(str::to_owned) else { continue };
            if name != shape.field {
                found.texts.push((name, short_text(part, &mut left).await?));
                continue;
            }
            // A field in which no file was chosen.
            if part.file_name().is_none_or(str::is_empty) {
                continue;
            }
            let admitted = if found.files.len() >= PER_MESSAGE {
                Err(FieldError::new("files", "files-many").into())
            } else if shape.is_counted {
                Ok(())
            } else {
                self.rate_limiter.spend(me.user.id, Action::NewFile)
            };
            let name = FileName::parse(part.file_name().unwrap_or_default());
            let file_name = Some(Box::new(name.clone()));
            let new = NewUpload { name, alt: AltText::default(), length: most };
            let received = match admitted {
                Ok(()) => {
                    let bytes = std::pin::pin!(read(&mut part, &unparsed));
                    let bytes = self.files.receive(me.user.id, &place, new, bytes).await;
                    bytes.map_err(Problem::from)
                }
                Err(problem) => Err(problem),
            };
            match received {
                Ok(file) => found.files.push(file),
                Err(problem) => {
                    discard(part).await;
                    found.files.clear();
                    found.refused = Some(Problem { file_name, ..problem });
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}

/// The texts of a form that is not carried out, and whether it has files. It is read up to the first of them: in the
/// composer's form the texts come first.
///
/// # Errors
/// 4xx for a form that is malformed, or whose texts have more than `most` bytes.
pub async fn texts(
    mut request: Request,
    most: usize,
) -> Result<(Vec<(String, String)>, bool), Problem> {
    DefaultBodyLimit::disable().apply(&mut request);
    let request = request.map(|body| Body::from_stream(Paced::new(body)));
    let (request, unparsed) = limit_unparsed(request);
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|rejection| Problem::new(rejection.status()))?;
    let (mut texts, mut left) = (Vec::new(), most);
    while let Some(part) = form.next_field().await? {
        unparsed.store(0, std::sync::atomic::Ordering::Relaxed);
        if part.file_name().is_some_and(|name| !name.is_empty()) {
            discard(part).await;
            return Ok((texts, true));
        }
        if let Some(name) = part.name().map(str::to_owned) {
            texts.push((name, short_text(part, &mut left).await?));
        }
    }
    Ok((texts, false))
}

/// The bytes of a field.
fn read<'a>(
    part: &'a mut Field<'_>,
    unparsed: &'a std::sync::atomic::AtomicUsize,
) -> impl futures_util::Stream<Item = io::Result<bytes::Bytes>> + 'a {
    part.map_err(io::Error::other).inspect_ok(|_| {
        unparsed.store(0, std::sync::atomic::Ordering::Relaxed);
    })
}

/// The announced length of a form; unlimited if it is not announced. No file in it is longer.
fn length(request: &Request) -> u64 {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|text| text.parse().ok()).unwrap_or(u64::MAX)
}

async fn discard(mut part: Field<'_>) {
    let read = async { while let Ok(Some(_)) = part.chunk().await {} };
    // Bytes that arrive later are not waited for.
    drop(timeout(DISCARD_WITHIN, read).await);
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let with = |status, detail| Self::with_detail(status, detail);
        let problem = match error {
            UploadError::NotFound => Self::not_found(),
            UploadError::TooLarge(largest) => {
                with(StatusCode::PAYLOAD_TOO_LARGE, "file-too-large").of_size(largest)
            }
            UploadError::Quota(quota) => {
                with(StatusCode::UNPROCESSABLE_ENTITY, "files-over-quota").of_size(quota)
            }
            UploadError::InstallationQuota(quota) => {
                with(StatusCode::UNPROCESSABLE_ENTITY, "files-over-storage-quota").of_size(quota)
            }
            UploadError::TooManyWaiting => with(StatusCode::UNPROCESSABLE_ENTITY, "files-waiting"),
            UploadError::Busy => {
                Self { detail: Some("uploads-busy"), ..Self::too_many(UploadError::AGAIN_AFTER) }
            }
            UploadError::NoSpace => with(StatusCode::INSUFFICIENT_STORAGE, "disk-full"),
            UploadError::InUse => with(StatusCode::LOCKED, "upload-in-use"),
            UploadError::WrongOffset => with(StatusCode::CONFLICT, "upload-offset-differs"),
            UploadError::TooLong => with(StatusCode::PAYLOAD_TOO_LARGE, "upload-too-long"),
            UploadError::Interrupted => with(StatusCode::BAD_REQUEST, "upload-interrupted"),
            UploadError::TooSlow => with(StatusCode::REQUEST_TIMEOUT, "upload-slow"),
            UploadError::Damaged => with(StatusCode::UNPROCESSABLE_ENTITY, "file-damaged"),
            UploadError::Service(error) => Self::from_storage(error),
        };
        // A page with the log's id says more than the form.
        Self { is_of_file: problem.id.is_none(), ..problem }
    }
}
