//! The server's side: judges a picture by its header, then has a child decode it, within a
//! deadline, a few at a time.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::child::Outcome;
use super::header::{Format, Header, Refusal};
use super::rendition::Rendition;
use crate::kernel::ServiceError;
use crate::limits::picture as limits;

/// Why a picture was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No JPEG, PNG, GIF or WebP, or broken.
    #[error("no picture that can be read")]
    Unreadable,
    /// Its header alone says so.
    #[error("the picture has too many pixels")]
    TooLarge,
    /// Its decoder took too much memory or time and was ended.
    #[error("the picture takes too much to decode")]
    TooCostly,
    /// As many as may be are being decoded.
    #[error("too many pictures at once")]
    Busy,
    #[error(transparent)]
    Fault(#[from] ServiceError),
}

impl From<Refusal> for ImageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unreadable => Self::Unreadable,
            Refusal::TooLarge => Self::TooLarge,
        }
    }
}

/// The program that is started as the child: this one, also after an update has replaced its file.
///
/// # Errors
/// When the system cannot tell which program this is.
pub fn executable() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}

/// Decodes pictures and makes small ones of them. Clones share their turns.
#[derive(Clone)]
pub struct ImageEncoder {
    executable: PathBuf,
    /// Where results are written to, as files without a name.
    directory: PathBuf,
    turns: Arc<Semaphore>,
}

impl ImageEncoder {
    pub fn new(executable: PathBuf, directory: PathBuf) -> Self {
        Self { executable, directory, turns: Arc::new(Semaphore::new(limits::AT_ONCE)) }
    }

    /// Makes a rendition of a picture, as JPEG.
    ///
    /// # Errors
    /// [`ImageError`] says why there is none. It comes within `limits::picture::DEADLINE`.
    pub async fn encode(
        &self,
        rendition: Rendition,
        picture: &File,
    ) -> Result<Vec<u8>, ImageError> {
        let deadline = Instant::now() + limits::DEADLINE;
        let file = picture.try_clone().map_err(ServiceError::internal)?;
        blocking(move || {
            judge(&file)?;
            // The child has the same position in the file.
            Ok((&file).rewind().map_err(ServiceError::internal)?)
        })
        .await?;
        // Whoever waits keeps a file on the disk, and nothing in memory.
        let turn = timeout(limits::TURN_WITHIN, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| ImageError::Busy)?.map_err(ServiceError::internal)?;
        let directory = self.directory.clone();
        let result =
            blocking(move || Ok(tempfile::tempfile_in(directory).map_err(ServiceError::internal)?))
                .await?;
        let mut child = self.start(rendition, picture, &result).map_err(ServiceError::internal)?;
        let started = Instant::now();
        let Ok(ended) = timeout_at(deadline, child.wait()).await else {
            child.kill().await.map_err(ServiceError::internal)?;
            // What had less time than it may use, since others were before it, is not to blame.
            let had_its_time = started.elapsed() >= limits::PROCESS_CPU;
            return Err(if had_its_time { ImageError::TooCostly } else { ImageError::Busy });
        };
        succeeded(ended.map_err(ServiceError::internal)?)?;
        blocking(move || read(rendition, result)).await
    }

    fn start(
        &self,
        rendition: Rendition,
        picture: &File,
        result: &File,
    ) -> io::Result<tokio::process::Child> {
        Command::new(&self.executable)
            .args(["encode-image", rendition.name()])
            // Secrets stand in the environment.
            .env_clear()
            .stdin(picture.try_clone()?)
            .stdout(result.try_clone()?)
            .stderr(Stdio::null())
            // The request was given up: so is its child.
            .kill_on_drop(true)
            .spawn()
    }
}

fn judge(file: &File) -> Result<Header, ImageError> {
    let mut file = BufReader::new(file);
    file.rewind().map_err(ServiceError::internal)?;
    Ok(Header::read(&mut file)?)
}

fn succeeded(ended: ExitStatus) -> Result<(), ImageError> {
    match ended.code().map(Outcome::from_code) {
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

/// What the child wrote is looked at before it is believed: a decoder may have been taken over.
fn read(rendition: Rendition, mut result: File) -> Result<Vec<u8>, ImageError> {
    let header = judge(&result)?;
    let side = rendition.side();
    if header != (Header { format: Format::Jpeg, width: side, height: side }) {
        return Err(ImageError::Unreadable);
    }
    result.rewind().map_err(ServiceError::internal)?;
    let mut jpeg = Vec::new();
    result.take(limits::RESULT_BYTES).read_to_end(&mut jpeg).map_err(ServiceError::internal)?;
    Ok(jpeg)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?
}
