//! A pool of connections to a `PostgreSQL` server, of which none is waited for without end.
//!
//! A network can drop what is sent without a word: after a fail-over, or when a router forgets a connection. The answer to
//! a statement then never comes. So whatever waits for the server has a deadline, and a connection that missed
//! one is closed. A connection is only asked whether it works after it was idle; each question costs a round trip.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::{CONNECT_TIMEOUT, SESSION};
use crate::db::{EpochGuard, is_connection_error, is_read_only};

/// Small hosted databases allow about twenty connections, and during an update two processes run.
pub(in crate::db) const CONNECTIONS: usize = 8;
/// Shorter than the timeout of a request, so that the client receives an error response.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that worked this short a time ago is used without a question.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long an idle connection may take to answer, and one whose statement or transaction was given up to end it.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// After a failed attempt to connect, how long others fail without an attempt of their own.
const PAUSE: Duration = Duration::from_secs(1);

/// A connection that was not used for this time is closed, so that the server keeps none for what is over.
const IDLE: Duration = Duration::from_mins(10);
/// A connection that is older than this is closed when it is idle: what the server keeps for one grows with its age.
const OLD: Duration = Duration::from_mins(30);

/// Clones share the connections.
#[derive(Clone)]
pub struct PostgresPool(managed::Pool<Connector>);

/// Opens connections.
struct Connector {
    options: PgConnectOptions,
    epoch: EpochGuard,
    /// The time of the last attempt, if it failed.
    failed_at: Mutex<Option<Instant>>,
    /// Notified after the commit of a transaction that recorded a change.
    change_committed: Arc<Notify>,
}

impl Connector {
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        // It may lead to another database, for example after a restore. Said only now: what checks it would else find a
        // connection to the earlier one.
        self.epoch.suspect();
        sqlx::raw_sql(SESSION).execute(&mut connection).await?;
        ensure_writable(&mut connection).await?;
        Ok(connection)
    }
}

impl managed::Manager for Connector {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        let last = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(sqlx::Error::PoolTimedOut);
        }
        let opened = timeout(CONNECT_TIMEOUT, self.connect()).await;
        let opened = opened.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let failed_at = opened.is_err().then(Instant::now);
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = failed_at;
        opened
    }

    async fn recycle(
        &self,
        connection: &mut PgConnection,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if metrics.last_used() < TRUSTED {
            return Ok(());
        }
        match timeout(CHECK_TIMEOUT, connection.ping()).await {
            Ok(answer) => answer.map_err(RecycleError::Backend),
            Err(_) => Err(RecycleError::message("no answer")),
        }
    }
}

impl PostgresPool {
    /// Creates the pool, and opens one connection.
    pub(super) async fn open(options: PgConnectOptions, epoch: EpochGuard) -> sqlx::Result<Self> {
        let (failed_at, change_committed) = Default::default();
        let connector = Connector { options, epoch, failed_at, change_committed };
        let pool = managed::Pool::builder(connector)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .queue_mode(managed::QueueMode::Lifo)
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| sqlx::Error::Configuration(error.into()))?;
        let pool = Self(pool);
        pool.acquire().await?.is_ready = true;
        Ok(pool)
    }

    /// Waits for a free connection.
    ///
    /// # Errors
    /// If none becomes free or can be opened in time, or the pool is closed.
    pub async fn acquire(&self) -> sqlx::Result<PostgresConnection> {
        // Boxed: it contains the way to connect, and is part of the future of each query.
        let object = Box::pin(self.0.get()).await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Closed => sqlx::Error::PoolClosed,
            _ => sqlx::Error::PoolTimedOut,
        })?;
        Ok(PostgresConnection { object: Some(object), is_ready: false })
    }

    /// Notified after the commit of a transaction that recorded a change.
    pub(in crate::db) fn change_committed(&self) -> &Arc<Notify> {
        &self.0.manager().change_committed
    }

    /// Closes connections that were idle for long or are old.
    pub(in crate::db) fn close_idle(&self) {
        self.0.retain(|_, metrics| metrics.last_used() < IDLE && metrics.age() < OLD);
    }

    /// Closes the pool: every later `acquire` fails.
    pub(in crate::db) fn close(&self) {
        self.0.close();
    }
}

/// A connection in use. It returns to the pool when this is dropped, if the next statement can use it.
pub struct PostgresConnection {
    object: Option<Object<Connector>>,
    is_ready: bool,
}

const ALREADY_RETURNED: &str = "BUG: a connection is held until it is given back";

impl PostgresConnection {
    /// Takes note of what a statement outside a transaction, or the end of a transaction, has led to.
    pub(in crate::db) fn settle<T>(&mut self, result: &Result<T, sqlx::Error>) {
        match result {
            Err(error) if is_connection_error(error) || is_read_only(error) => {
                if let Some(object) = self.object.take() {
                    close_all(object);
                }
            }
            _ => self.is_ready = true,
        }
    }
}

impl Drop for PostgresConnection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if self.is_ready {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(recover(object))),
            Err(_) => drop(Object::take(object)),
        }
    }
}

/// Ends what was given up on a connection, and returns it to its pool; closes it if that fails or takes too long.
async fn recover(mut object: Object<Connector>) {
    let rollback = async {
        sqlx::raw_sql("rollback").execute(&mut *object).await?;
        ensure_writable(&mut object).await
    };
    if !matches!(timeout(CHECK_TIMEOUT, rollback).await, Ok(Ok(()))) {
        close_all(object);
    }
}

/// Refuses a standby, to which an address may lead for a moment during a fail-over.
async fn ensure_writable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_read_only = sqlx::query_scalar("select current_setting('transaction_read_only') = 'on'");
    if is_read_only.fetch_one(connection).await? {
        return Err(sqlx::Error::Protocol("the database is read-only".to_owned()));
    }
    Ok(())
}

/// Closes a connection, and those that are idle: what has happened to one has happened to the others.
fn close_all(object: Object<Connector>) {
    if let Some(pool) = Object::pool(&object) {
        pool.retain(|_, _| false);
    }
    drop(Object::take(object));
}

impl Deref for PostgresConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.object.as_ref().expect(ALREADY_RETURNED)
    }
}

impl DerefMut for PostgresConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.object.as_mut().expect(ALREADY_RETURNED)
    }
}
