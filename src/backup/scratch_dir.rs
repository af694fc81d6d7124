//! Temporary directories for unfinished files. They are not in `/tmp`: it may not exist where only
//! the data directory is writable, and elsewhere it may be in memory.

use std::env;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use tempfile::{Builder, TempDir};

use crate::data_dir::ensure_space;
use crate::db::is_environment_error;

/// Creates a directory in the first of these places that is writable and has `bytes` of free space.
/// `TMPDIR` comes first if it is set.
///
/// # Errors
/// If no place fits: the error of the first one.
pub fn make(prefix: &str, places: &[&Path], bytes: u64) -> anyhow::Result<TempDir> {
    let tmpdir = env::var_os("TMPDIR").filter(|tmpdir| !tmpdir.is_empty()).map(PathBuf::from);
    let mut first_error = None;
    for place in tmpdir.as_deref().into_iter().chain(places.iter().copied()) {
        match make_in(prefix, place, bytes) {
            Ok(made) => return Ok(made),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| anyhow!("there is no place for temporary files")))
        .with_context(|| format!("set TMPDIR to a folder with {} MiB of free space", bytes >> 20))
}

/// The same in a single place.
///
/// # Errors
/// If it is not writable or has less free space.
pub fn make_in(prefix: &str, place: &Path, bytes: u64) -> anyhow::Result<TempDir> {
    ensure_space(place, bytes)?;
    let made = Builder::new().prefix(prefix).tempdir_in(place);
    made.with_context(|| format!("cannot write into {}", place.display()))
}

/// The folder of a file.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Adds what an error means for the data, unless the cause is the environment and not the data.
pub fn explain_error(
    error: impl Into<anyhow::Error>,
    data: impl FnOnce() -> String,
) -> anyhow::Error {
    let error = error.into();
    if is_environment_failure(&error) { error } else { error.context(data()) }
}

/// Whether the environment caused the error: no disk space, missing permissions or a failing disk.
pub fn is_environment_failure(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_files = cause.downcast_ref::<Error>().is_some_and(|error| {
            error.raw_os_error().is_some() || error.kind() == ErrorKind::StorageFull
        });
        let of_database = cause.downcast_ref::<sqlx::Error>().is_some_and(is_environment_error);
        of_files || of_database
    })
}
