//! Batches of statements. Most of the cost of a small `SQLite` statement is the way to its thread and back,
//! so a batch is sent to it as one text. `PostgreSQL` receives the statements one after the other. Each
//! statement is written once, inside `push_statement!`.
//!
//! Several statements in one text are a feature of sqlx's `SQLite` driver. Its documentation advises against
//! it because other databases do not support it. Only this file relies on it.

use std::vec;

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Either, Executor as _, FromRow, Postgres, QueryBuilder, Sqlite};

use super::postgres::answer;
use super::{Db, Transaction};

/// Statements that run in this order.
pub(crate) enum StatementBatch {
    Sqlite(StatementTexts<Sqlite>),
    Postgres(StatementTexts<Postgres>),
}

/// The statements for one engine.
pub(crate) struct StatementTexts<E: sqlx::Database> {
    texts: Vec<QueryBuilder<E>>,
    /// Whether all statements are joined into one text.
    joined: bool,
}

impl StatementBatch {
    /// Starts a batch that begins a transaction ([`Db::begin_with`]).
    pub fn first(db: &Db) -> Self {
        match db {
            Db::Sqlite { .. } => Self::Sqlite(StatementTexts {
                texts: vec![QueryBuilder::new("begin immediate")],
                joined: true,
            }),
            Db::Postgres(_) => Self::Postgres(StatementTexts { texts: Vec::new(), joined: false }),
        }
    }

    /// Starts a batch inside a transaction.
    pub fn of(transaction: &Transaction) -> Self {
        match transaction {
            Transaction::Sqlite(_) => {
                Self::Sqlite(StatementTexts { texts: Vec::new(), joined: true })
            }
            Transaction::Postgres(_) => {
                Self::Postgres(StatementTexts { texts: Vec::new(), joined: false })
            }
        }
    }

    /// Sends each statement separately. For long statements: their joined texts would have too many variants
    /// for the cache of prepared statements.
    pub fn separate(mut self) -> Self {
        if let Self::Sqlite(all) = &mut self {
            all.joined = false;
        }
        self
    }

    /// Whether nothing else is written until the transaction ends. `PostgreSQL` has many writers.
    pub fn has_one_writer(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    pub(super) fn end_with_commit(&mut self) {
        // A PostgreSQL transaction commits itself.
        if let Self::Sqlite(all) = self {
            all.next().push("commit");
        }
    }

    /// Runs all statements and discards their rows.
    pub async fn run(self, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
        match (self, transaction) {
            (Self::Sqlite(all), Transaction::Sqlite(transaction)) => {
                for mut text in all.texts {
                    text.build().execute(&mut **transaction).await?;
                }
            }
            (Self::Postgres(all), Transaction::Postgres(transaction)) => {
                let limit = transaction.limit;
                for mut text in all.texts {
                    answer(limit, text.build().execute(&mut **transaction)).await?;
                }
            }
            _ => return Err(wrong_engine()),
        }
        Ok(())
    }

    /// Runs all statements and returns their rows.
    pub(super) async fn fetch(
        self,
        transaction: &mut Transaction,
    ) -> Result<BatchResults, sqlx::Error> {
        match (self, transaction) {
            (Self::Sqlite(all), Transaction::Sqlite(transaction)) => {
                let mut results = vec![Vec::new()];
                for mut text in all.texts {
                    let mut rows = transaction.fetch_many(text.build());
                    // The driver marks the end of each statement with `Either::Left`.
                    while let Some(row) = rows.try_next().await? {
                        match (row, results.last_mut()) {
                            (Either::Right(row), Some(result)) => result.push(row),
                            _ => results.push(Vec::new()),
                        }
                    }
                }
                let mut results = results.into_iter();
                // The empty result of `begin`.
                results.next();
                Ok(BatchResults::Sqlite(results))
            }
            (Self::Postgres(all), Transaction::Postgres(transaction)) => {
                let (limit, mut results) = (transaction.limit, Vec::new());
                for mut text in all.texts {
                    results.push(answer(limit, text.build().fetch_all(&mut **transaction)).await?);
                }
                Ok(BatchResults::Postgres(results.into_iter()))
            }
            _ => Err(wrong_engine()),
        }
    }
}

fn wrong_engine() -> sqlx::Error {
    sqlx::Error::Protocol("BUG: statements for another engine".to_owned())
}

impl<E: sqlx::Database> StatementTexts<E> {
    /// Returns the builder for the next statement.
    pub fn next(&mut self) -> &mut QueryBuilder<E> {
        if self.joined && !self.texts.is_empty() {
            let last = self.texts.len().saturating_sub(1);
            return self.texts[last].push("; ");
        }
        self.texts.push_mut(QueryBuilder::default())
    }
}

/// The rows of each statement, in order.
pub(crate) enum BatchResults {
    Sqlite(vec::IntoIter<Vec<SqliteRow>>),
    Postgres(vec::IntoIter<Vec<PgRow>>),
}

impl BatchResults {
    /// The same as [`StatementBatch::has_one_writer`] of the batch.
    pub fn has_one_writer(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Returns the rows of the next statement.
    pub fn rows<T>(&mut self) -> Result<Vec<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        match self {
            Self::Sqlite(all) => all.next().unwrap_or_default().iter().map(T::from_row).collect(),
            Self::Postgres(all) => all.next().unwrap_or_default().iter().map(T::from_row).collect(),
        }
    }
}

/// Expands a statement for each engine, with `$query` bound to the builder of the next statement.
macro_rules! push_statement {
    ($statements:expr, |$query:ident| $body:expr) => {
        match $statements {
            $crate::db::StatementBatch::Sqlite(all) => {
                let $query = all.next();
                $body;
            }
            $crate::db::StatementBatch::Postgres(all) => {
                let $query = all.next();
                $body;
            }
        }
    };
}

pub(crate) use push_statement;
