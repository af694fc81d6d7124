//! `PostgreSQL` as Patio wants it: version 15 or newer, in UTF-8; a commit is on disk before it is
//! answered; no statement and no lock is waited for without end.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use super::{Db, EpochGuard};
use crate::config::PostgresUrl;

/// The oldest version that the tests are run on, as the server counts: 15.0.
const OLDEST_VERSION: i32 = 150_000;
/// Small hosted databases admit some twenty, and an update of Patio runs two processes for a moment.
const CONNECTIONS: u32 = 8;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than a request may take, so that a reader gets an answer and not an end.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// What each connection begins with. A statement and not a startup parameter: connection poolers
/// refuse those. Whoever wants more than `on` (standbys that have applied it too) keeps that. A
/// process that vanished in the middle of a transaction holds its locks for ten seconds at most. Compiling
/// a statement or sharing it out among processes takes longer than ours run; searching among ten million
/// messages takes a list of them all, which the usual 4 MB do not hold.
const SESSION: &str = "
    set session characteristics as transaction isolation level read committed;
    set statement_timeout = '20s';
    set lock_timeout = '10s';
    set idle_in_transaction_session_timeout = '10s';
    set jit = off;
    set max_parallel_workers_per_gather = 0;
    set work_mem = '32MB';
    select set_config('synchronous_commit', 'on', false)
    where current_setting('synchronous_commit') not in ('on', 'remote_apply');";

pub(super) async fn open(url: &PostgresUrl, history: &EpochGuard) -> anyhow::Result<Db> {
    let mut options =
        PgConnectOptions::from_str(url.expose_secret())?.statement_cache_capacity(256);
    if options.get_application_name().is_none() {
        options = options.application_name("patio");
    }
    let place = place(&options);
    // Not one of the pool: a migration may take its time.
    let mut connection = timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options))
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(|error| OpenError { place: place.clone(), error })?;
    check(&mut connection).await.with_context(|| format!("cannot use the database {place}"))?;
    // Under a lock of the whole database: of several processes that start, one does the work.
    sqlx::migrate!("migrations/postgres")
        .run(&mut connection)
        .await
        .with_context(|| format!("cannot bring the database {place} up to date"))?;
    connection.close().await?;
    let history = history.clone();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| {
            // Where all connections end and others come, somebody may have put another database there.
            history.suspect();
            Box::pin(async move { sqlx::raw_sql(SESSION).execute(connection).await.map(drop) })
        })
        .connect_with(options)
        .await
        .with_context(|| format!("cannot open the database {place}"))?;
    Ok(Db::Postgres(pool))
}

/// The error is not its source, which would say the same once more.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the database {place}: {error}")]
pub(super) struct OpenError {
    place: String,
    pub error: sqlx::Error,
}

/// Where the database is, without the password.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{database} at {}", socket.display()),
        None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
    }
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
        bail!("its encoding is {encoding}, and UTF8 is needed (create database … encoding 'UTF8')");
    }
    // What is there already is no news at every start.
    sqlx::raw_sql("set client_min_messages = warning").execute(connection).await?;
    if fsync == "off" {
        tracing::warn!("fsync is off in PostgreSQL: a crash of its machine loses messages");
    }
    Ok(())
}

fn ensure_version(number: i32, version: &str) -> anyhow::Result<()> {
    ensure!(number >= OLDEST_VERSION, "it is PostgreSQL {version}, and 15 or newer is needed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_older_than_15_is_refused() {
        let old = ensure_version(140_012, "14.12").expect_err("too old");
        assert_eq!(old.to_string(), "it is PostgreSQL 14.12, and 15 or newer is needed");
        for number in [150_000, 170_002] {
            assert!(ensure_version(number, "").is_ok(), "{number}");
        }
    }

    #[test]
    fn the_place_of_a_database_is_said_without_its_password() {
        let place = |url| place(&PgConnectOptions::from_str(url).expect(url));
        assert_eq!(place("postgres://ana:hunter2@db:5433/patio"), "patio at db:5433");
        assert_eq!(
            place("postgres:///patio?host=/run/pg&user=ana&password=hunter2"),
            "patio at /run/pg"
        );
    }
}
