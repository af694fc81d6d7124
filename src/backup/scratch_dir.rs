//! Where unfinished files are written. Not in `/tmp`: where only the data directory can be written there is
//! none, and elsewhere it may be memory.

use std::env;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use tempfile::{Builder, TempDir};

use crate::data_dir::ensure_space;
use crate::db::is_environment_error;

/// Makes a directory in the first of these places that can be written and has so much room. `TMPDIR` comes
/// before them, if it is set.
///
/// # Errors
/// When there is no such place: what was wrong with the first.
pub fn make(prefix: &str, places: &[&Path], bytes: u64) -> anyhow::Result<TempDir> {
    let named = env::var_os("TMPDIR").filter(|named| !named.is_empty()).map(PathBuf::from);
    let mut wrong = None;
    for place in named.as_deref().into_iter().chain(places.iter().copied()) {
        match make_in(prefix, place, bytes) {
            Ok(made) => return Ok(made),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    Err(wrong.unwrap_or_else(|| anyhow!("there is no place for unfinished files")))
        .with_context(|| format!("set TMPDIR to a folder with {} MiB of room", bytes >> 20))
}

/// The same in one place.
///
/// # Errors
/// When it cannot be written, or has less room.
pub fn make_in(prefix: &str, place: &Path, bytes: u64) -> anyhow::Result<TempDir> {
    ensure_space(place, bytes)?;
    let made = Builder::new().prefix(prefix).tempdir_in(place);
    made.with_context(|| format!("cannot write into {}", place.display()))
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Says of an error what it means for the data, unless the data are not to blame.
pub fn explain_error(
    error: impl Into<anyhow::Error>,
    data: impl FnOnce() -> String,
) -> anyhow::Error {
    let error = error.into();
    if is_around(&error) { error } else { error.context(data()) }
}

/// Whether something failed that says nothing about the data: no room, no right, a disk that fails.
pub fn is_around(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_files = cause.downcast_ref::<Error>().is_some_and(|error| {
            error.raw_os_error().is_some() || error.kind() == ErrorKind::StorageFull
        });
        let of_database = cause.downcast_ref::<sqlx::Error>().is_some_and(is_environment_error);
        of_files || of_database
    })
}
