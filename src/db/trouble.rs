//! What a failed write means for the one who wanted it, and for this process.

use std::time::Duration;

use sqlx::sqlite::SqliteError;

use crate::kernel::Fault;

/// When to try again what could not be stored.
const LATER: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_secs(1);

// The codes of SQLite: the last byte says what kind, all of it says which (https://sqlite.org/rescode.html).
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const NO_DATABASE: i32 = 26;
/// What a quota and the limit of a file's size look like: nothing was written, as with [`FULL`].
const IO_WRITE: i32 = 778;
/// No room for the index of the log.
const IO_SHARED_MEMORY: i32 = 4874;

/// A fault that concerns every write alike and passes: there is no room, or no right to write, or
/// somebody else writes for too long. Nothing of the transaction remains.
pub(crate) fn passing(error: &sqlx::Error) -> Option<Fault> {
    if let Some(code) = sqlite_code(error) {
        return match (code, code & 0xff) {
            (IO_WRITE | IO_SHARED_MEMORY, _) | (_, FULL | READ_ONLY | CANNOT_OPEN) => {
                Some(Fault::NotStored { retry_after: LATER })
            }
            (_, BUSY | LOCKED) => Some(Fault::Busy { retry_after: SOON }),
            _ => None,
        };
    }
    // PostgreSQL's: no room on its disk, a server that only reads.
    let code = error.as_database_error()?.code()?;
    matches!(code.as_ref(), "53100" | "25006").then_some(Fault::NotStored { retry_after: LATER })
}

/// Whether the disk failed in a way after which nobody knows what is on it. A sync that failed must
/// not be tried again: the system may have dropped the pages and say that all is well.
pub(crate) fn is_of_the_disk(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| code & 0xff == IO) && passing(error).is_none()
}

/// Whether a file is no database, or not a whole one.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| matches!(code & 0xff, CORRUPT | NO_DATABASE))
}

fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let error = error.as_database_error()?.try_downcast_ref::<SqliteError>()?;
    sqlx::error::DatabaseError::code(error)?.parse().ok()
}
