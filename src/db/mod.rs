//! The database: opening, migrations, transactions, and one SQL text for both engines.
//!
//! A feature's `store.rs` writes a statement once, with a macro of `query` that expands it for each engine,
//! so the compiler checks both. The portable subset is: `$1` placeholders, BIGINT for every
//! number, times as Unix milliseconds, `returning`, `on conflict`. Only this folder and the `store.rs` files
//! use SQL; the rest of the code must not know the database.

mod batch;
mod bulk;
pub mod epoch;
mod error_class;
mod installation;
pub(crate) mod migrations;
pub(crate) mod postgres;
pub(crate) mod query;
pub mod sqlite;
mod transaction;
mod types;

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use sqlx::error::DatabaseError;
use tokio::time::{Instant, sleep};

use crate::config::DatabaseUrl;
use crate::kernel::ServiceError;

pub(crate) use self::batch::{BatchResults, StatementBatch, push_statement};
pub(crate) use self::bulk::{
    Column, PushGiven, fetch_all_json, fetch_json_columns, json_aggregate, json_rows,
    parse_json_rows, positional_row, power_of_two_chunks, push_insert,
};
pub use self::epoch::EpochGuard;
pub(crate) use self::error_class::{as_transient, is_environment_error};
pub(crate) use self::installation::set_setting;
pub use self::postgres::{PostgresConnection, PostgresPool, PostgresTransaction};
pub(crate) use self::query::{
    execute, fetch_all, fetch_one, fetch_optional, fetch_optional_scalar, fetch_scalar,
    fetch_scalars,
};
pub use self::sqlite::checkpoint::Checkpointer;
pub use self::sqlite::pool::{Pool, PooledConnection};
pub use self::transaction::Transaction;
pub(crate) use self::transaction::{FULL_LOCK_WAIT, LockWait};
pub(crate) use self::types::{JsonColumn, column_type, from_json_column};

/// An open database.
#[derive(Clone)]
pub enum Db {
    /// One connection that writes, a few that read, and one that checkpoints the write-ahead log.
    Sqlite { write: Pool, read: Pool, wal: Checkpointer },
    /// A pool of connections that read and write.
    Postgres(PostgresPool),
}

impl Db {
    /// Opens the configured database and migrates it.
    ///
    /// # Errors
    /// If it cannot be opened, has a newer schema than this program, or is a server that Patio cannot use.
    pub async fn open(url: Option<&DatabaseUrl>, data_dir: &Path) -> anyhow::Result<Self> {
        Self::open_with(url, data_dir, &EpochGuard::default()).await
    }

    /// The same for the start of a server: retries transient errors for up to 30 seconds. Every new
    /// connection to a `PostgreSQL` server marks `epoch` as suspect, because another database may be there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with_retry(
        url: Option<&DatabaseUrl>,
        data_dir: &Path,
        epoch: &EpochGuard,
    ) -> anyhow::Result<Self> {
        let deadline = Instant::now() + RETRY_FOR;
        let mut is_logged = false;
        loop {
            let error = match Self::open_with(url, data_dir, epoch).await {
                Ok(db) => return Ok(db),
                Err(error) if !error_class::is_transient(&error) || Instant::now() >= deadline => {
                    return Err(error);
                }
                Err(error) => error,
            };
            if !is_logged {
                tracing::warn!("{error:#}: retrying for up to 30 seconds");
                is_logged = true;
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

    /// Whether rows become visible in the order of their ids. `SQLite` has one writer at a time; `PostgreSQL`
    /// assigns an id before the commit.
    pub fn commits_in_order_of_ids(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// How many queries run at the same time; more of them wait.
    pub fn connections(&self) -> usize {
        match self {
            Self::Sqlite { .. } => sqlite::READERS,
            Self::Postgres(_) => postgres::CONNECTIONS,
        }
    }

    /// Waits for the commit of a transaction of this process that recorded a change; without end on `SQLite`, which
    /// no other machine can use.
    pub async fn change_committed(&self) {
        match self {
            Self::Sqlite { .. } => std::future::pending().await,
            Self::Postgres(pool) => pool.change_committed().notified().await,
        }
    }

    /// Checkpoints the write-ahead log of `SQLite`, beside the writer. Called periodically.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn checkpoint(&self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite { wal, .. } => wal.checkpoint().await,
            // PostgreSQL checkpoints on its own.
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Gives up work that a `PostgreSQL` server does not answer in time, and closes its connection. `SQLite` answers when
    /// the disk does.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let limit = matches!(self, Self::Postgres(_)).then_some(limit);
        postgres::answer(limit, work).await
    }

    /// Closes idle connections, which frees their caches.
    pub async fn close_idle(&self) {
        match self {
            Self::Sqlite { read, wal, .. } => {
                wal.close_idle().await;
                read.close_idle().await;
            }
            Self::Postgres(pool) => pool.close_idle(),
        }
    }

    /// Closes all connections. `SQLite` then checkpoints its log into the database file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read, wal } => {
                wal.close().await;
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close(),
        }
    }
}

/// How long a server retries at its start to open the database, and how often.
const RETRY_FOR: Duration = Duration::from_secs(30);
const RETRY_EVERY: Duration = Duration::from_millis(500);
/// When a client may retry while the database is unavailable.
const RETRY_AFTER: Duration = Duration::from_secs(2);

impl From<sqlx::Error> for ServiceError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(transient) = as_transient(&error) {
            tracing::warn!(%error, "could not write to the database");
            return transient;
        }
        if is_connection_error(&error) {
            tracing::error!(%error, "the database is unavailable");
            Self::Unavailable { retry_after: RETRY_AFTER }
        } else if is_collision(&error) {
            // Even after several attempts: a later one may not conflict.
            Self::Unavailable { retry_after: RETRY_AFTER }
        } else {
            Self::internal(error)
        }
    }
}

/// Whether the connection was lost, or none was available. It is unknown whether a transaction that ended
/// with such an error was committed.
pub(crate) fn is_connection_error(error: &sqlx::Error) -> bool {
    use sqlx::Error;
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => true,
        // 08: connection lost; 57P: shutting down or starting; 53300: too many connections; 55000: does not
        // accept connections; 3D000: the database does not exist (it may be about to be created again).
        Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "57P", "53300", "55000", "3D000"].iter().any(|c| code.starts_with(c))
        }),
        _ => false,
    }
}

/// Whether the transaction was aborted because it conflicted with another one: a deadlock, a serialization failure, a
/// lock that another one kept, or a nonce that another one has just used. It is rolled back completely, and a retry may
/// succeed.
pub(crate) fn is_collision(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    match error.code().as_deref() {
        Some("40001" | "40P01" | "55P03") => true,
        Some("23505") => error.constraint() == Some("idempotency_keys_pkey"),
        _ => false,
    }
}

/// Whether a transaction did not get a row that another one has locked.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("55P03")
}

/// Whether the database refuses to write, as a standby does.
pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.as_deref() == Some("25006")
}

/// Whether a row violated a unique constraint.
pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_unique_violation)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_transient(url: &str, folder: &Path) -> bool {
        let url = url.parse::<DatabaseUrl>().expect(url);
        let opened = Db::open(Some(&url), folder).await;
        error_class::is_transient(&opened.err().expect("no database"))
    }

    #[tokio::test]
    async fn only_transient_errors_are_retried_at_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("text.db");
        std::fs::write(&file, "no database, whatever happens").expect("written");
        for (url, waits) in [
            ("postgres://ana@127.0.0.1:1/patio?sslmode=disable".to_owned(), true),
            (format!("postgres:///patio?host={}&user=ana", folder.path().display()), true),
            (format!("sqlite:{}", file.display()), false),
            (format!("sqlite:{}", folder.path().display()), false),
        ] {
            assert_eq!(is_transient(&url, folder.path()).await, waits, "{url}");
        }
    }
}
