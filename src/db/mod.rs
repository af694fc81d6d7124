//! The database: opened, brought up to date, and spoken to in one SQL text for both engines.
//!
//! A feature's `store.rs` writes a query once, inside `reading!` or `writing!`; the macro
//! expands it for each engine, so both are checked by the compiler. The portable subset is: `$1`
//! placeholders, BIGINT for every number, times as unix milliseconds, `returning`, `on conflict`.
//! Nothing outside this folder and the `store.rs` files knows that there is a database.

mod batch;
mod bulk;
pub mod epoch;
mod error_class;
mod installation;
mod postgres;
pub mod sqlite;
mod transaction;

use std::path::Path;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::error::DatabaseError;
use tokio::time::{Instant, sleep};

use crate::config::DatabaseUrl;
use crate::kernel::ServiceError;

pub(crate) use self::batch::{BatchResults, StatementBatch, push_statement};
pub(crate) use self::bulk::{
    fetch_all_json, json_aggregate, json_rows, parse_json_rows, positional_row, power_of_two_chunks,
};
pub use self::epoch::EpochGuard;
pub(crate) use self::error_class::{as_transient, is_environment_error};
pub use self::sqlite::checkpoint::Checkpointer;
pub use self::sqlite::pool::{Pool, PooledConnection};
pub use self::transaction::Transaction;

/// An open database.
#[derive(Clone)]
pub enum Db {
    /// One connection that writes, a few that read beside it, one that folds the log.
    Sqlite { write: Pool, read: Pool, wal: Checkpointer },
    /// A few connections that do both.
    Postgres(PgPool),
}

impl Db {
    /// Opens the database that the settings name, and migrates it.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, or a server that Patio cannot use.
    pub async fn open(url: Option<&DatabaseUrl>, data_dir: &Path) -> anyhow::Result<Self> {
        Self::open_with(url, data_dir, &EpochGuard::default()).await
    }

    /// The same for a server: what passes by itself is waited for, half a minute at most. `epoch` is told
    /// of every connection that is opened to a database that others may replace.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with_retry(
        url: Option<&DatabaseUrl>,
        data_dir: &Path,
        epoch: &EpochGuard,
    ) -> anyhow::Result<Self> {
        let until = Instant::now() + START_WITHIN;
        let mut is_said = false;
        loop {
            let error = match Self::open_with(url, data_dir, epoch).await {
                Ok(db) => return Ok(db),
                Err(error) if !error_class::is_transient(&error) || Instant::now() >= until => {
                    return Err(error);
                }
                Err(error) => error,
            };
            if !is_said {
                tracing::warn!("{error:#}: waiting for it, half a minute at most");
                is_said = true;
            }
            sleep(RETRY_EVERY).await;
        }
    }

    async fn open_with(
        url: Option<&DatabaseUrl>,
        data_dir: &Path,
        epoch: &EpochGuard,
    ) -> anyhow::Result<Self> {
        match url {
            Some(DatabaseUrl::Sqlite(path)) => {
                sqlite::open(path).await.map_err(error_class::explain)
            }
            Some(DatabaseUrl::Postgres(url)) => postgres::open(url, epoch).await,
            None => sqlite::open(&data_dir.join("patio.db")).await.map_err(error_class::explain),
        }
    }

    /// Does now and then, beside those who write, what would hold them up.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn checkpoint(&self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite { wal, .. } => wal.checkpoint().await,
            // It does that by itself.
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Closes connections that nobody needs just now, with the memory that they have gathered.
    pub async fn close_idle(&self) {
        if let Self::Sqlite { read, wal, .. } = self {
            wal.close_idle().await;
            read.close_idle().await;
        }
    }

    /// Ends all connections; `SQLite` folds its log into the database file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read, wal } => {
                wal.close().await;
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// How long a server waits at its start for a database that is not there yet, and how often it looks.
const START_WITHIN: Duration = Duration::from_secs(30);
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// How long to leave a database alone that does not answer.
const CONNECTION_ERRORS: Duration = Duration::from_secs(2);

impl From<sqlx::Error> for ServiceError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(fault) = as_transient(&error) {
            tracing::warn!(%error, "could not be stored");
            return fault;
        }
        if is_connection_error(&error) {
            tracing::error!(%error, "the database does not answer");
            Self::Unavailable { retry_after: CONNECTION_ERRORS }
        } else if is_serialization_failure(&error) {
            // However often it was tried: the next one may find the way free.
            Self::Unavailable { retry_after: CONNECTION_ERRORS }
        } else {
            Self::internal(error)
        }
    }
}

/// Whether the connection was lost, or none was to be had. What became of a transaction that ended
/// so is not known.
pub(crate) fn is_connection_error(error: &sqlx::Error) -> bool {
    use sqlx::Error;
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => true,
        // Lost, shut down, too many connections, closed to them, just being made again.
        Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "57P", "53300", "55000", "3D000"].iter().any(|c| code.starts_with(c))
        }),
        _ => false,
    }
}

/// Whether two transactions stood in each other's way and this one was ended for it: a deadlock or a
/// failed serialization. Nothing of it remains, and it is worth another try.
pub(crate) fn is_serialization_failure(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Whether a row was refused because there is one like it.
pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_unique_violation)
}

/// Expands an expression for each engine, with `$pool` bound to what reads: it can be asked
/// once.
macro_rules! reading {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read, .. } => {
                let mut connection = read.acquire().await?;
                let $pool = &mut *connection;
                $body
            }
            $crate::db::Db::Postgres($pool) => $body,
        }
    };
}

/// Expands an expression for each engine, with `$connection` bound to the one that a [`Change`]
/// writes on.
macro_rules! writing {
    ($change:expr, |$connection:ident| $body:expr) => {
        match &mut $change {
            $crate::db::Transaction::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
            $crate::db::Transaction::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
        }
    };
}

pub(crate) use {reading, writing};

#[cfg(test)]
mod tests {
    use super::*;

    async fn passes(url: &str, folder: &Path) -> bool {
        let url = url.parse::<DatabaseUrl>().expect(url);
        let opened = Db::open(Some(&url), folder).await;
        error_class::is_transient(&opened.err().expect("no database"))
    }

    #[tokio::test]
    async fn a_server_waits_for_what_may_come_yet_and_for_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("text.db");
        std::fs::write(&file, "no database, whatever happens").expect("written");
        for (url, waits) in [
            ("postgres://ana@127.0.0.1:1/patio?sslmode=disable".to_owned(), true),
            (format!("postgres:///patio?host={}&user=ana", folder.path().display()), true),
            (format!("sqlite:{}", file.display()), false),
            (format!("sqlite:{}", folder.path().display()), false),
        ] {
            assert_eq!(passes(&url, folder.path()).await, waits, "{url}");
        }
    }
}
