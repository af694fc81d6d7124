//! Uploads: forms with a file. A file goes to the disk while it arrives; how many arrive at once
//! is bounded, and a user has one at a time.
//!
//! An upload begins with its sender ([`SignedIn`]): nothing is read for anybody else.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;
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

/// When a refused upload may be tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// When a full disk may have been tended to.
const DISK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Where uploads go, and whose are under way.
#[derive(Clone)]
pub struct Uploads {
    directory: PathBuf,
    running: Arc<Mutex<Vec<UserId>>>,
}

/// A place among the uploads that are under way. Dropped, it is free.
struct Slot {
    user: UserId,
    running: Arc<Mutex<Vec<UserId>>>,
}

/// A form that was received. It keeps its sender's place until it is dropped.
pub struct Upload {
    /// What the wanted field holds: a file without a name, gone with this value.
    pub file: File,
    /// The names of the other fields.
    others: HashSet<String>,
    _slot: Slot,
}

impl Uploads {
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, running: Arc::default() }
    }

    /// Receives a form. The file is what `field` holds.
    ///
    /// # Errors
    /// 429 while another upload of this user, or too many in all, are under way; 413 and other
    /// 4xx when the form is too large or none.
    pub async fn receive(
        &self,
        me: &Authenticated,
        request: Request,
        field: &str,
    ) -> Result<Upload, Problem> {
        let admitted = small_enough(&request).and_then(|()| self.admit(me.person.id));
        let slot = match admitted {
            Ok(slot) => slot,
            Err(problem) => {
                discard(request.into_body()).await;
                return Err(problem);
            }
        };
        let directory = self.directory.clone();
        let opened = blocking(move || tempfile::tempfile_in(directory)).await?;
        let mut sink = FileWriter { file: Some(opened), buffer: Vec::new() };
        let (request, held) = watched(request);
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|rejection| Problem::new(rejection.status()))?;
        let mut others = HashSet::new();
        while let Some(part) = form.next_field().await? {
            // What was buffered so far has been taken apart.
            held.store(0, Ordering::Relaxed);
            if part.name() == Some(field) {
                sink.receive(part, &held).await?;
            } else if let Some(name) = part.name() {
                others.insert(name.to_owned());
            }
        }
        Ok(Upload { file: sink.finish().await?, others, _slot: slot })
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
    /// Whether the form has another field of this name.
    pub fn has(&self, field: &str) -> bool {
        self.others.contains(field)
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

/// Writes a field to the disk, a buffer at a time.
struct FileWriter {
    /// Absent only while it is written to.
    file: Option<File>,
    buffer: Vec<u8>,
}

impl FileWriter {
    async fn receive(&mut self, mut part: Field<'_>, held: &AtomicUsize) -> Result<(), Problem> {
        while let Some(bytes) = part.chunk().await? {
            held.store(0, Ordering::Relaxed);
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
        let (file, mut buffer) = (self.file.take(), std::mem::take(&mut self.buffer));
        let written = blocking(move || {
            let mut file = file.ok_or(ErrorKind::NotFound)?;
            file.write_all(&buffer)?;
            buffer.clear();
            Ok((file, buffer))
        });
        let (file, buffer) = written.await?;
        (self.file, self.buffer) = (Some(file), buffer);
        Ok(())
    }
}

/// 429: more is under way than may be.
pub fn busy(detail: &'static str) -> Problem {
    Problem { detail: Some(detail), ..Problem::too_many(AGAIN_AFTER) }
}

/// Counts what the form's parser was given and has not handed on. It keeps the head of a field in
/// memory, however long it is.
fn watched(request: Request) -> (Request, Arc<AtomicUsize>) {
    let held = Arc::new(AtomicUsize::new(0));
    let (counted, (parts, body)) = (held.clone(), request.into_parts());
    let stream = body.into_data_stream().map(move |chunk| {
        let chunk: Bytes = chunk.map_err(io::Error::other)?;
        let before = counted.fetch_add(chunk.len(), Ordering::Relaxed);
        if before > limits::FORM_BYTES {
            return Err(io::Error::from(ErrorKind::InvalidData));
        }
        Ok(chunk)
    });
    (Request::from_parts(parts, Body::from_stream(stream)), held)
}

/// What a request says of itself is believed where that refuses it.
fn small_enough(request: &Request) -> Result<(), Problem> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
    if length > limits::PICTURE_BYTES {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(())
}

/// Reads what is sent and keeps nothing, so that its sender, who reads the answer afterwards, gets
/// it. Bounded in bytes and time.
async fn discard(body: Body) {
    let mut stream = body.into_data_stream();
    let all = async {
        let mut left = limits::PICTURE_BYTES;
        while let Some(Ok(chunk)) = stream.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    // What has not come by then is not waited for.
    drop(tokio::time::timeout(limits::DISCARD_WITHIN, all).await);
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        // A body that breaks off is its sender's matter, and no fault of ours.
        let status = error.status();
        Self::new(if status.is_server_error() { StatusCode::BAD_REQUEST } else { status })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?;
    Ok(done.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ServiceError::StorageFull { retry_after: DISK_AGAIN_AFTER }
        }
        _ => ServiceError::internal(error),
    })?)
}
