//! Batches of statements. Most of the cost of a small statement is the way to the database and back, so statements are
//! joined into one text. Each statement is written once, inside `push_statement!`.
//!
//! `SQLite` takes several statements in one text: sqlx's documentation advises against it because other databases do
//! not support it. `PostgreSQL` takes one statement a text: lookups become columns of one row, as JSON, and writes that
//! do not see each other's rows become parts of one `with`. Only this file relies on either.

use std::vec;

use futures_util::TryStreamExt as _;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Either, Executor as _, FromRow, Postgres, QueryBuilder, Row as _, Sqlite};

use super::postgres::answer;
use super::{Db, Transaction, parse_json_rows};

/// Statements that run in this order.
pub(crate) enum StatementBatch {
    Sqlite(StatementTexts<Sqlite>),
    Postgres(StatementTexts<Postgres>),
}

/// How statements are joined into one text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joining {
    Separate,
    /// One after the other, as `SQLite` takes them.
    Script,
    /// Queries, as columns of one row with their rows in JSON.
    Columns,
    /// Writes, as parts of one `with`. All of them see the rows as they were before.
    With,
}

impl Joining {
    /// Writes what stands before a statement, of which there are some in the text already.
    fn start<E: sqlx::Database>(self, text: &mut QueryBuilder<E>, before: usize) {
        match (self, before) {
            (Self::Separate, _) | (Self::Script, 0) => text,
            (Self::Script, _) => text.push("; "),
            (Self::Columns, 0) => {
                text.push("select (select coalesce(json_agg(q), '[]')::text from (")
            }
            (Self::Columns, _) => {
                text.push(") q), (select coalesce(json_agg(q), '[]')::text from (")
            }
            (Self::With, 0) => text.push("with w0 as ("),
            (Self::With, _) => text.push(format_args!("), w{before} as (")),
        };
    }

    fn end<E: sqlx::Database>(self, text: &mut QueryBuilder<E>) {
        match self {
            Self::Separate | Self::Script => text,
            Self::Columns => text.push(") q)"),
            Self::With => text.push(") select 1"),
        };
    }
}

/// The statements for one engine.
pub(crate) struct StatementTexts<E: sqlx::Database> {
    texts: Vec<QueryBuilder<E>>,
    joining: Joining,
    /// The statements in the last text, which takes more of them; 0: it takes none.
    open: usize,
}

impl<E: sqlx::Database> StatementTexts<E> {
    fn new(joining: Joining) -> Self {
        Self { texts: Vec::new(), joining, open: 0 }
    }

    /// Returns the builder for the next statement.
    pub fn next(&mut self) -> &mut QueryBuilder<E> {
        if self.open == 0 || self.joining == Joining::Separate {
            self.close();
            self.texts.push(QueryBuilder::default());
        }
        let last = self.texts.len().saturating_sub(1);
        let text = &mut self.texts[last];
        self.joining.start(text, self.open);
        self.open += 1;
        text
    }

    /// Ends the last text.
    fn close(&mut self) {
        if self.open > 0
            && let Some(text) = self.texts.last_mut()
        {
            self.joining.end(text);
            self.open = 0;
        }
    }

    fn into_texts(mut self) -> Vec<QueryBuilder<E>> {
        self.close();
        self.texts
    }
}

impl StatementBatch {
    /// Starts a batch of queries that begins a transaction ([`Db::begin_with`]). On `PostgreSQL` the types of their
    /// columns must be such that JSON has them.
    pub fn first(db: &Db) -> Self {
        match db {
            Db::Sqlite { .. } => {
                let mut all = StatementTexts::new(Joining::Script);
                all.next().push("begin immediate");
                Self::Sqlite(all)
            }
            Db::Postgres(_) => Self::Postgres(StatementTexts::new(Joining::Columns)),
        }
    }

    /// Starts a batch inside a transaction.
    pub fn of(transaction: &Transaction) -> Self {
        match transaction {
            Transaction::Sqlite(_) => Self::Sqlite(StatementTexts::new(Joining::Script)),
            Transaction::Postgres(_) => Self::Postgres(StatementTexts::new(Joining::Separate)),
        }
    }

    /// Sends each statement to `SQLite` separately. For long statements: their joined texts would have too many
    /// variants for the cache of prepared statements.
    pub fn separate(mut self) -> Self {
        if let Self::Sqlite(all) = &mut self {
            all.joining = Joining::Separate;
        }
        self
    }

    /// Sends the statements to `PostgreSQL` together. For writes without results, none of which needs the rows that
    /// another one writes.
    pub fn together(mut self) -> Self {
        if let Self::Postgres(all) = &mut self {
            all.joining = Joining::With;
        }
        self
    }

    /// Lets the following statements see what others have committed until the ones before have their locks. On
    /// `SQLite` nothing else is written in between.
    pub fn then(&mut self) {
        if let Self::Postgres(all) = self {
            all.close();
        }
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
                for mut text in all.into_texts() {
                    text.build().execute(&mut **transaction).await?;
                }
            }
            (Self::Postgres(all), Transaction::Postgres(transaction)) => {
                let limit = transaction.limit;
                for mut text in all.into_texts() {
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
                for mut text in all.into_texts() {
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
                for mut text in all.into_texts() {
                    let row = answer(limit, text.build().fetch_one(&mut **transaction)).await?;
                    for column in 0..row.len() {
                        results.push(row.try_get(column)?);
                    }
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

/// The rows of each statement, in order.
pub(crate) enum BatchResults {
    Sqlite(vec::IntoIter<Vec<SqliteRow>>),
    /// As JSON.
    Postgres(vec::IntoIter<String>),
}

impl BatchResults {
    /// The same as [`StatementBatch::has_one_writer`] of the batch.
    pub fn has_one_writer(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Discards the rows of the next statement.
    pub fn skip(&mut self) {
        match self {
            Self::Sqlite(all) => drop(all.next()),
            Self::Postgres(all) => drop(all.next()),
        }
    }

    /// Returns the rows of the next statement.
    pub fn rows<T>(&mut self) -> Result<Vec<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + DeserializeOwned,
    {
        match self {
            Self::Sqlite(all) => all.next().unwrap_or_default().iter().map(T::from_row).collect(),
            Self::Postgres(all) => all.next().map_or(Ok(Vec::new()), |rows| parse_json_rows(&rows)),
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
