//! Transactions on either engine: begin, run statements, commit or roll back.

use std::ops::{Deref, DerefMut};

use sqlx::SqliteConnection;

use super::batch::{BatchResults, StatementBatch};
use super::postgres::PostgresTransaction;
use super::{Db, error_class};
use crate::db::sqlite::pool::PooledConnection;
use crate::lifecycle;

/// A transaction. Rolled back if it is dropped without a commit.
pub enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(PostgresTransaction),
}

/// How long a transaction on `PostgreSQL` waits for a row that another one has locked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockWait {
    /// For a tenth of a second, which is longer than a transaction takes that nothing holds up.
    Short,
    /// For longer than another process can keep it: [`FULL_LOCK_WAIT`].
    Full,
}

/// The `lock_timeout` of each connection.
pub(crate) const FULL_LOCK_WAIT: &str = "4s";

impl Db {
    /// Begins a write transaction. On `SQLite` it takes the write lock immediately, so that it cannot fail
    /// halfway because another transaction wrote. On `PostgreSQL` it is READ COMMITTED: other transactions
    /// write at the same time, and each statement sees what was committed before the statement started. A row
    /// that must not change in between is locked with a no-op `update`. To avoid deadlocks, take locks in
    /// this order: rooms by ascending id, then memberships.
    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        match self {
            Self::Sqlite { write, .. } => {
                SqliteTransaction::with("begin immediate", write.acquire().await?)
                    .await
                    .map(Transaction::Sqlite)
            }
            Self::Postgres(pool) => {
                PostgresTransaction::begin(pool, "begin").await.map(Transaction::Postgres)
            }
        }
    }

    /// Begins a write transaction with a batch from [`StatementBatch::first`], and returns its rows.
    ///
    /// # Errors
    /// With [`LockWait::Short`], one that [`is_locked`](super::is_locked) if another process keeps a row locked.
    pub(crate) async fn begin_with(
        &self,
        statements: StatementBatch,
        wait: LockWait,
    ) -> Result<(Transaction, BatchResults), sqlx::Error> {
        let mut transaction = match self {
            Self::Sqlite { write, .. } => {
                Transaction::Sqlite(SqliteTransaction(Some(write.acquire().await?)))
            }
            Self::Postgres(pool) => {
                let begin = match wait {
                    LockWait::Short => "begin; set local lock_timeout = '100ms'",
                    LockWait::Full => "begin",
                };
                Transaction::Postgres(PostgresTransaction::begin(pool, begin).await?)
            }
        };
        let results = statements.fetch(&mut transaction).await?;
        Ok((transaction, results))
    }

    /// Begins a write transaction that may take any time, while nothing else uses the database.
    pub(crate) async fn begin_long(&self) -> Result<Transaction, sqlx::Error> {
        let mut transaction = self.begin().await?;
        if let Transaction::Postgres(transaction) = &mut transaction {
            transaction.lift_limits().await?;
        }
        Ok(transaction)
    }

    /// Begins a read transaction on a snapshot: it does not see later writes. It is never committed.
    pub(crate) async fn begin_read_snapshot(&self) -> Result<Transaction, sqlx::Error> {
        match self {
            Self::Sqlite { read, .. } => {
                SqliteTransaction::with("begin", read.connect_dedicated().await?)
                    .await
                    .map(Transaction::Sqlite)
            }
            Self::Postgres(pool) => {
                let begin = "begin isolation level repeatable read, read only";
                let mut transaction = PostgresTransaction::begin(pool, begin).await?;
                // A snapshot is used to read everything.
                transaction.lift_limits().await?;
                Ok(Transaction::Postgres(transaction))
            }
        }
    }
}

impl Transaction {
    /// Takes note that it records a change for the other processes. [`Db::change_committed`] tells of its commit.
    pub(crate) fn records_change(&mut self) {
        if let Self::Postgres(transaction) = self {
            transaction.records_change = true;
        }
    }

    /// Commits. If the disk fails during the commit, the process exits: it is unknown what was written, and
    /// the next start reads the real state.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let last = StatementBatch::of(&self);
        self.commit_with(last).await
    }

    /// Runs the last statements, and commits.
    pub(crate) async fn commit_with(mut self, mut last: StatementBatch) -> Result<(), sqlx::Error> {
        last.end_with_commit();
        let result = last.run(&mut self).await;
        let result = match (result, self) {
            (Ok(()), Self::Sqlite(mut transaction)) => {
                transaction.end();
                Ok(())
            }
            (Ok(()), Self::Postgres(transaction)) => transaction.commit().await,
            (failed, _) => failed,
        };
        if let Err(error) = &result
            && error_class::is_io_error(error)
        {
            tracing::error!(%error, "the disk failed during a commit and its state is unknown: exiting");
            lifecycle::abort();
        }
        result
    }
}

/// A transaction on a connection to an `SQLite` file.
///
/// If it is dropped without a commit, its connection is closed, which rolls it back after any kind of error;
/// the next transaction opens another connection. Closing needs no `await`, so `drop` can do it anywhere.
pub struct SqliteTransaction(Option<PooledConnection>);

const ALREADY_ENDED: &str = "BUG: a transaction has a connection until it ends";

impl SqliteTransaction {
    async fn with(
        statement: &'static str,
        connection: PooledConnection,
    ) -> Result<Self, sqlx::Error> {
        let mut transaction = Self(Some(connection));
        sqlx::query(statement).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// Returns the connection to the pool after the commit.
    fn end(&mut self) {
        drop(self.0.take());
    }
}

impl Deref for SqliteTransaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.0.as_ref().expect(ALREADY_ENDED)
    }
}

impl DerefMut for SqliteTransaction {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.0.as_mut().expect(ALREADY_ENDED)
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.discard();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{execute, push_statement};
    use super::*;

    async fn add(transaction: &mut Transaction, name: &str) {
        execute!(transaction, "insert into settings (name, value) values ($1, '')", name)
            .expect("it is added");
    }

    async fn names(db: &Db) -> Vec<String> {
        let mut first = StatementBatch::first(db);
        push_statement!(&mut first, |query| query.push("select name from settings order by name"));
        let (_transaction, mut results) =
            db.begin_with(first, LockWait::Full).await.expect("a transaction");
        let names: Vec<(String,)> = results.rows().expect("names");
        names.into_iter().map(|(name,)| name).collect()
    }

    #[tokio::test]
    async fn a_dropped_transaction_is_rolled_back_and_later_ones_work() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let before = names(&db).await;
        let mut transaction = db.begin().await.expect("a transaction");
        add(&mut transaction, "dropped").await;
        drop(transaction);
        assert_eq!(names(&db).await, before);
        let mut transaction = db.begin().await.expect("another");
        add(&mut transaction, "kept").await;
        transaction.commit().await.expect("a commit");
        assert_eq!(names(&db).await, [before, vec!["kept".to_owned()]].concat());
    }

    #[tokio::test]
    async fn a_batch_with_a_failed_statement_is_rolled_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let before = names(&db).await;
        for (second, fits) in [("one", false), ("two", true)] {
            let transaction = db.begin().await.expect("a transaction");
            let mut last = StatementBatch::of(&transaction);
            for name in ["one", second] {
                push_statement!(&mut last, |query| {
                    query
                        .push("insert into settings (name, value) values (")
                        .push_bind(name)
                        .push(", '')")
                });
            }
            assert_eq!(transaction.commit_with(last).await.is_ok(), fits);
            let added: &[&str] = if fits { &["one", "two"] } else { &[] };
            assert_eq!(
                names(&db).await,
                [before.clone(), added.iter().map(ToString::to_string).collect()].concat()
            );
        }
    }
}
