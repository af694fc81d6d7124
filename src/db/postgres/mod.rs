//! `PostgreSQL` with Patio's settings: version 15 or newer, UTF-8, a commit is on disk before it is
//! acknowledged, and every statement and every lock has a timeout.

mod clock;
mod pool;
mod transaction;

use std::future::Future;
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

pub(super) use self::pool::CONNECTIONS;
pub use self::pool::{PostgresConnection, PostgresPool};
pub use self::transaction::PostgresTransaction;

use super::migrations::SchemaVersion;
use super::{Db, EpochGuard, migrations};
use crate::config::PostgresUrl;

/// The oldest version that the tests run on: 15.0, in the server's numbering.
const OLDEST_VERSION: i32 = 150_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for the answer to a statement. Longer than the server's own limit (`statement_timeout`): it is
/// only missed if the answer never comes.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(12);

/// The settings of each connection. They are set by statements because connection poolers refuse startup
/// parameters.
///
/// - `synchronous_commit`: a server configured for `remote_apply` (standbys have applied the commit) keeps it.
/// - `lock_timeout`: [`FULL_LOCK_WAIT`](super::FULL_LOCK_WAIT).
/// - `idle_in_transaction_session_timeout`: a process that vanished or was paused during a transaction holds its locks
///   for two seconds at most. Shorter than `lock_timeout`, so that those who wait for them get them.
/// - `jit`, `max_parallel_workers_per_gather`: both take longer to start than Patio's statements run.
/// - `work_mem`: a search over ten million messages needs a bitmap of all of them, which does not fit into
///   the default of 4 MB.
const SESSION: &str = "
    set session characteristics as transaction isolation level read committed;
    set statement_timeout = '10s';
    set lock_timeout = '4s';
    set idle_in_transaction_session_timeout = '2s';
    set jit = off;
    set max_parallel_workers_per_gather = 0;
    set work_mem = '32MB';
    select set_config('synchronous_commit', 'on', false)
    where current_setting('synchronous_commit') not in ('on', 'remote_apply');";

pub(super) async fn open(url: &PostgresUrl, epoch: &EpochGuard) -> anyhow::Result<Db> {
    let mut options =
        PgConnectOptions::from_str(url.expose_secret())?.statement_cache_capacity(256);
    if options.get_application_name().is_none() {
        options = options.application_name("patio");
    }
    let location = location(&options);
    // Outside the pool: a migration may take longer than the pool's statement timeout.
    let mut connection = timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options))
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(|error| OpenError { location: location.clone(), error })?;
    check(&mut connection).await.with_context(|| format!("cannot use the database {location}"))?;
    // sqlx takes a lock on the database: if several processes start, only one migrates.
    migrations::POSTGRES
        .run(&mut connection)
        .await
        .with_context(|| format!("cannot migrate the database {location}"))?;
    connection.close().await?;
    let pool = PostgresPool::open(options, epoch.clone())
        .await
        .map_err(|error| OpenError { location, error })?;
    Ok(Db::Postgres(pool))
}

/// Waits for the server's answer, if there is a limit not longer than that.
pub(crate) async fn answer<T>(
    limit: Option<Duration>,
    waiting: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let mut waiting = pin!(waiting);
    match limit {
        Some(limit) => {
            timeout(limit, waiting.as_mut()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
        }
        None => waiting.await,
    }
}

/// The error is part of the message and not a `source`, because a chain would print it twice.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the database {location}: {error}")]
pub(super) struct OpenError {
    location: String,
    pub error: sqlx::Error,
}

/// Describes where the database is, without the password.
fn location(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{database} at {}", socket.display()),
        None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
    }
}

async fn schema_version(connection: &mut PgConnection) -> Result<SchemaVersion, sqlx::Error> {
    let exists = |table: &'static str| {
        sqlx::query_scalar::<_, bool>("select to_regclass($1) is not null").bind(table)
    };
    let mut version = SchemaVersion { applied: Vec::new(), oldest: None };
    if exists("_sqlx_migrations").fetch_one(&mut *connection).await? {
        let applied = "select version from _sqlx_migrations where success order by version";
        version.applied = sqlx::query_scalar(applied).fetch_all(&mut *connection).await?;
    }
    if exists("settings").fetch_one(&mut *connection).await? {
        let oldest = "select value::bigint from settings where name = 'oldest_version'";
        version.oldest = sqlx::query_scalar(oldest).fetch_optional(connection).await?;
    }
    Ok(version)
}

async fn check(connection: &mut PgConnection) -> anyhow::Result<()> {
    let (number, version, encoding, fsync): (i32, String, String, String) = sqlx::query_as(
        "select current_setting('server_version_num')::int, current_setting('server_version'),
                current_setting('server_encoding'), current_setting('fsync')",
    )
    .fetch_one(&mut *connection)
    .await?;
    ensure_version(number, &version)?;
    if encoding != "UTF8" {
        bail!(
            "its encoding is {encoding}, but UTF8 is required (create database … encoding 'UTF8')"
        );
    }
    schema_version(connection).await?.ensure_usable()?;
    // Hides the notice of the migration table that exists already.
    sqlx::raw_sql("set client_min_messages = warning").execute(connection).await?;
    if fsync == "off" {
        tracing::warn!("fsync is off in PostgreSQL: a crash of its machine can lose messages");
    }
    Ok(())
}

fn ensure_version(number: i32, version: &str) -> anyhow::Result<()> {
    ensure!(number >= OLDEST_VERSION, "it is PostgreSQL {version}, but 15 or newer is required");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_older_than_15_is_refused() {
        let old = ensure_version(140_012, "14.12").expect_err("too old");
        assert_eq!(old.to_string(), "it is PostgreSQL 14.12, but 15 or newer is required");
        for number in [150_000, 170_002] {
            assert!(ensure_version(number, "").is_ok(), "{number}");
        }
    }

    #[test]
    fn the_location_of_a_database_does_not_contain_its_password() {
        let location = |url| location(&PgConnectOptions::from_str(url).expect(url));
        assert_eq!(location("postgres://ana:hunter2@db:5433/patio"), "patio at db:5433");
        assert_eq!(
            location("postgres:///patio?host=/run/pg&user=ana&password=hunter2"),
            "patio at /run/pg"
        );
    }
}
