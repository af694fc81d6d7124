//! A pool of connections to an `SQLite` file.
//!
//! sqlx's pool pings a connection before and after each use. Over a network that is useful; here each ping
//! goes to another thread and back, which costs more than most queries.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded pool. Connections are opened on demand. Clones share it.
#[derive(Clone)]
pub struct Pool(Arc<PoolInner>);

struct PoolInner {
    options: SqliteConnectOptions,
    /// Open connections that are not in use. The last one used is taken first: its cache is the warmest.
    idle: Mutex<Vec<SqliteConnection>>,
    free: Arc<Semaphore>,
}

impl Pool {
    /// Creates a pool of at most `limit` connections, and opens one of them.
    pub(in crate::db) async fn open(
        options: SqliteConnectOptions,
        limit: usize,
    ) -> sqlx::Result<Self> {
        let pool = Self::closed(options, limit);
        drop(pool.acquire().await?);
        Ok(pool)
    }

    /// Creates a pool of at most `limit` connections, and opens none of them.
    pub(in crate::db) fn closed(options: SqliteConnectOptions, limit: usize) -> Self {
        let idle = Mutex::default();
        let free = Arc::new(Semaphore::new(limit));
        Self(Arc::new(PoolInner { options, idle, free }))
    }

    /// Waits for a free connection.
    ///
    /// # Errors
    /// If no connection can be opened, or the pool is closed.
    pub async fn acquire(&self) -> sqlx::Result<PooledConnection> {
        let permit = self.0.free.clone().acquire_owned().await;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.0.options.connect().await?,
        };
        Ok(PooledConnection { connection: Some(connection), pool: self.0.clone(), _permit: permit })
    }

    /// Opens a connection outside the pool's limit, for long reads.
    pub(in crate::db) async fn connect_dedicated(&self) -> sqlx::Result<PooledConnection> {
        Self::closed(self.0.options.clone(), 1).acquire().await
    }

    /// Closes the idle connections, which frees their caches.
    pub(in crate::db) async fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.0.idle());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "could not close a connection cleanly");
            }
        }
    }

    /// Closes the pool: every later `acquire` fails.
    pub(in crate::db) async fn close(&self) {
        self.0.free.close();
        self.close_idle().await;
    }
}

impl PoolInner {
    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use. It returns to the pool when this is dropped. The driver cancels a query whose result
/// was not read to the end.
pub struct PooledConnection {
    connection: Option<SqliteConnection>,
    pool: Arc<PoolInner>,
    /// Released after the connection was returned: fields are dropped after `drop` has run.
    _permit: OwnedSemaphorePermit,
}

impl PooledConnection {
    /// Closes the connection instead of returning it, which rolls back an open transaction. The connection
    /// must not be used afterwards.
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
        self.pool.idle().extend(self.connection.take());
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

    async fn add(pool: &Pool, one: i64) -> i64 {
        let mut connection = pool.acquire().await.expect("a connection");
        let query = sqlx::query_scalar("select $1 + 1").bind(one);
        query.fetch_one(&mut *connection).await.expect("an answer")
    }

    #[tokio::test]
    async fn the_number_of_connections_is_limited() {
        let pool = two().await;
        let one = pool.acquire().await.expect("one");
        let two = pool.acquire().await.expect("two");
        assert!(poll_immediate(pool.acquire()).await.is_none(), "a third has to wait");
        drop(one);
        assert!(poll_immediate(pool.acquire()).await.is_some(), "until one is given back");
        drop(two);
        assert_eq!(add(&pool, 1).await, 2);
    }

    #[tokio::test]
    async fn an_unread_result_leaves_the_connection_usable() {
        let pool = two().await;
        for _ in 0..3 {
            let mut connection = pool.acquire().await.expect("a connection");
            let numbers = "with recursive n(n) as (select 1 union all select n + 1 from n) \
                 select n from n";
            let mut endless = sqlx::query_scalar::<_, i64>(numbers).fetch(&mut *connection);
            assert_eq!(endless.next().await.expect("a row").expect("a number"), 1);
        }
        assert_eq!(add(&pool, 41).await, 42);
    }

    #[tokio::test]
    async fn idle_connections_are_reopened_and_a_closed_pool_opens_none() {
        let pool = two().await;
        pool.close_idle().await;
        assert!(pool.0.idle().is_empty());
        assert_eq!(add(&pool, 1).await, 2);
        pool.close().await;
        assert!(pool.acquire().await.is_err());
    }
}
