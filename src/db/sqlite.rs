//! `SQLite` as Patio wants it: a commit is on disk before it is answered, reading never waits for
//! writing, and one connection alone writes.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::Db;

const READERS: u32 = 4;

pub(super) async fn open(path: &Path) -> anyhow::Result<Db> {
    let options = SqliteConnectOptions::from_str("sqlite:")?
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL and not NORMAL: with NORMAL a power cut may take back what was acknowledged.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("temp_store", "memory")
        .pragma("trusted_schema", "off")
        // What people delete is overwritten and not only marked as free.
        .pragma("secure_delete", "on")
        .pragma("journal_size_limit", "67108864")
        .statement_cache_capacity(256);

    let write = SqlitePoolOptions::new()
        .max_connections(1)
        // SQLite rolls back by itself when the disk is full, and then refuses sqlx's own rollback,
        // after which sqlx thinks for ever that a transaction is open: such a connection is replaced.
        .before_acquire(|connection, _| {
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        })
        .connect_with(options.clone().create_if_missing(true).pragma("cache_size", "-65536"))
        .await
        .with_context(|| format!("cannot open the database {}", path.display()))?;
    sqlx::migrate!("migrations/sqlite")
        .run(&write)
        .await
        .with_context(|| format!("cannot bring the database {} up to date", path.display()))?;
    let read = SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(1)
        .connect_with(options.read_only(true).pragma("cache_size", "-16384"))
        .await?;
    Ok(Db::Sqlite { write, read })
}
