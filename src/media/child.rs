//! The child process: sets its own resource limits, then reads one file. Either decodes the picture on its standard
//! input and writes the result to its standard output, or cleans a file by its name and writes there what it is. Standard
//! input and output are unlinked files.
//!
//! Uses no async runtime, no threads and no database: their memory would count against the limits.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use super::attachment::{self, Fault};
use super::header::Refusal;
use super::rendition::Rendition;
use crate::limits::{inspection, picture as limits};

/// The result of the child, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done = 0,
    Unreadable = 3,
    TooLarge = 4,
    /// It could not set its limits, read or write: an error of the server, not of the picture.
    Failed = 5,
}

impl Outcome {
    /// Any other code, such as that of a panic, counts as an error of the decoder.
    pub(super) fn from_code(code: i32) -> Self {
        match code {
            0 => Self::Done,
            4 => Self::TooLarge,
            5 => Self::Failed,
            _ => Self::Unreadable,
        }
    }
}

/// Decodes one picture, and returns the exit code.
pub fn run(rendition: Rendition) -> u8 {
    // The limits must be set before a byte of the file is read: the file is not trusted.
    let limited = limit_self(limits::PROCESS_CPU, limits::RESULT_BYTES);
    let outcome = match limited.and_then(|()| files()) {
        Ok((picture, result)) => encode(rendition, picture, result),
        Err(_) => Outcome::Failed,
    };
    outcome as u8
}

/// Cleans one file, and returns the exit code.
pub fn run_inspection(file: &Path, cleaned: &Path) -> u8 {
    // A cleaned file is at most a few bytes longer.
    let length = fs::metadata(file).map_or(0, |metadata| metadata.len());
    let outcome =
        match limit_self(inspection::PROCESS_CPU, length.saturating_add(limits::RESULT_BYTES)) {
            Ok(()) => inspect(file, cleaned),
            Err(_) => Outcome::Failed,
        };
    outcome as u8
}

fn inspect(file: &Path, cleaned: &Path) -> Outcome {
    match attachment::clean(file, cleaned) {
        Ok(facts) => match serde_json::to_writer(io::stdout(), &facts) {
            Ok(()) => Outcome::Done,
            Err(_) => Outcome::Failed,
        },
        Err(Fault::Damaged) => Outcome::Unreadable,
        Err(Fault::Io) => Outcome::Failed,
    }
}

fn files() -> io::Result<(File, File)> {
    let picture = io::stdin().as_fd().try_clone_to_owned()?;
    let result = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((picture.into(), result.into()))
}

fn encode(rendition: Rendition, picture: File, mut result: File) -> Outcome {
    match rendition.make(&mut BufReader::new(picture)) {
        Ok(image) if result.write_all(&image).is_ok() => Outcome::Done,
        Ok(_) => Outcome::Failed,
        Err(Refusal::TooLarge) => Outcome::TooLarge,
        Err(Refusal::Unreadable) => Outcome::Unreadable,
    }
}

fn limit_self(cpu: Duration, file_bytes: u64) -> io::Result<()> {
    // Best effort: when memory runs out, the kernel kills this process first, and other processes have priority
    // for the CPU. Niceness 5 is low enough that a normal photo still meets its deadline.
    drop(fs::write("/proc/self/oom_score_adj", "1000"));
    nice(5).ok();
    if cfg!(target_os = "linux") {
        // Other systems count the address space differently, some including shared memory.
        lower(Resource::As, limits::PROCESS_BYTES)?;
    }
    lower(Resource::Cpu, cpu.as_secs())?;
    lower(Resource::Fsize, file_bytes)?;
    lower(Resource::Core, 0)?;
    lower(Resource::Nofile, limits::PROCESS_FILES)
}

/// Sets the soft and the hard limit to `to`, or to the current hard limit if that is lower. They cannot be raised
/// again.
fn lower(resource: Resource, to: u64) -> io::Result<()> {
    let allowed = getrlimit(resource).maximum.map_or(to, |maximum| maximum.min(to));
    Ok(setrlimit(resource, Rlimit { current: Some(allowed), maximum: Some(allowed) })?)
}
