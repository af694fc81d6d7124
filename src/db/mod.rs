//! The database: opened, brought up to date, and spoken to in one SQL text for both engines.
//!
//! A feature's `store.rs` writes a query once, inside `reading!` or `writing!`; the macro
//! expands it for each engine, so both are checked by the compiler. The portable subset is: `$1`
//! placeholders, BIGINT for every number, times as unix milliseconds, `returning`, `on conflict`.
//! Nothing outside this folder and the `store.rs` files knows that there is a database.

pub mod directory;
pub mod file;
mod meta;
mod postgres;
mod readers;
mod rows;
mod snapshot;
mod sqlite;
mod trouble;

use std::path::Path;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::config::DatabaseUrl;
use crate::kernel::Fault;
use crate::lifecycle;

pub use self::readers::Readers;
pub(crate) use self::rows::{in_order, rows, runs};
pub(crate) use self::trouble::passing;

/// An open database.
#[derive(Clone)]
pub enum Db {
    /// One connection that writes, a few that read beside it.
    Sqlite { write: SqlitePool, read: Readers },
    /// A few connections that do both.
    Postgres(PgPool),
}

impl Db {
    /// Opens the database that the settings name, and migrates it.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, or a server that Patio cannot use.
    pub async fn open(url: Option<&DatabaseUrl>, data_dir: &Path) -> anyhow::Result<Self> {
        match url {
            Some(DatabaseUrl::Sqlite(path)) => sqlite::open(path).await,
            Some(DatabaseUrl::Postgres(url)) => postgres::open(url).await,
            None => sqlite::open(&data_dir.join("patio.db")).await,
        }
    }

    /// Begins a change. `SQLite`'s takes the write lock at once, so that it cannot fail half way
    /// because somebody else wrote. `PostgreSQL`'s is READ COMMITTED: others write beside it, each
    /// statement sees what was committed before it began, and what must not change in between is
    /// locked by updating its row. Locks are taken in this order: the counter, then rooms, then
    /// memberships.
    pub(crate) async fn change(&self) -> Result<Change, sqlx::Error> {
        match self {
            Self::Sqlite { write, .. } => {
                write.begin_with("begin immediate").await.map(Change::Sqlite)
            }
            Self::Postgres(pool) => pool.begin().await.map(Change::Postgres),
        }
    }

    /// Begins a reading of one moment, whatever others write meanwhile. It is never committed.
    pub(crate) async fn snapshot(&self) -> Result<Change, sqlx::Error> {
        match self {
            Self::Sqlite { read, .. } => read.snapshot().await.map(Change::Sqlite),
            Self::Postgres(pool) => {
                let begin = "begin isolation level repeatable read, read only";
                let mut transaction = pool.begin_with(begin).await?;
                // It reads everything, and that may take its time.
                sqlx::query("set local statement_timeout = 0").execute(&mut *transaction).await?;
                Ok(Change::Postgres(transaction))
            }
        }
    }

    /// Closes connections that nobody needs just now, with the memory that they have gathered.
    pub async fn rest(&self) {
        if let Self::Sqlite { read, .. } = self {
            read.rest().await;
        }
    }

    /// Ends all connections; `SQLite` folds its log into the database file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropped without a `commit` it is rolled back.
pub enum Change {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Change {
    /// Puts it on disk. A disk that fails at this ends the process, instead of going on with what may
    /// not be there: the next start reads what is.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let done = match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        };
        if let Err(error) = &done
            && trouble::is_of_the_disk(error)
        {
            tracing::error!(%error, "the disk failed, and nobody knows what is on it: ending");
            lifecycle::end_at_once();
        }
        done
    }
}

/// How long to leave a database alone that does not answer.
const AWAY: Duration = Duration::from_secs(2);

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        if let Some(fault) = passing(&error) {
            tracing::warn!(%error, "could not be stored");
            return fault;
        }
        if is_away(&error) {
            tracing::error!(%error, "the database does not answer");
            Self::Busy { retry_after: AWAY }
        } else {
            Self::internal(error)
        }
    }
}

/// Whether the connection was lost, or none was to be had. What became of a transaction that ended
/// so is not known.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    use sqlx::Error;
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => true,
        // Lost, shut down, too many connections, closed to them.
        Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "57P", "53300", "55000"].iter().any(|c| code.starts_with(c))
        }),
        _ => false,
    }
}

/// Whether two transactions stood in each other's way and this one was ended for it: a deadlock or a
/// failed serialization. Nothing of it remains, and it is worth another try.
pub(crate) fn is_collision(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Whether a row was refused because there is one like it.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_unique_violation)
}

/// Expands an expression for each engine, with `$pool` bound to what reads: it can be asked
/// once.
macro_rules! reading {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read, .. } => {
                let mut connection = read.one().await?;
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
            $crate::db::Change::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
            $crate::db::Change::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
        }
    };
}

pub(crate) use {reading, writing};
