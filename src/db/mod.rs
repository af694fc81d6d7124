//! The database: opened, brought up to date, and spoken to in one SQL text for both engines.
//!
//! A feature's `store.rs` writes a query once, inside `reading!` or `writing!`; the macro
//! expands it for each engine, so both are checked by the compiler. The portable subset is: `$1`
//! placeholders, BIGINT for every number, times as unix milliseconds, `returning`, `on conflict`.
//! Nothing outside this folder and the `store.rs` files knows that there is a database.

pub mod directory;
pub mod file;
mod meta;
mod snapshot;
mod sqlite;

use std::path::Path;

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

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

    /// Begins a change. `SQLite`'s takes the write lock at once, so that it cannot fail half way
    /// because somebody else wrote.
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
            Self::Sqlite { read, .. } => read.begin().await.map(Change::Sqlite),
            Self::Postgres(pool) => {
                let begin = "begin isolation level repeatable read, read only";
                let mut transaction = pool.begin_with(begin).await?;
                // It reads everything, and that may take its time.
                sqlx::query("set local statement_timeout = 0").execute(&mut *transaction).await?;
                Ok(Change::Postgres(transaction))
            }
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
    /// Puts it on disk.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

/// Expands an expression for each engine, with `$pool` bound to connections that read.
macro_rules! reading {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read: $pool, .. } => $body,
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
