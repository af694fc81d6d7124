//! The child's side: limits itself, then decodes the picture on its standard input and writes the
//! result to its standard output. Both are files that have no name.
//!
//! No runtime, no threads, no database: their memory would count.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use super::header::Refusal;
use super::rendition::Rendition;
use crate::limits::picture as limits;

/// How the child ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done = 0,
    Unreadable = 3,
    TooLarge = 4,
    /// It could not limit itself, read or write: our own fault.
    Failed = 5,
}

impl Outcome {
    /// A panic is the picture's fault like any other error of a decoder.
    pub(super) fn from_code(code: i32) -> Self {
        match code {
            0 => Self::Done,
            4 => Self::TooLarge,
            5 => Self::Failed,
            _ => Self::Unreadable,
        }
    }
}

/// Decodes one picture, and answers the exit code.
pub fn run(rendition: Rendition) -> u8 {
    // Before a byte of the file is read. A child without limits decodes nothing.
    let outcome = match limit_self().and_then(|()| files()) {
        Ok((picture, result)) => encode(rendition, picture, result),
        Err(_) => Outcome::Failed,
    };
    outcome as u8
}

fn files() -> io::Result<(File, File)> {
    let picture = io::stdin().as_fd().try_clone_to_owned()?;
    let result = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((picture.into(), result.into()))
}

fn encode(rendition: Rendition, picture: File, mut result: File) -> Outcome {
    match rendition.make(&mut BufReader::new(picture)) {
        Ok(jpeg) if result.write_all(&jpeg).is_ok() => Outcome::Done,
        Ok(_) => Outcome::Failed,
        Err(Refusal::TooLarge) => Outcome::TooLarge,
        Err(Refusal::Unreadable) => Outcome::Unreadable,
    }
}

fn limit_self() -> io::Result<()> {
    // Best effort. Where memory runs short, this process goes first. Where processors do, others
    // go before it, but not so far that an honest photo misses its deadline.
    drop(fs::write("/proc/self/oom_score_adj", "1000"));
    nice(5).ok();
    if cfg!(target_os = "linux") {
        // Others count address space in other ways, some count what every process shares.
        lower(Resource::As, limits::PROCESS_BYTES)?;
    }
    lower(Resource::Cpu, limits::PROCESS_CPU.as_secs())?;
    lower(Resource::Fsize, limits::RESULT_BYTES)?;
    lower(Resource::Core, 0)?;
    lower(Resource::Nofile, limits::PROCESS_FILES)
}

/// Sets both limits, or leaves them where they are lower already: they cannot be raised again.
fn lower(resource: Resource, to: u64) -> io::Result<()> {
    let allowed = getrlimit(resource).maximum.map_or(to, |maximum| maximum.min(to));
    Ok(setrlimit(resource, Rlimit { current: Some(allowed), maximum: Some(allowed) })?)
}
