//! Connections that read an `SQLite` file.
//!
//! sqlx's own pool asks a connection whether it lives before and after each use. Over a network that
//! is worth it; here each question goes to another thread and back, and costs more than most queries.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, Sqlite, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A few connections, opened when they are needed.
#[derive(Clone)]
pub struct Readers(Arc<Shelf>);

struct Shelf {
    options: SqliteConnectOptions,
    /// Open and in nobody's hands. The last one used is the next: it knows most.
    waiting: Mutex<Vec<SqliteConnection>>,
    free: Semaphore,
}

impl Readers {
    /// `most` connections at a time, of which one is opened now.
    pub(super) async fn open(options: SqliteConnectOptions, most: usize) -> sqlx::Result<Self> {
        let waiting = Mutex::new(vec![options.connect().await?]);
        Ok(Self(Arc::new(Shelf { options, waiting, free: Semaphore::new(most) })))
    }

    /// A connection, when one is free.
    pub(crate) async fn one(&self) -> sqlx::Result<Reading<'_>> {
        let permit = self.0.free.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let waiting = self.0.waiting().pop();
        let connection = match waiting {
            Some(connection) => connection,
            None => self.0.options.connect().await?,
        };
        Ok(Reading { connection: Some(connection), shelf: &self.0, _permit: permit })
    }

    /// A reading of one moment, on a connection of its own.
    pub(super) async fn snapshot(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        let alone = SqlitePoolOptions::new().max_connections(1);
        alone.connect_with(self.0.options.clone()).await?.begin().await
    }

    /// Closes those that wait, with the memory that they have gathered.
    pub(super) async fn rest(&self) {
        let waiting = std::mem::take(&mut *self.0.waiting());
        for connection in waiting {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection that read was not closed in order");
            }
        }
    }

    /// Lets nobody read any more.
    pub(super) async fn close(&self) {
        self.0.free.close();
        self.rest().await;
    }
}

impl Shelf {
    fn waiting(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in somebody's hands; it goes back when this is dropped. What was asked of it and not
/// heard to the end it breaks off by itself.
pub(crate) struct Reading<'a> {
    connection: Option<SqliteConnection>,
    shelf: &'a Shelf,
    /// Given back after the connection is.
    _permit: SemaphorePermit<'a>,
}

const HELD: &str = "BUG: a connection is held until it is given back";

impl Deref for Reading<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect(HELD)
    }
}

impl DerefMut for Reading<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect(HELD)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.shelf.waiting().extend(self.connection.take());
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use futures_util::StreamExt as _;
    use futures_util::future::poll_immediate;

    use super::*;

    async fn two() -> Readers {
        let options = SqliteConnectOptions::from_str("sqlite::memory:").expect("options");
        Readers::open(options, 2).await.expect("readers")
    }

    async fn add(readers: &Readers, one: i64) -> i64 {
        let mut reading = readers.one().await.expect("a connection");
        let question = sqlx::query_scalar("select $1 + 1").bind(one);
        question.fetch_one(&mut *reading).await.expect("an answer")
    }

    #[tokio::test]
    async fn there_are_so_many_at_a_time_and_the_next_waits() {
        let readers = two().await;
        let one = readers.one().await.expect("one");
        let two = readers.one().await.expect("two");
        assert!(poll_immediate(readers.one()).await.is_none(), "a third has to wait");
        drop(one);
        assert!(poll_immediate(readers.one()).await.is_some(), "until one is given back");
        drop(two);
        assert_eq!(add(&readers, 1).await, 2);
    }

    #[tokio::test]
    async fn whoever_does_not_hear_an_answer_to_its_end_leaves_a_connection_that_works() {
        let readers = two().await;
        for _ in 0..3 {
            let mut reading = readers.one().await.expect("a connection");
            let numbers = "with recursive n(n) as (select 1 union all select n + 1 from n) \
                 select n from n";
            let mut endless = sqlx::query_scalar::<_, i64>(numbers).fetch(&mut *reading);
            assert_eq!(endless.next().await.expect("a row").expect("a number"), 1);
        }
        assert_eq!(add(&readers, 41).await, 42);
    }

    #[tokio::test]
    async fn after_a_rest_they_are_opened_anew_and_after_the_end_no_more() {
        let readers = two().await;
        readers.rest().await;
        assert!(readers.0.waiting().is_empty());
        assert_eq!(add(&readers, 1).await, 2);
        readers.close().await;
        assert!(readers.one().await.is_err());
    }
}
