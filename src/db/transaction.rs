//! A transaction on either engine: begun, spoken to, put on disk or taken back.

use std::ops::{Deref, DerefMut};

use sqlx::{Postgres, SqliteConnection};

use super::batch::{BatchResults, StatementBatch};
use super::{Db, error_class};
use crate::db::sqlite::pool::PooledConnection;
use crate::lifecycle;

/// A transaction. Dropped without a commit it is rolled back.
pub enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Db {
    /// Begins a change. `SQLite`'s takes the write lock at once, so that it cannot fail half way
    /// because somebody else wrote. `PostgreSQL`'s is READ COMMITTED: others write beside it, each
    /// statement sees what was committed before it began, and what must not change in between is
    /// locked by updating its row. Locks are taken in this order: the counter, then rooms, then
    /// memberships.
    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        match self {
            Self::Sqlite { write, .. } => {
                SqliteTransaction::with("begin immediate", write.acquire().await?)
                    .await
                    .map(Transaction::Sqlite)
            }
            Self::Postgres(pool) => pool.begin().await.map(Transaction::Postgres),
        }
    }

    /// Begins a change with statements that are [`Statements::first`], and answers them.
    pub(crate) async fn begin_with(
        &self,
        statements: StatementBatch,
    ) -> Result<(Transaction, BatchResults), sqlx::Error> {
        let mut change = match self {
            Self::Sqlite { write, .. } => {
                Transaction::Sqlite(SqliteTransaction(Some(write.acquire().await?)))
            }
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        };
        let answers = statements.fetch(&mut change).await?;
        Ok((change, answers))
    }

    /// Begins a reading of one moment, whatever others write meanwhile. It is never committed.
    pub(crate) async fn begin_read_snapshot(&self) -> Result<Transaction, sqlx::Error> {
        match self {
            Self::Sqlite { read, .. } => {
                SqliteTransaction::with("begin", read.connect_dedicated().await?)
                    .await
                    .map(Transaction::Sqlite)
            }
            Self::Postgres(pool) => {
                let begin = "begin isolation level repeatable read, read only";
                let mut transaction = pool.begin_with(begin).await?;
                // It reads everything, and that may take its time.
                sqlx::query("set local statement_timeout = 0").execute(&mut *transaction).await?;
                Ok(Transaction::Postgres(transaction))
            }
        }
    }
}

impl Transaction {
    /// Puts it on disk. A disk that fails at this ends the process, instead of going on with what may
    /// not be there: the next start reads what is.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let last = StatementBatch::of(&self);
        self.commit_with(last).await
    }

    /// Does what is left to do, and puts it all on disk.
    pub(crate) async fn commit_with(mut self, mut last: StatementBatch) -> Result<(), sqlx::Error> {
        last.end_with_commit();
        let done = last.run(&mut self).await;
        let done = match (done, self) {
            (Ok(()), Self::Sqlite(mut begun)) => {
                begun.end();
                Ok(())
            }
            (Ok(()), Self::Postgres(transaction)) => transaction.commit().await,
            (failed, _) => failed,
        };
        if let Err(error) = &done
            && error_class::is_io_error(error)
        {
            tracing::error!(%error, "the disk failed, and nobody knows what is on it: ending");
            lifecycle::abort();
        }
        done
    }
}

/// A transaction on a connection to an `SQLite` file.
///
/// What is not committed is rolled back by closing the connection, of whatever kind the trouble was;
/// the next change opens another. That needs no waiting, so that it can be dropped anywhere.
pub struct SqliteTransaction(Option<PooledConnection>);

const ALREADY_ENDED: &str = "BUG: a transaction has a connection until it ends";

impl SqliteTransaction {
    async fn with(statement: &'static str, held: PooledConnection) -> Result<Self, sqlx::Error> {
        let mut begun = Self(Some(held));
        sqlx::query(statement).execute(&mut *begun).await?;
        Ok(begun)
    }

    /// It is on disk: the connection goes back.
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
        if let Some(held) = &mut self.0 {
            held.discard();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{push_statement, writing};
    use super::*;

    async fn add(change: &mut Transaction, name: &str) {
        writing!(*change, |connection| {
            let insert = sqlx::query("insert into meta (name, value) values ($1, '')").bind(name);
            insert.execute(connection).await.expect("it is added").rows_affected()
        });
    }

    async fn names(db: &Db) -> Vec<String> {
        let mut first = StatementBatch::first(db);
        push_statement!(&mut first, |query| query.push("select name from meta order by name"));
        let (_change, mut answers) = db.begin_with(first).await.expect("a change");
        let names: Vec<(String,)> = answers.rows().expect("names");
        names.into_iter().map(|(name,)| name).collect()
    }

    #[tokio::test]
    async fn what_is_not_committed_is_gone_and_others_go_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let before = names(&db).await;
        let mut change = db.begin().await.expect("a change");
        add(&mut change, "dropped").await;
        drop(change);
        assert_eq!(names(&db).await, before);
        let mut change = db.begin().await.expect("another");
        add(&mut change, "kept").await;
        change.commit().await.expect("a commit");
        assert_eq!(names(&db).await, [before, vec!["kept".to_owned()]].concat());
    }

    #[tokio::test]
    async fn of_statements_that_go_together_none_remains_where_one_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let before = names(&db).await;
        for (second, fits) in [("one", false), ("two", true)] {
            let change = db.begin().await.expect("a change");
            let mut last = StatementBatch::of(&change);
            for name in ["one", second] {
                push_statement!(&mut last, |query| {
                    query
                        .push("insert into meta (name, value) values (")
                        .push_bind(name)
                        .push(", '')")
                });
            }
            assert_eq!(change.commit_with(last).await.is_ok(), fits);
            let added: &[&str] = if fits { &["one", "two"] } else { &[] };
            assert_eq!(
                names(&db).await,
                [before.clone(), added.iter().map(ToString::to_string).collect()].concat()
            );
        }
    }
}
