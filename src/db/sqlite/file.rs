//! A database file by itself: copied while others write to it, opened where nobody serves it,
//! brought up to date.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::data_dir::owner;
use crate::db::error_class;

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
    owner::ensure_usable(&owner::files(from))?;
    let options = SqliteConnectOptions::new()
        .filename(from)
        .busy_timeout(Duration::from_secs(5))
        // There may be no folder for temporary files.
        .pragma("temp_store", "memory");
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

/// Refuses a file that is no database of Patio, before anything is written to it: one of another program
/// would get tables of ours, and one that is damaged would be damaged more.
///
/// # Errors
/// When it is not Patio's, is damaged where it begins, or was used by a newer Patio.
pub async fn ensure_patio_database(path: &Path) -> anyhow::Result<()> {
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        return Ok(());
    }
    let mut connection = open(path).await.map_err(describe_error)?;
    let looked = inspect(&mut connection).await.map_err(describe_error);
    let closed = connection.close().await;
    let (tables, ours, applied) = looked?;
    closed?;
    // A start that was cut off before its first migration leaves the list of migrations alone.
    if tables > 1 && ours < 3 {
        bail!("it belongs to another program: name another file, or another data directory");
    }
    ensure_known(&applied)
}

const DAMAGED: &str =
    "it is damaged, or no SQLite database: restore a backup (patio restore --force)";

/// What went wrong with a file, in words where it is damaged.
fn describe_error(error: sqlx::Error) -> anyhow::Error {
    let damaged = error_class::is_corruption(&error);
    let error = anyhow::Error::from(error);
    if damaged { error.context(DAMAGED) } else { error }
}

/// How many tables there are, how many of three that every Patio has, and the migrations.
async fn inspect(connection: &mut SqliteConnection) -> Result<(i64, i64, Vec<i64>), sqlx::Error> {
    let (tables, ours): (i64, i64) = sqlx::query_as(
        "select count(*), count(case when name in ('_sqlx_migrations', 'meta', 'rooms') then 1 end)
         from sqlite_schema where type = 'table'",
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok((tables, ours, applied(connection).await?))
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
        .pragma("temp_store", "memory")
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
    ensure_known(&applied(connection).await?)?;
    MIGRATIONS.run(connection).await?;
    Ok(())
}

fn ensure_known(applied: &[i64]) -> anyhow::Result<()> {
    let newest = applied.iter().copied().max().unwrap_or_default();
    let known = newest_migration();
    if newest > known {
        bail!(
            "it was used by a newer Patio (its form has number {newest}, this program knows them \
             up to {known}): run that Patio, or restore a backup"
        );
    }
    Ok(())
}

/// The first thing in a database that no Patio of this migration has: a trigger, a view, a table or an index of
/// somebody else's, or one of ours that does something else. Triggers would run with what Patio writes.
///
/// # Errors
/// When it cannot be read.
pub async fn foreign(
    connection: &mut SqliteConnection,
    migration: i64,
) -> anyhow::Result<Option<String>> {
    let mut ours = SqliteConnection::connect("sqlite::memory:").await?;
    MIGRATIONS.run_to(migration, &mut ours).await?;
    let known = schema(&mut ours).await?;
    ours.close().await?;
    let found = schema(connection).await?;
    let foreign = found.into_iter().find(|object| !known.contains(object));
    Ok(foreign.map(|(kind, name, _)| format!("{kind} {name}")))
}

/// Kind, name, and of what runs by itself its text.
async fn schema(
    connection: &mut SqliteConnection,
) -> Result<Vec<(String, String, String)>, sqlx::Error> {
    sqlx::query_as(
        "select type, name, case when type in ('trigger', 'view') then coalesce(sql, '') else '' end
         from sqlite_schema where name not like 'sqlite\\_%' escape '\\'",
    )
    .fetch_all(connection)
    .await
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
