//! What a failed write means for the one who wanted it, and for this process.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

use super::postgres::OpenError;
use super::{is_connection_error, is_serialization_failure};
use crate::kernel::ServiceError;

/// When to try again what could not be stored.
const RETRY_LATER: Duration = Duration::from_secs(5);
const RETRY_SOON: Duration = Duration::from_secs(1);

// The codes of SQLite: the last byte says what kind, all of it says which (https://sqlite.org/rescode.html).
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NO_MEMORY: i32 = 7;
/// Two began to use the log at once.
const PROTOCOL: i32 = 15;
const NO_DATABASE: i32 = 26;
/// What a quota and the limit of a file's size look like: nothing was written, as with [`FULL`].
const IO_WRITE: i32 = 778;
/// Of a file that is shorter than it says.
const IO_SHORT_READ: i32 = 522;
/// No room for the index of the log.
const IO_SHARED_MEMORY: i32 = 4874;

/// A fault that concerns every write alike and passes: there is no room, or no right to write, or
/// somebody else writes for too long. Nothing of the transaction remains.
pub(crate) fn as_transient(error: &sqlx::Error) -> Option<ServiceError> {
    if let Some(code) = sqlite_code(error) {
        return match (code, code & 0xff) {
            (IO_WRITE | IO_SHARED_MEMORY, _) | (_, FULL | READ_ONLY | CANNOT_OPEN) => {
                Some(ServiceError::StorageFull { retry_after: RETRY_LATER })
            }
            (_, BUSY | LOCKED | NO_MEMORY | PROTOCOL) => {
                Some(ServiceError::Unavailable { retry_after: RETRY_SOON })
            }
            _ => None,
        };
    }
    // The codes of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    match error.as_database_error()?.code()?.as_ref() {
        // No room on its disk, a server that only reads.
        "53100" | "25006" => Some(ServiceError::StorageFull { retry_after: RETRY_LATER }),
        // A lock or a statement took too long, an object is in use, memory or another of its limits is used
        // up, or the transaction waited for too long.
        "55P03" | "57014" | "55006" | "53000" | "53200" | "53400" | "25P03" | "25P04" => {
            Some(ServiceError::Unavailable { retry_after: RETRY_SOON })
        }
        _ => None,
    }
}

/// Says what to do about a database file that cannot be written.
pub(super) fn explain(error: anyhow::Error) -> anyhow::Error {
    let is_not_stored =
        |error: &sqlx::Error| matches!(as_transient(error), Some(ServiceError::StorageFull { .. }));
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_not_stored) {
        error.context("the disk is full or cannot be written to: make room or give the right, then start again")
    } else {
        error
    }
}

/// Whether a start that failed so may succeed in a moment: the database is not there yet, is starting, has
/// too many connections, or somebody else works on it. A name that is wrong is more likely than one that is
/// just being made.
pub(super) fn is_transient(error: &anyhow::Error) -> bool {
    let is_passing = |error: &sqlx::Error| {
        let code = error.as_database_error().and_then(DatabaseError::code);
        let is_busy = matches!(as_transient(error), Some(ServiceError::Unavailable { .. }));
        code.as_deref() != Some("3D000")
            && (is_busy || is_connection_error(error) || is_serialization_failure(error))
    };
    error.chain().any(|cause| {
        let opening = cause.downcast_ref::<OpenError>().map(|cannot| &cannot.error);
        opening.or_else(|| cause.downcast_ref()).is_some_and(is_passing)
    })
}

/// Whether the disk failed in a way after which nobody knows what is on it. A sync that failed must
/// not be tried again: the system may have dropped the pages and say that all is well.
pub(crate) fn is_io_error(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| code & 0xff == IO) && as_transient(error).is_none()
}

/// Whether the failure is one of what is around a database and says nothing about what is in it: no room, no
/// right, a lock, a disk that fails. A page that ends too soon is the file's own fault.
pub(crate) fn is_environment_error(error: &sqlx::Error) -> bool {
    let code = sqlite_code(error);
    let is_io = code.is_some_and(|code| code & 0xff == IO && code != IO_SHORT_READ);
    as_transient(error).is_some() || is_io
}

/// Whether a file is no database, or not a whole one.
pub(super) fn is_corruption(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| matches!(code & 0xff, CORRUPT | NO_DATABASE))
}

fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    DatabaseError::code(error)?.parse().ok()
}
