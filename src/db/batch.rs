//! Statements that go to the database together. To `SQLite`'s thread and back is the greater part of
//! what a small statement costs, so they make the way as one text; to `PostgreSQL` they go one after the
//! other. Each is written once, inside `adding!`.
//!
//! That one text may hold several statements is a property of sqlx's driver for `SQLite` that its
//! documentation advises against, for other databases have it not. Here it stays inside this file.

use std::vec;

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Either, Executor as _, FromRow, Postgres, QueryBuilder, Sqlite};

use super::{Db, Transaction};

/// What shall be done, in this order.
pub(crate) enum StatementBatch {
    Sqlite(StatementTexts<Sqlite>),
    Postgres(StatementTexts<Postgres>),
}

/// Of one engine.
pub(crate) struct StatementTexts<E: sqlx::Database> {
    texts: Vec<QueryBuilder<E>>,
    /// They are one text.
    joined: bool,
}

impl StatementBatch {
    /// With which a change begins ([`Db::change_with`]).
    pub fn first(db: &Db) -> Self {
        match db {
            Db::Sqlite { .. } => Self::Sqlite(StatementTexts {
                texts: vec![QueryBuilder::new("begin immediate")],
                joined: true,
            }),
            Db::Postgres(_) => Self::Postgres(StatementTexts { texts: Vec::new(), joined: false }),
        }
    }

    /// To be added to a change.
    pub fn of(change: &Transaction) -> Self {
        match change {
            Transaction::Sqlite(_) => {
                Self::Sqlite(StatementTexts { texts: Vec::new(), joined: true })
            }
            Transaction::Postgres(_) => {
                Self::Postgres(StatementTexts { texts: Vec::new(), joined: false })
            }
        }
    }

    /// Each goes by itself: for long ones, whose texts together would be too many to stay prepared.
    pub fn separate(mut self) -> Self {
        if let Self::Sqlite(all) = &mut self {
            all.joined = false;
        }
        self
    }

    pub(super) fn end_with_commit(&mut self) {
        // sqlx commits PostgreSQL's itself.
        if let Self::Sqlite(all) = self {
            all.next().push("commit");
        }
    }

    /// Does them all.
    pub async fn run(self, change: &mut Transaction) -> Result<(), sqlx::Error> {
        match (self, change) {
            (Self::Sqlite(all), Transaction::Sqlite(begun)) => {
                for mut text in all.texts {
                    text.build().execute(&mut **begun).await?;
                }
            }
            (Self::Postgres(all), Transaction::Postgres(transaction)) => {
                for mut text in all.texts {
                    text.build().execute(&mut **transaction).await?;
                }
            }
            _ => return Err(foreign()),
        }
        Ok(())
    }

    /// Does them all, and brings what they answer.
    pub(super) async fn fetch(self, change: &mut Transaction) -> Result<BatchResults, sqlx::Error> {
        match (self, change) {
            (Self::Sqlite(all), Transaction::Sqlite(begun)) => {
                let mut answers = vec![Vec::new()];
                for mut text in all.texts {
                    let mut rows = begun.fetch_many(text.build());
                    while let Some(row) = rows.try_next().await? {
                        match (row, answers.last_mut()) {
                            (Either::Right(row), Some(answer)) => answer.push(row),
                            _ => answers.push(Vec::new()),
                        }
                    }
                }
                let mut answers = answers.into_iter();
                // To `begin`.
                answers.next();
                Ok(BatchResults::Sqlite(answers))
            }
            (Self::Postgres(all), Transaction::Postgres(transaction)) => {
                let mut answers = Vec::new();
                for mut text in all.texts {
                    answers.push(text.build().fetch_all(&mut **transaction).await?);
                }
                Ok(BatchResults::Postgres(answers.into_iter()))
            }
            _ => Err(foreign()),
        }
    }
}

fn foreign() -> sqlx::Error {
    sqlx::Error::Protocol("BUG: statements for another engine".to_owned())
}

impl<E: sqlx::Database> StatementTexts<E> {
    /// Where the next statement is written.
    pub fn next(&mut self) -> &mut QueryBuilder<E> {
        if self.joined && !self.texts.is_empty() {
            let last = self.texts.len().saturating_sub(1);
            return self.texts[last].push("; ");
        }
        self.texts.push_mut(QueryBuilder::default())
    }
}

/// What statements answered, in their order.
pub(crate) enum BatchResults {
    Sqlite(vec::IntoIter<Vec<SqliteRow>>),
    Postgres(vec::IntoIter<Vec<PgRow>>),
}

impl BatchResults {
    /// The rows of the next statement.
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

/// Expands a statement for each engine, with `$query` bound to the builder that it is pushed to.
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
