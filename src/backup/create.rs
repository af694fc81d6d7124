//! Making a backup, while the server runs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use sqlx::Connection;

use super::integrity;
use crate::backup::archive;
use crate::backup::archive::{DATABASE, FORMAT, Manifest};
use crate::backup::scratch_dir;
use crate::backup::scratch_dir::folder_of;
use crate::config::{DatabaseUrl, Storage};
use crate::data_dir::DataDir;
use crate::db::sqlite::file;
use crate::kernel::Timestamp;

/// Of the folder that is there while a backup is made.
const PREFIX: &str = ".patio-backup-";

/// Where a backup goes.
pub enum Target {
    File {
        path: PathBuf,
        replace: bool,
    },
    /// Standard output.
    Stream,
}

/// Writes one archive of everything. Needs as much room beside it (for a stream: in the data directory)
/// as the database takes, and little memory. What comes out is whole or not there at all.
///
/// # Errors
/// When there is nothing to keep, or the archive cannot be written.
pub async fn backup(
    storage: &Storage,
    target: &Target,
    now: Timestamp,
) -> anyhow::Result<Manifest> {
    let database = database(storage)?;
    ensure!(database.is_file(), "there is no database to keep at {}", database.display());
    let in_use = DataDir::lock_shared(storage)?;
    let bytes = size(&database)?;
    let work = match target {
        Target::File { path, replace } => {
            if !replace && fs::symlink_metadata(path).is_ok() {
                bail!("{} exists: choose another name, or say --force", path.display());
            }
            // The copy and the archive stand there for a moment together.
            scratch_dir::make_in(PREFIX, folder_of(path), bytes.saturating_mul(2))?
        }
        Target::Stream => scratch_dir::make(PREFIX, &[in_use.path()], bytes)?,
    };
    let copy = work.path().join(DATABASE);
    file::copy(&database, &copy).await?;
    let manifest = describe(&copy, now).await?;
    match target {
        Target::Stream => {
            archive::write(io::stdout().lock(), &manifest, |_| File::open(&copy))?.flush()?;
        }
        Target::File { path, .. } => {
            let unnamed = work.path().join("archive");
            let to = File::create_new(&unnamed)?;
            archive::write(to, &manifest, |_| File::open(&copy))?.sync_all()?;
            fs::rename(&unnamed, path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            File::open(folder_of(path))?.sync_all()?;
        }
    }
    Ok(manifest)
}

async fn describe(copy: &Path, now: Timestamp) -> anyhow::Result<Manifest> {
    let mut connection = file::open(copy).await?;
    let facts = integrity::facts(&mut connection).await?;
    connection.close().await?;
    Ok(Manifest {
        format: FORMAT,
        patio: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.rfc3339(),
        migrations: facts.migrations,
        epoch: facts.epoch,
        rows: facts.rows,
        entries: vec![archive::measure(DATABASE, File::open(copy)?)?],
    })
}

/// The file of the database that the settings name.
///
/// # Errors
/// When it is no file.
pub fn database(storage: &Storage) -> anyhow::Result<PathBuf> {
    match storage.database() {
        None => Ok(storage.data_dir.join(DATABASE)),
        Some(DatabaseUrl::Sqlite(path)) => Ok(path.clone()),
        Some(DatabaseUrl::Postgres(_)) => {
            bail!(
                "this Patio is on PostgreSQL, and backup is for SQLite: use pg_dump and copy what else \
                 is in the data directory, or patio export --full"
            )
        }
    }
}

/// Of the database and of what was not folded into it yet.
fn size(database: &Path) -> io::Result<u64> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    Ok(fs::metadata(database)?.len() + fs::metadata(log).map_or(0, |log| log.len()))
}
