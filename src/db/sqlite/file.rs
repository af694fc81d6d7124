//! `SQLite` database files: copy during writes, open without a server, check, migrate.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::data_dir::owner;
use crate::db::migrations::SchemaVersion;
use crate::db::{error_class, migrations};

/// Writes a complete copy of a database to a new file. Other connections may write during the copy, which
/// contains everything that was committed when it started. Needs little memory for any size.
///
/// # Errors
/// If the source cannot be read, or the target cannot be written.
pub async fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    owner::ensure_usable(&owner::files(from))?;
    let options = SqliteConnectOptions::new()
        .filename(from)
        .busy_timeout(Duration::from_secs(5))
        // A temporary directory may not exist.
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
    // SQLite does not sync the target of `vacuum into`.
    std::fs::File::open(to)?.sync_all()?;
    Ok(())
}

/// Refuses a file that is not a Patio database, before anything is written to it: the database of another
/// program would get Patio's tables, and a corrupted file would get worse.
///
/// # Errors
/// If it belongs to another program, its first pages are corrupted, or another version of Patio created it.
pub async fn ensure_patio_database(path: &Path) -> anyhow::Result<()> {
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        return Ok(());
    }
    let mut connection = open(path).await.map_err(describe_error)?;
    let inspected = inspect(&mut connection).await.map_err(describe_error);
    let closed = connection.close().await;
    let (tables, known, version) = inspected?;
    closed?;
    // A start that was interrupted before its first migration leaves only the table of migrations.
    if tables > 1 && known < 3 {
        bail!("it belongs to another program: choose another file or data directory");
    }
    version.ensure_usable()
}

const CORRUPTED: &str =
    "it is corrupted or not an SQLite database: restore a backup (patio restore --force)";

/// Adds an explanation to the error of a corrupted file.
fn describe_error(error: sqlx::Error) -> anyhow::Error {
    let is_corrupted = error_class::is_corruption(&error);
    let error = anyhow::Error::from(error);
    if is_corrupted { error.context(CORRUPTED) } else { error }
}

/// Returns the number of tables, how many of three tables of every Patio are among them (`meta` is the earlier name of
/// `settings`), and the version of the schema.
async fn inspect(
    connection: &mut SqliteConnection,
) -> Result<(i64, i64, SchemaVersion), sqlx::Error> {
    let (tables, known): (i64, i64) = sqlx::query_as(
        "select count(*), count(case when name in ('_sqlx_migrations', 'settings', 'meta', 'rooms') then 1 end)
         from sqlite_schema where type = 'table'",
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok((tables, known, schema_version(connection).await?))
}

/// Opens a file that no server uses. The file is not trusted: it may come from anywhere.
///
/// # Errors
/// If it is not a database.
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

/// Migrates a database to the newest schema.
///
/// # Errors
/// If a migration fails, or the database requires a newer program.
pub async fn migrate(connection: &mut SqliteConnection) -> anyhow::Result<()> {
    schema_version(connection).await?.ensure_usable()?;
    migrations::SQLITE.run(connection).await?;
    Ok(())
}

/// Returns the first trigger, view, table or index that Patio at this migration does not have, or has with
/// another definition; `None` if there is none. A foreign trigger would run on Patio's own writes.
///
/// # Errors
/// If the database fails.
pub async fn foreign(
    connection: &mut SqliteConnection,
    migration: i64,
) -> anyhow::Result<Option<String>> {
    let mut reference = SqliteConnection::connect("sqlite::memory:").await?;
    migrations::SQLITE.run_to(migration, &mut reference).await?;
    let known = schema(&mut reference).await?;
    reference.close().await?;
    let found = schema(connection).await?;
    let foreign = found.into_iter().find(|object| !known.contains(object));
    Ok(foreign.map(|(kind, name, _)| format!("{kind} {name}")))
}

/// Returns kind and name of each object, and the definition of triggers and views.
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

async fn schema_version(connection: &mut SqliteConnection) -> Result<SchemaVersion, sqlx::Error> {
    let applied = applied(&mut *connection).await?;
    let has_settings: Option<(i64,)> =
        sqlx::query_as("select 1 from sqlite_schema where name = 'settings'")
            .fetch_optional(&mut *connection)
            .await?;
    if has_settings.is_none() {
        return Ok(SchemaVersion { applied, oldest: None });
    }
    let oldest = sqlx::query_scalar(
        "select cast(value as integer) from settings where name = 'oldest_version'",
    );
    Ok(SchemaVersion { applied, oldest: oldest.fetch_optional(connection).await? })
}

/// Returns the applied migrations; none for a new database.
///
/// # Errors
/// If the database fails.
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
