//! A transaction on either engine: begun, spoken to, put on disk or taken back.

use std::ops::{Deref, DerefMut};

use sqlx::{Postgres, SqliteConnection, Transaction};

use super::connections::Held;
use super::statements::{Answers, Statements};
use super::{Db, trouble};
use crate::lifecycle;

/// A transaction. Dropped without a commit it is rolled back.
pub enum Change {
    Sqlite(Begun),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Begins a change. `SQLite`'s takes the write lock at once, so that it cannot fail half way
    /// because somebody else wrote. `PostgreSQL`'s is READ COMMITTED: others write beside it, each
    /// statement sees what was committed before it began, and what must not change in between is
    /// locked by updating its row. Locks are taken in this order: the counter, then rooms, then
    /// memberships.
    pub(crate) async fn change(&self) -> Result<Change, sqlx::Error> {
        match self {
            Self::Sqlite { write, .. } => {
                Begun::with("begin immediate", write.one().await?).await.map(Change::Sqlite)
            }
            Self::Postgres(pool) => pool.begin().await.map(Change::Postgres),
        }
    }

    /// Begins a change with statements that are [`Statements::first`], and answers them.
    pub(crate) async fn change_with(
        &self,
        statements: Statements,
    ) -> Result<(Change, Answers), sqlx::Error> {
        let mut change = match self {
            Self::Sqlite { write, .. } => Change::Sqlite(Begun(Some(write.one().await?))),
            Self::Postgres(pool) => Change::Postgres(pool.begin().await?),
        };
        let answers = statements.ask(&mut change).await?;
        Ok((change, answers))
    }

    /// Begins a reading of one moment, whatever others write meanwhile. It is never committed.
    pub(crate) async fn snapshot(&self) -> Result<Change, sqlx::Error> {
        match self {
            Self::Sqlite { read, .. } => {
                Begun::with("begin", read.another().await?).await.map(Change::Sqlite)
            }
            Self::Postgres(pool) => {
                let begin = "begin isolation level repeatable read, read only";
                let mut transaction = pool.begin_with(begin).await?;
                // It reads everything, and that may take its time.
                sqlx::query("set local statement_timeout = 0").execute(&mut *transaction).await?;
                Ok(Change::Postgres(transaction))
            }
        }
    }
}

impl Change {
    /// Puts it on disk. A disk that fails at this ends the process, instead of going on with what may
    /// not be there: the next start reads what is.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let last = Statements::of(&self);
        self.commit_with(last).await
    }

    /// Does what is left to do, and puts it all on disk.
    pub(crate) async fn commit_with(mut self, mut last: Statements) -> Result<(), sqlx::Error> {
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
            && trouble::is_of_the_disk(error)
        {
            tracing::error!(%error, "the disk failed, and nobody knows what is on it: ending");
            lifecycle::end_at_once();
        }
        done
    }
}

/// A transaction on a connection to an `SQLite` file.
///
/// What is not committed is rolled back by closing the connection, of whatever kind the trouble was;
/// the next change opens another. That needs no waiting, so that it can be dropped anywhere.
pub struct Begun(Option<Held>);

const BEGUN: &str = "BUG: a transaction has a connection until it ends";

impl Begun {
    async fn with(statement: &'static str, held: Held) -> Result<Self, sqlx::Error> {
        let mut begun = Self(Some(held));
        sqlx::query(statement).execute(&mut *begun).await?;
        Ok(begun)
    }

    /// It is on disk: the connection goes back.
    fn end(&mut self) {
        drop(self.0.take());
    }
}

impl Deref for Begun {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.0.as_ref().expect(BEGUN)
    }
}

impl DerefMut for Begun {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.0.as_mut().expect(BEGUN)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(held) = &mut self.0 {
            held.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{adding, writing};
    use super::*;

    async fn add(change: &mut Change, name: &str) {
        writing!(*change, |connection| {
            let insert = sqlx::query("insert into meta (name, value) values ($1, '')").bind(name);
            insert.execute(connection).await.expect("it is added").rows_affected()
        });
    }

    async fn names(db: &Db) -> Vec<String> {
        let mut first = Statements::first(db);
        adding!(&mut first, |query| query.push("select name from meta order by name"));
        let (_change, mut answers) = db.change_with(first).await.expect("a change");
        let names: Vec<(String,)> = answers.rows().expect("names");
        names.into_iter().map(|(name,)| name).collect()
    }

    #[tokio::test]
    async fn what_is_not_committed_is_gone_and_others_go_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let before = names(&db).await;
        let mut change = db.change().await.expect("a change");
        add(&mut change, "dropped").await;
        drop(change);
        assert_eq!(names(&db).await, before);
        let mut change = db.change().await.expect("another");
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
            let change = db.change().await.expect("a change");
            let mut last = Statements::of(&change);
            for name in ["one", second] {
                adding!(&mut last, |query| {
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
