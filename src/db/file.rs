//! A database file by itself: copied while others write to it, opened where nobody serves it,
//! brought up to date.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The number of the last migration that this program knows.
pub fn newest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The first migration that is still to come after these.
pub fn next_migration(applied: &[i64]) -> Option<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).find(|known| !applied.contains(known))
}

/// Writes a complete copy of a database into a new file, while others may go on writing. What is
/// committed when it begins is in it. Needs little memory, however large the database is.
///
/// # Errors
/// When the one cannot be read, or the other not be written.
pub async fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(from).busy_timeout(Duration::from_secs(5));
    let mut connection = options
        .connect()
        .await
        .with_context(|| format!("cannot open the database {}", from.display()))?;
    let target = to.to_str().context("the path must be UTF-8")?;
    sqlx::query("vacuum into $1")
        .bind(target)
        .execute(&mut connection)
        .await
        .with_context(|| format!("cannot copy the database {}", from.display()))?;
    connection.close().await?;
    // SQLite leaves it to the operating system when a copy goes to the disk.
    std::fs::File::open(to)?.sync_all()?;
    Ok(())
}

/// Opens a file that nobody serves. It may come from anywhere.
///
/// # Errors
/// When it is no database.
pub async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .connect()
        .await
}

/// Brings a database up to date.
///
/// # Errors
/// When a migration fails, or the database has one that this program does not know.
pub async fn migrate(connection: &mut SqliteConnection) -> anyhow::Result<()> {
    let newest = applied(connection).await?.into_iter().max().unwrap_or_default();
    let known = newest_migration();
    if newest > known {
        bail!(
            "it was used by a newer Patio (its form has number {newest}, this program knows them \
             up to {known}): run that Patio, or restore a backup"
        );
    }
    MIGRATIONS.run(connection).await?;
    Ok(())
}

/// The migrations that a database has seen; none when it is new.
///
/// # Errors
/// When it cannot be read.
pub async fn applied(connection: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
    let known: Option<(i64,)> =
        sqlx::query_as("select 1 from sqlite_schema where name = '_sqlx_migrations'")
            .fetch_optional(&mut *connection)
            .await?;
    if known.is_none() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64,)> =
        sqlx::query_as("select version from _sqlx_migrations where success order by version")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(version,)| version).collect())
}
