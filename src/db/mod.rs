//! The database: opened, brought up to date, and spoken to in one SQL text for both engines.
//!
//! A feature's `store.rs` writes a query once, inside [`read!`] or [`transact!`]; the macro
//! expands it for each engine, so both are checked by the compiler. The portable subset is: `$1`
//! placeholders, BIGINT for every number, times as unix milliseconds, `returning`, `on conflict`.
//! Nothing outside this folder and the `store.rs` files knows that there is a database.

mod meta;
mod sqlite;

use std::path::Path;

use sqlx::{PgPool, SqlitePool};

use crate::config::DatabaseUrl;
use crate::kernel::Fault;

/// An open database.
#[derive(Clone)]
pub enum Db {
    /// One connection that writes, a few that read beside it.
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
    },
    Postgres(PgPool),
}

impl Db {
    /// Opens the database that the settings name, and migrates it.
    ///
    /// # Errors
    /// When it cannot be opened, or is newer than this program.
    pub async fn open(url: Option<&DatabaseUrl>, data_dir: &Path) -> anyhow::Result<Self> {
        match url {
            Some(DatabaseUrl::Sqlite(path)) => sqlite::open(path).await,
            None => sqlite::open(&data_dir.join("patio.db")).await,
        }
    }

    /// Ends all connections; SQLite folds its log into the database file.
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

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

/// Runs an expression with `$pool` bound to connections that read.
macro_rules! read {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read, .. } => {
                let $pool = read;
                $body
            }
            $crate::db::Db::Postgres(pool) => {
                let $pool = pool;
                $body
            }
        }
    };
}

/// Runs a block with `$tx` bound to a transaction, and commits it. A `?` inside leaves the
/// surrounding function, and the transaction is rolled back. SQLite's takes the write lock at
/// once, so that it cannot fail half way because somebody else wrote.
macro_rules! transact {
    ($db:expr, |$tx:ident| $body:block) => {
        match $db {
            $crate::db::Db::Sqlite { write, .. } => {
                let mut $tx = write.begin_with("begin immediate").await?;
                let result = $body;
                $tx.commit().await?;
                result
            }
            $crate::db::Db::Postgres(pool) => {
                let mut $tx = pool.begin().await?;
                let result = $body;
                $tx.commit().await?;
                result
            }
        }
    };
}

pub(crate) use {read, transact};
