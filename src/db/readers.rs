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
