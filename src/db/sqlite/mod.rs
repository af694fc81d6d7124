//! `SQLite` with Patio's settings: a commit is on disk before it is acknowledged, reads never wait for
//! writes, and only one connection writes.

pub mod checkpoint;
pub mod file;
pub mod pool;
mod pre_migration_backup;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, ensure};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use self::checkpoint::Checkpointer;
use super::{Db, Pool};
use crate::data_dir::owner;

pub(super) const READERS: usize = 4;
/// Rows that the database thread may read ahead: more than most results have, so that it and the caller do
/// not wake each other up for each row.
const ROW_BUFFER: usize = 512;
/// Older versions can corrupt the file when one connection writes while another one checkpoints.
const OLDEST_VERSION: [u32; 3] = [3, 51, 3];

pub(super) async fn open(path: &Path) -> anyhow::Result<Db> {
    let cannot = || format!("cannot use the database {}", path.display());
    owner::ensure_usable(&owner::files(path))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    owner::prepare(path, folder.unwrap_or(Path::new("."))).with_context(cannot)?;
    file::ensure_patio_database(path).await.with_context(cannot)?;
    let options = SqliteConnectOptions::from_str("sqlite:")?
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL and not NORMAL: with NORMAL a power cut may take back what was acknowledged.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("temp_store", "memory")
        .pragma("trusted_schema", "off")
        // Overwrites deleted content instead of only marking it as free.
        .pragma("secure_delete", "on")
        .pragma("journal_size_limit", "67108864")
        .pragma("wal_autocheckpoint", checkpoint::AUTO_CHECKPOINT_PAGES)
        // Enough for all rows of a page: with a full buffer, the database thread waits for the caller.
        .row_buffer_size(256)
        .statement_cache_capacity(256);

    let writing = options.clone().create_if_missing(true).pragma("cache_size", "-65536");
    let cannot = || format!("cannot open the database {}", path.display());
    let write = Pool::open(writing, 1).await.with_context(cannot)?;
    let mut connection = write.acquire().await?;
    let (version,): (String,) =
        sqlx::query_as("select sqlite_version()").fetch_one(&mut *connection).await?;
    ensure_version(&version)?;
    let cannot = || format!("cannot migrate the database {}", path.display());
    pre_migration_backup::back_up(&mut connection, path).await.with_context(cannot)?;
    file::migrate(&mut connection).await.with_context(cannot)?;
    drop(connection);
    let wal = Checkpointer::of(path, options.clone());
    let options =
        options.read_only(true).row_buffer_size(ROW_BUFFER).pragma("cache_size", "-16384");
    let read = Pool::open(options, READERS).await?;
    Ok(Db::Sqlite { write, read, wal })
}

/// Checks the version at run time: a build may be linked with the system's library.
fn ensure_version(version: &str) -> anyhow::Result<()> {
    let numbers: Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
    ensure!(
        numbers.is_ok_and(|numbers| numbers.as_slice() >= OLDEST_VERSION.as_slice()),
        "SQLite {version} can corrupt databases: 3.51.3 or newer is required"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_version_that_can_corrupt_databases_is_refused() {
        for good in ["3.51.3", "3.53.0", "4.0.0", "3.100.1"] {
            assert!(ensure_version(good).is_ok(), "{good}");
        }
        for bad in ["3.51.2", "3.50.9", "2.99.99", "", "new"] {
            assert!(ensure_version(bad).is_err(), "{bad}");
        }
    }
}
