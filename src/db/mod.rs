//! The database: opened, brought up to date, and spoken to in one SQL text for both engines.
//!
//! A feature's `store.rs` writes a query once, inside `reading!` or `writing!`; the macro
//! expands it for each engine, so both are checked by the compiler. The portable subset is: `$1`
//! placeholders, BIGINT for every number, times as unix milliseconds, `returning`, `on conflict`.
//! Nothing outside this folder and the `store.rs` files knows that there is a database.

mod change;
mod connections;
pub mod directory;
pub mod file;
pub mod history;
mod meta;
pub mod owner;
mod postgres;
mod rows;
mod snapshot;
mod sqlite;
mod statements;
mod trouble;
mod wal;

use std::path::Path;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::error::DatabaseError;
use tokio::time::{Instant, sleep};

use crate::config::DatabaseUrl;
use crate::kernel::Fault;

pub use self::change::Change;
pub use self::connections::{Connections, Held};
pub use self::history::History;
pub(crate) use self::rows::{as_one_text, in_order, parse_rows, reading_many, rows, runs};
pub(crate) use self::statements::{Answers, Statements, adding};
pub(crate) use self::trouble::{is_of_the_surroundings, passing};
pub use self::wal::Wal;

/// An open database.
#[derive(Clone)]
pub enum Db {
    /// One connection that writes, a few that read beside it, one that folds the log.
    Sqlite { write: Connections, read: Connections, wal: Wal },
    /// A few connections that do both.
    Postgres(PgPool),
}

impl Db {
    /// Opens the database that the settings name, and migrates it.
    ///
    /// # Errors
    /// When it cannot be opened, is newer than this program, or a server that Patio cannot use.
    pub async fn open(url: Option<&DatabaseUrl>, data_dir: &Path) -> anyhow::Result<Self> {
        Self::open_with(url, data_dir, &History::default()).await
    }

    /// The same for a server: what passes by itself is waited for, half a minute at most. `history` is told
    /// of every connection that is opened to a database that others may replace.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_patiently(
        url: Option<&DatabaseUrl>,
        data_dir: &Path,
        history: &History,
    ) -> anyhow::Result<Self> {
        let until = Instant::now() + START_WITHIN;
        let mut is_said = false;
        loop {
            let error = match Self::open_with(url, data_dir, history).await {
                Ok(db) => return Ok(db),
                Err(error) if !trouble::passes(&error) || Instant::now() >= until => {
                    return Err(error);
                }
                Err(error) => error,
            };
            if !is_said {
                tracing::warn!("{error:#}: waiting for it, half a minute at most");
                is_said = true;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn open_with(
        url: Option<&DatabaseUrl>,
        data_dir: &Path,
        history: &History,
    ) -> anyhow::Result<Self> {
        match url {
            Some(DatabaseUrl::Sqlite(path)) => sqlite::open(path).await.map_err(trouble::explain),
            Some(DatabaseUrl::Postgres(url)) => postgres::open(url, history).await,
            None => sqlite::open(&data_dir.join("patio.db")).await.map_err(trouble::explain),
        }
    }

    /// Does now and then, beside those who write, what would hold them up.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn tidy(&self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite { wal, .. } => wal.fold().await,
            // It does that by itself.
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Closes connections that nobody needs just now, with the memory that they have gathered.
    pub async fn rest(&self) {
        if let Self::Sqlite { read, wal, .. } = self {
            wal.rest().await;
            read.rest().await;
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
const LOOK_AGAIN: Duration = Duration::from_millis(500);
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
        } else if is_collision(&error) {
            // However often it was tried: the next one may find the way free.
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
        // Lost, shut down, too many connections, closed to them, just being made again.
        Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "57P", "53300", "55000", "3D000"].iter().any(|c| code.starts_with(c))
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn passes(url: &str, folder: &Path) -> bool {
        let url = url.parse::<DatabaseUrl>().expect(url);
        let opened = Db::open(Some(&url), folder).await;
        trouble::passes(&opened.err().expect("no database"))
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
