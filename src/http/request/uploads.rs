//! Uploads: multipart forms with a file. A file is written to disk while it arrives. The number of concurrent
//! uploads is limited, in total and per user.
//!
//! An upload requires an authenticated user ([`Authenticated`]): no body is read for other clients.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt as _;

use crate::chat::accounts::model::Authenticated;
use crate::http::Problem;
use crate::kernel::{ServiceError, UserId};
use crate::limits::{installation, upload as limits, user};

/// When a client may retry a refused upload.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// When a client may retry after the disk was full: an operator has to free space first.
const DISK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// The directory for uploads, and the users of the running ones.
#[derive(Clone)]
pub struct Uploads {
    directory: Arc<Path>,
    running: Arc<Mutex<Vec<UserId>>>,
}

/// A slot of a running upload, released on drop.
struct Slot {
    user: UserId,
    running: Arc<Mutex<Vec<UserId>>>,
}

/// A received form. It holds the user's slot until it is dropped.
pub struct Upload {
    /// The content of the requested field: an unlinked file, deleted with this value.
    pub file: File,
    /// The other fields, by name.
    others: HashMap<String, String>,
    _slot: Slot,
}

impl Uploads {
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.into(), running: Arc::default() }
    }

    /// Receives a form. `field` is the name of the file's field.
    ///
    /// # Errors
    /// 429 if the user or the installation has too many uploads running; 413 or another 4xx if the form or one of
    /// its texts is too large or malformed.
    pub async fn receive(
        &self,
        me: &Authenticated,
        request: Request,
        field: &str,
    ) -> Result<Upload, Problem> {
        let admitted = check_length(&request).and_then(|()| self.admit(me.user.id));
        let slot = match admitted {
            Ok(slot) => slot,
            Err(problem) => {
                discard(request.into_body()).await;
                return Err(problem);
            }
        };
        let directory = self.directory.clone();
        let opened = blocking(move || tempfile::tempfile_in(directory)).await?;
        let mut writer = FileWriter { file: Some(opened), buffer: Vec::new() };
        let (request, unparsed) = limit_unparsed(request);
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|rejection| Problem::new(rejection.status()))?;
        let mut others = HashMap::new();
        let mut left = limits::TEXT_BYTES;
        while let Some(part) = form.next_field().await? {
            // The parser has processed everything that was buffered so far.
            unparsed.store(0, Ordering::Relaxed);
            if part.name() == Some(field) {
                writer.receive(part, &unparsed).await?;
            } else if let Some(name) = part.name().map(str::to_owned) {
                others.insert(name, short_text(part, &mut left).await?);
            }
        }
        Ok(Upload { file: writer.finish().await?, others, _slot: slot })
    }

    fn admit(&self, user: UserId) -> Result<Slot, Problem> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.iter().filter(|other| **other == user).count() >= user::UPLOADS_AT_ONCE {
            return Err(busy("upload-running"));
        }
        if running.len() >= installation::UPLOADS_AT_ONCE {
            return Err(busy("uploads-busy"));
        }
        running.push(user);
        Ok(Slot { user, running: self.running.clone() })
    }
}

impl Upload {
    /// Whether the form has another field with this name.
    pub fn has(&self, field: &str) -> bool {
        self.others.contains_key(field)
    }

    /// Refuses a form with fields besides the file and `known`.
    ///
    /// # Errors
    /// 400.
    pub fn refuse_unknown(&self, known: &[&str]) -> Result<(), Problem> {
        let all_known = self.others.keys().all(|field| known.contains(&field.as_str()));
        all_known.then_some(()).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST))
    }

    /// The value of another field; empty if the form does not have it.
    pub fn text(&self, field: &str) -> &str {
        self.others.get(field).map(String::as_str).unwrap_or_default()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = running.iter().position(|user| *user == self.user) {
            running.swap_remove(at);
        }
    }
}

/// Writes a field to disk in chunks of [`limits::BUFFER_BYTES`].
struct FileWriter {
    /// `None` only during a write.
    file: Option<File>,
    buffer: Vec<u8>,
}

impl FileWriter {
    async fn receive(
        &mut self,
        mut part: Field<'_>,
        unparsed: &AtomicUsize,
    ) -> Result<(), Problem> {
        while let Some(bytes) = part.chunk().await? {
            unparsed.store(0, Ordering::Relaxed);
            self.buffer.extend_from_slice(&bytes);
            if self.buffer.len() >= limits::BUFFER_BYTES {
                self.write().await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<File, Problem> {
        self.write().await?;
        self.file.ok_or_else(|| Problem::internal(&"the file is gone"))
    }

    async fn write(&mut self) -> Result<(), Problem> {
        let file = self.file.take();
        let mut buffer = std::mem::take(&mut self.buffer);
        let written = blocking(move || {
            let mut file = file.ok_or(ErrorKind::NotFound)?;
            file.write_all(&buffer)?;
            buffer.clear();
            Ok((file, buffer))
        });
        let (file, buffer) = written.await?;
        self.file = Some(file);
        self.buffer = buffer;
        Ok(())
    }
}

/// Reads a text field. All of a form together have [`limits::TEXT_BYTES`], of which `left` are left.
pub(in crate::http) async fn short_text(
    mut part: Field<'_>,
    left: &mut usize,
) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(bytes) = part.chunk().await? {
        *left = left.checked_sub(bytes.len()).ok_or_else(Problem::form_too_large)?;
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).map_err(|_| Problem::new(StatusCode::BAD_REQUEST))
}

/// Returns 429 for too many running uploads.
pub fn busy(detail: &'static str) -> Problem {
    Problem { detail: Some(detail), ..Problem::too_many(AGAIN_AFTER) }
}

/// Limits the bytes that the multipart parser has received but not returned. The parser buffers the header of a
/// field without a limit, so a client could fill the memory with one long header.
pub(in crate::http) fn limit_unparsed(request: Request) -> (Request, Arc<AtomicUsize>) {
    let unparsed = Arc::new(AtomicUsize::new(0));
    let counter = unparsed.clone();
    let (parts, body) = request.into_parts();
    let stream = body.into_data_stream().map(move |chunk| {
        let chunk: Bytes = chunk.map_err(io::Error::other)?;
        let before = counter.fetch_add(chunk.len(), Ordering::Relaxed);
        if before > limits::FORM_BYTES {
            return Err(io::Error::from(ErrorKind::InvalidData));
        }
        Ok(chunk)
    });
    (Request::from_parts(parts, Body::from_stream(stream)), unparsed)
}

/// Refuses a request whose `Content-Length` is too large. A false header can only lead to a refusal.
fn check_length(request: &Request) -> Result<(), Problem> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
    if length > limits::PICTURE_BYTES {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(())
}

/// Reads and discards a body, because many clients read the response only after they have sent the body.
/// Limited in bytes and time.
async fn discard(body: Body) {
    let mut stream = body.into_data_stream();
    let read = async {
        let mut left = limits::PICTURE_BYTES;
        while let Some(Ok(chunk)) = stream.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // Bytes that arrive later are not waited for.
    drop(tokio::time::timeout(limits::DISCARD_WITHIN, read).await);
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        // An incomplete body is the client's error, not the server's.
        let status = error.status();
        Self::new(if status.is_server_error() { StatusCode::BAD_REQUEST } else { status })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let result = tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?;
    Ok(result.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ServiceError::StorageFull { retry_after: DISK_AGAIN_AFTER }
        }
        _ => ServiceError::internal(error),
    })?)
}
