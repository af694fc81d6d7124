//! Classifies database errors: which are transient, which mean a corrupted file or a failed disk.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

use super::postgres::OpenError;
use super::{is_collision, is_connection_error};
use crate::kernel::ServiceError;

/// When a client may retry a failed write.
const RETRY_LATER: Duration = Duration::from_secs(5);
const RETRY_SOON: Duration = Duration::from_secs(1);

// SQLite's result codes: the last byte is the primary code, the whole number the extended one
// (https://sqlite.org/rescode.html).
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NO_MEMORY: i32 = 7;
/// Two connections started to use the write-ahead log at the same time.
const PROTOCOL: i32 = 15;
const NO_DATABASE: i32 = 26;
/// A quota or a file size limit was reached: nothing was written, as with [`FULL`].
const IO_WRITE: i32 = 778;
/// The file is shorter than its header specifies.
const IO_SHORT_READ: i32 = 522;
/// There is no space for the shared-memory index of the write-ahead log.
const IO_SHARED_MEMORY: i32 = 4874;

/// Returns the service error for a transient database error that affects every write: no disk space, no
/// permission to write, or another connection that holds the lock for too long. The transaction is rolled
/// back.
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
    // PostgreSQL's error codes (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    match error.as_database_error()?.code()?.as_ref() {
        // Disk full, read-only transaction (a standby).
        "53100" | "25006" => Some(ServiceError::StorageFull { retry_after: RETRY_LATER }),
        // Lock not available, statement cancelled by its timeout, object in use, insufficient resources, out of
        // memory, configuration limit exceeded, idle transaction timeout, transaction timeout.
        "55P03" | "57014" | "55006" | "53000" | "53200" | "53400" | "25P03" | "25P04" => {
            Some(ServiceError::Unavailable { retry_after: RETRY_SOON })
        }
        _ => None,
    }
}

/// Adds to the error of an unwritable database file what the operator can do.
pub(super) fn explain(error: anyhow::Error) -> anyhow::Error {
    let is_storage_full =
        |error: &sqlx::Error| matches!(as_transient(error), Some(ServiceError::StorageFull { .. }));
    if error.chain().filter_map(|cause| cause.downcast_ref()).any(is_storage_full) {
        error.context(
            "the disk is full or not writable: free space or fix the permissions, then start again",
        )
    } else {
        error
    }
}

/// Whether a failed start may succeed soon: the database is not reachable yet, is starting, has too many
/// connections, or is locked. A database that does not exist (3D000) is not transient at the start: a wrong
/// name is more likely than a database that is being created.
pub(super) fn is_transient(error: &anyhow::Error) -> bool {
    let is_transient = |error: &sqlx::Error| {
        let code = error.as_database_error().and_then(DatabaseError::code);
        let is_busy = matches!(as_transient(error), Some(ServiceError::Unavailable { .. }));
        code.as_deref() != Some("3D000")
            && (is_busy || is_connection_error(error) || is_collision(error))
    };
    error.chain().any(|cause| {
        let opening = cause.downcast_ref::<OpenError>().map(|cannot| &cannot.error);
        opening.or_else(|| cause.downcast_ref()).is_some_and(is_transient)
    })
}

/// Whether the disk failed in a way that leaves its content unknown. A failed sync must not be retried: the
/// kernel may have dropped the dirty pages, so the next sync would succeed without having written them.
pub(crate) fn is_io_error(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| code & 0xff == IO) && as_transient(error).is_none()
}

/// Whether the error is caused by the environment and does not mean that the file is corrupted: no disk
/// space, no permission, a lock, a failing disk. A short read is not: then the file is truncated.
pub(crate) fn is_environment_error(error: &sqlx::Error) -> bool {
    let code = sqlite_code(error);
    let is_io = code.is_some_and(|code| code & 0xff == IO && code != IO_SHORT_READ);
    as_transient(error).is_some() || is_io
}

/// Whether a file is not a database, or is corrupted.
pub(super) fn is_corruption(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| matches!(code & 0xff, CORRUPT | NO_DATABASE))
}

fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    DatabaseError::code(error)?.parse().ok()
}
