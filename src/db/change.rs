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
