//! The server's side: checks a picture's header, then starts a child to decode it, with a deadline and a limit on
//! concurrent children.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::child::Outcome;
use super::header::{Header, Refusal};
use super::rendition::Rendition;
use crate::kernel::ServiceError;
use crate::limits::picture as limits;

/// Why a picture was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Not a JPEG, PNG, GIF or WebP, or corrupted.
    #[error("not a readable picture")]
    Unreadable,
    /// Refused by its header.
    #[error("the picture has too many pixels")]
    TooLarge,
    /// The decoder exceeded its limit of memory or time and was killed.
    #[error("decoding the picture takes too much memory or time")]
    TooCostly,
    /// Too many pictures are being decoded.
    #[error("too many pictures at once")]
    Busy,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<Refusal> for ImageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unreadable => Self::Unreadable,
            Refusal::TooLarge => Self::TooLarge,
        }
    }
}

/// Returns the program to start as the child: the running one, even after an update has replaced its file.
///
/// # Errors
/// If the system does not know the program.
pub fn executable() -> io::Result<PathBuf> {
    let current = Path::new("/proc/self/exe");
    if current.exists() { Ok(current.to_owned()) } else { std::env::current_exe() }
}

/// How long a picture may take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// Until a child is free.
    pub turn: Duration,
    /// Until it is done.
    pub all: Duration,
}

/// Makes small renditions of pictures. Clones share the limit on concurrent children.
#[derive(Clone)]
pub struct ImageEncoder {
    executable: PathBuf,
    /// The directory for results, which are unlinked files.
    directory: PathBuf,
    children: Arc<Semaphore>,
}

impl ImageEncoder {
    pub fn new(executable: PathBuf, directory: PathBuf) -> Self {
        Self { executable, directory, children: Arc::new(Semaphore::new(limits::AT_ONCE)) }
    }

    /// Makes a rendition of a picture. Returns within `limits::picture::DEADLINE`.
    ///
    /// # Errors
    /// An [`ImageError`].
    pub async fn encode(
        &self,
        rendition: Rendition,
        picture: &File,
    ) -> Result<Vec<u8>, ImageError> {
        let result = self.unlinked_file().await?;
        let written = result.try_clone().map_err(ServiceError::internal)?;
        let patience = Patience { turn: limits::TURN_WITHIN, all: limits::DEADLINE };
        self.encode_to(rendition, picture, written, patience).await?;
        blocking(move || read(result)).await
    }

    /// Makes a rendition of a picture in the empty file `result`.
    ///
    /// # Errors
    /// An [`ImageError`].
    pub(super) async fn encode_to(
        &self,
        rendition: Rendition,
        picture: &File,
        result: File,
        patience: Patience,
    ) -> Result<(), ImageError> {
        let deadline = Instant::now() + patience.all;
        let file = picture.try_clone().map_err(ServiceError::internal)?;
        blocking(move || {
            check_header(&file)?;
            // The child inherits the position in the file.
            Ok((&file).rewind().map_err(ServiceError::internal)?)
        })
        .await?;
        // A waiting request has its picture on disk and nothing in memory.
        let permit = timeout(patience.turn, self.children.acquire()).await;
        let _permit = permit.map_err(|_| ImageError::Busy)?.map_err(ServiceError::internal)?;
        let input = picture.try_clone().map_err(ServiceError::internal)?;
        let arguments = ["encode-image", rendition.name()].map(OsStr::new);
        self.run(&arguments, input.into(), &result, (deadline, limits::PROCESS_CPU)).await?;
        blocking(move || check_result(rendition, &result)).await
    }

    /// Returns a new file for a result.
    pub(super) async fn unlinked_file(&self) -> Result<File, ImageError> {
        let directory = self.directory.clone();
        blocking(move || Ok(tempfile::tempfile_in(directory).map_err(ServiceError::internal)?))
            .await
    }

    /// Runs a child until the deadline. `cpu` is the processor time that it may use.
    pub(super) async fn run(
        &self,
        arguments: &[&OsStr],
        input: Stdio,
        result: &File,
        (deadline, cpu): (Instant, Duration),
    ) -> Result<(), ImageError> {
        let child = self.start(arguments, input, result);
        let mut child = child.map_err(ServiceError::internal)?;
        let started = Instant::now();
        let Ok(status) = timeout_at(deadline, child.wait()).await else {
            child.kill().await.map_err(ServiceError::internal)?;
            // If the child had to wait for others and got less time than it may use, the picture is not
            // the cause.
            let used_its_time = started.elapsed() >= cpu;
            return Err(if used_its_time { ImageError::TooCostly } else { ImageError::Busy });
        };
        check_status(status.map_err(ServiceError::internal)?)
    }

    fn start(
        &self,
        arguments: &[&OsStr],
        input: Stdio,
        result: &File,
    ) -> io::Result<tokio::process::Child> {
        Command::new(&self.executable)
            .args(arguments)
            // The environment may contain secrets, and a decoder may be compromised.
            .env_clear()
            .stdin(input)
            .stdout(result.try_clone()?)
            .stderr(Stdio::null())
            // If the request is cancelled, its child is killed.
            .kill_on_drop(true)
            .spawn()
    }
}

fn check_header(file: &File) -> Result<Header, ImageError> {
    let mut file = BufReader::new(file);
    file.rewind().map_err(ServiceError::internal)?;
    Ok(Header::read(&mut file)?)
}

fn check_status(status: ExitStatus) -> Result<(), ImageError> {
    match status.code().map(Outcome::from_code) {
        Some(Outcome::Done) => Ok(()),
        Some(Outcome::Unreadable) => Err(ImageError::Unreadable),
        Some(Outcome::TooLarge) => Err(ImageError::TooLarge),
        Some(Outcome::Failed) => {
            Err(ServiceError::internal("the process that decodes pictures could not work").into())
        }
        // A signal: memory or processor time ran out.
        None => Err(ImageError::TooCostly),
    }
}

/// Checks the child's result, because a decoder may have been compromised.
fn check_result(rendition: Rendition, result: &File) -> Result<(), ImageError> {
    let has_made = rendition.has_made(check_header(result)?);
    if has_made { Ok(()) } else { Err(ImageError::Unreadable) }
}

fn read(mut result: File) -> Result<Vec<u8>, ImageError> {
    result.rewind().map_err(ServiceError::internal)?;
    let mut image = Vec::new();
    result.take(limits::RESULT_BYTES).read_to_end(&mut image).map_err(ServiceError::internal)?;
    Ok(image)
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?
}
