//! One statement, on either engine: `execute!`, `fetch_one!`, `fetch_optional!`, `fetch_all!`, and
//! `fetch_scalar!`, `fetch_optional_scalar!`, `fetch_scalars!` for a single column. The first argument is a [`Transaction`] or a
//! [`Db`], then come the SQL text and the values of `$1`, `$2`, … in order:
//!
//! ```ignore
//! execute!(transaction, "delete from sessions where expires_at <= $1", now)?;
//! let user: Option<UserRow> = fetch_optional!(db, "select … where id = $1", id)?;
//! ```
//!
//! On a [`Db`] they read. Writes need a transaction: `SQLite`'s other connections are read-only.

use std::ops::{Deref, DerefMut};

use std::time::Duration;

use sqlx::{PgConnection, SqliteConnection};

use super::postgres::{ANSWER_TIMEOUT, PostgresConnection};
use super::sqlite::pool::PooledConnection;
use super::{Db, Transaction};

/// A connection for one statement.
pub(crate) enum Connection<'a> {
    Sqlite(Leased<'a, PooledConnection, SqliteConnection>),
    Postgres(Answering<'a>),
}

/// A connection to a `PostgreSQL` server, which answers within a time.
pub(crate) struct Answering<'a> {
    pub connection: Leased<'a, PostgresConnection, PgConnection>,
    /// How long to wait for the answer.
    pub limit: Option<Duration>,
}

impl Answering<'_> {
    /// Returns the result of the statement.
    pub fn settle<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if let Leased::Pooled(connection) = &mut self.connection {
            connection.settle(&result);
        }
        result
    }
}

/// A connection from a pool, or the one of a transaction.
pub(crate) enum Leased<'a, P, C> {
    Pooled(P),
    Borrowed(&'a mut C),
}

impl<P: Deref<Target = C>, C> Deref for Leased<'_, P, C> {
    type Target = C;

    fn deref(&self) -> &C {
        match self {
            Self::Pooled(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

impl<P: DerefMut<Target = C>, C> DerefMut for Leased<'_, P, C> {
    fn deref_mut(&mut self) -> &mut C {
        match self {
            Self::Pooled(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

impl Db {
    /// Waits for a connection that reads.
    pub(crate) async fn connection(&self) -> Result<Connection<'static>, sqlx::Error> {
        Ok(match self {
            Self::Sqlite { read, .. } => Connection::Sqlite(Leased::Pooled(read.acquire().await?)),
            Self::Postgres(pool) => {
                let connection = Leased::Pooled(pool.acquire().await?);
                Connection::Postgres(Answering { connection, limit: Some(ANSWER_TIMEOUT) })
            }
        })
    }
}

impl Transaction {
    /// Returns the transaction's connection. Async and fallible only so that the macros treat it like a [`Db`].
    #[expect(clippy::unused_async, reason = "has the signature of Db::connection")]
    pub(crate) async fn connection(&mut self) -> Result<Connection<'_>, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(transaction) => Connection::Sqlite(Leased::Borrowed(transaction)),
            Self::Postgres(transaction) => {
                let limit = transaction.limit;
                let connection = Leased::Borrowed(&mut **transaction);
                Connection::Postgres(Answering { connection, limit })
            }
        })
    }
}

/// Expands one sqlx query for each engine. Returns `Result<_, sqlx::Error>`.
macro_rules! run_query {
    ($query:ident, $fetch:ident, $on:expr, $sql:expr $(, $value:expr)*) => {
        async {
            match $on.connection().await? {
                $crate::db::query::Connection::Sqlite(mut connection) => {
                    sqlx::$query($sql)$(.bind($value))*.$fetch(&mut *connection).await
                }
                $crate::db::query::Connection::Postgres(mut on) => {
                    let result = $crate::db::postgres::answer(
                        on.limit,
                        sqlx::$query($sql)$(.bind($value))*.$fetch(&mut *on.connection),
                    )
                    .await;
                    on.settle(result)
                }
            }
        }
        .await
    };
}

/// Runs a statement and returns the number of rows it changed.
macro_rules! execute {
    ($on:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        async {
            match $on.connection().await? {
                $crate::db::query::Connection::Sqlite(mut connection) => sqlx::query($sql)
                    $(.bind($value))*.execute(&mut *connection).await.map(|r| r.rows_affected()),
                $crate::db::query::Connection::Postgres(mut on) => {
                    let result = $crate::db::postgres::answer(
                        on.limit,
                        sqlx::query($sql)$(.bind($value))*.execute(&mut *on.connection),
                    )
                    .await;
                    on.settle(result).map(|done| done.rows_affected())
                }
            }
        }
        .await
    };
}

/// Returns the only row.
macro_rules! fetch_one {
    ($on:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::query::run_query!(query_as, fetch_one, $on, $sql $(, $value)*)
    };
}

/// Returns the row, if there is one.
macro_rules! fetch_optional {
    ($on:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::query::run_query!(query_as, fetch_optional, $on, $sql $(, $value)*)
    };
}

/// Returns all rows.
macro_rules! fetch_all {
    ($on:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::query::run_query!(query_as, fetch_all, $on, $sql $(, $value)*)
    };
}

/// Returns the first column of the only row.
macro_rules! fetch_scalar {
    ($on:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::query::run_query!(query_scalar, fetch_one, $on, $sql $(, $value)*)
    };
}

/// Returns the first column of the row, if there is one.
macro_rules! fetch_optional_scalar {
    ($on:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::query::run_query!(query_scalar, fetch_optional, $on, $sql $(, $value)*)
    };
}

/// Returns the first column of all rows.
macro_rules! fetch_scalars {
    ($on:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::query::run_query!(query_scalar, fetch_all, $on, $sql $(, $value)*)
    };
}

pub(crate) use {
    execute, fetch_all, fetch_one, fetch_optional, fetch_optional_scalar, fetch_scalar,
    fetch_scalars, run_query,
};
