//! Connections to an `SQLite` file: one that writes, a few that read.
//!
//! sqlx's own pool asks a connection whether it lives before and after each use. Over a network that
//! is worth it; here each question goes to another thread and back, and costs more than most queries.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A few connections, opened when they are needed.
#[derive(Clone)]
pub struct Pool(Arc<PoolInner>);

struct PoolInner {
    options: SqliteConnectOptions,
    /// Open and in nobody's hands. The last one used is the next: it knows most.
    waiting: Mutex<Vec<SqliteConnection>>,
    free: Arc<Semaphore>,
}

impl Pool {
    /// `most` connections at a time, of which one is opened now.
    pub(in crate::db) async fn open(
        options: SqliteConnectOptions,
        most: usize,
    ) -> sqlx::Result<Self> {
        let few = Self::closed(options, most);
        drop(few.acquire().await?);
        Ok(few)
    }

    /// `most` connections at a time, of which none is opened before it is needed.
    pub(in crate::db) fn closed(options: SqliteConnectOptions, most: usize) -> Self {
        let (waiting, free) = (Mutex::default(), Arc::new(Semaphore::new(most)));
        Self(Arc::new(PoolInner { options, waiting, free }))
    }

    /// A connection, when one is free.
    ///
    /// # Errors
    /// When none can be opened, or they are closed for good.
    pub async fn acquire(&self) -> sqlx::Result<PooledConnection> {
        let permit = self.0.free.clone().acquire_owned().await;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let waiting = self.0.waiting().pop();
        let connection = match waiting {
            Some(connection) => connection,
            None => self.0.options.connect().await?,
        };
        Ok(PooledConnection {
            connection: Some(connection),
            shelf: self.0.clone(),
            _permit: permit,
        })
    }

    /// A connection that is none of the few, for what takes its time.
    pub(in crate::db) async fn connect_dedicated(&self) -> sqlx::Result<PooledConnection> {
        Self::closed(self.0.options.clone(), 1).acquire().await
    }

    /// Closes those that wait, with the memory that they have gathered.
    pub(in crate::db) async fn close_idle(&self) {
        let waiting = std::mem::take(&mut *self.0.waiting());
        for connection in waiting {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection was not closed in order");
            }
        }
    }

    /// Hands none out any more.
    pub(in crate::db) async fn close(&self) {
        self.0.free.close();
        self.close_idle().await;
    }
}

impl PoolInner {
    fn waiting(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in somebody's hands; it goes back when this is dropped. What was asked of it and not
/// heard to the end it breaks off by itself.
pub struct PooledConnection {
    connection: Option<SqliteConnection>,
    shelf: Arc<PoolInner>,
    /// Given back after the connection is.
    _permit: OwnedSemaphorePermit,
}

impl PooledConnection {
    /// Closes it instead of giving it back; what it had begun is rolled back. It cannot be used after.
    pub(in crate::db) fn discard(&mut self) {
        drop(self.connection.take());
    }
}

const ALREADY_RETURNED: &str = "BUG: a connection is held until it is given back";

impl Deref for PooledConnection {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect(ALREADY_RETURNED)
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect(ALREADY_RETURNED)
    }
}

impl Drop for PooledConnection {
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

    async fn two() -> Pool {
        let options = SqliteConnectOptions::from_str("sqlite::memory:").expect("options");
        Pool::open(options, 2).await.expect("connections")
    }

    async fn add(few: &Pool, one: i64) -> i64 {
        let mut held = few.acquire().await.expect("a connection");
        let question = sqlx::query_scalar("select $1 + 1").bind(one);
        question.fetch_one(&mut *held).await.expect("an answer")
    }

    #[tokio::test]
    async fn there_are_so_many_at_a_time_and_the_next_waits() {
        let few = two().await;
        let one = few.acquire().await.expect("one");
        let two = few.acquire().await.expect("two");
        assert!(poll_immediate(few.acquire()).await.is_none(), "a third has to wait");
        drop(one);
        assert!(poll_immediate(few.acquire()).await.is_some(), "until one is given back");
        drop(two);
        assert_eq!(add(&few, 1).await, 2);
    }

    #[tokio::test]
    async fn whoever_does_not_hear_an_answer_to_its_end_leaves_a_connection_that_works() {
        let few = two().await;
        for _ in 0..3 {
            let mut held = few.acquire().await.expect("a connection");
            let numbers = "with recursive n(n) as (select 1 union all select n + 1 from n) \
                 select n from n";
            let mut endless = sqlx::query_scalar::<_, i64>(numbers).fetch(&mut *held);
            assert_eq!(endless.next().await.expect("a row").expect("a number"), 1);
        }
        assert_eq!(add(&few, 41).await, 42);
    }

    #[tokio::test]
    async fn after_a_rest_they_are_opened_anew_and_after_the_end_no_more() {
        let few = two().await;
        few.close_idle().await;
        assert!(few.0.waiting().is_empty());
        assert_eq!(add(&few, 1).await, 2);
        few.close().await;
        assert!(few.acquire().await.is_err());
    }
}
