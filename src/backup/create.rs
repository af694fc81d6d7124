//! Creating a backup while the server runs.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use sqlx::Connection;

use super::integrity;
use crate::backup::archive::{DATABASE, Entry, FORMAT, Manifest};
use crate::backup::scratch_dir::folder_of;
use crate::backup::{archive, scratch_dir};
use crate::chat::files::storage::Storage as FileStorage;
use crate::config::{DatabaseUrl, Storage};
use crate::data_dir::{DataDir, ensure_space};
use crate::db::migrations;
use crate::db::sqlite::file;
use crate::kernel::Timestamp;
use crate::outgoing::HttpClient;

/// Prefix of the temporary folder.
const PREFIX: &str = ".patio-backup-";

/// The destination of a backup.
pub enum Target {
    File {
        path: PathBuf,
        replace: bool,
    },
    /// Standard output.
    Stream,
}

/// Writes one archive of everything. Temporarily needs twice the size of the database as disk space
/// next to the archive (for a stream: its size once, in the data directory), and little memory. The
/// archive is either complete or not there at all.
///
/// # Errors
/// If there is no database, or the archive cannot be written.
pub async fn backup(
    storage: &Storage,
    target: &Target,
    now: Timestamp,
) -> anyhow::Result<Manifest> {
    let database = database(storage)?;
    ensure!(database.is_file(), "there is no database at {}", database.display());
    let in_use = DataDir::lock_shared(storage)?;
    let bytes = size(&database)?;
    let work = match target {
        Target::File { path, replace } => {
            if !replace && fs::symlink_metadata(path).is_ok() {
                bail!("{} exists: choose another name, or use --force", path.display());
            }
            // The copy of the database and the archive exist at the same time.
            scratch_dir::make_in(PREFIX, folder_of(path), bytes.saturating_mul(2))?
        }
        Target::Stream => scratch_dir::make(PREFIX, &[in_use.path()], bytes)?,
    };
    let copy = work.path().join(DATABASE);
    file::copy(&database, &copy).await?;
    let manifest = describe(&copy, now).await?;
    if let Target::File { path, .. } = target {
        let bytes = manifest.entries.iter().map(|entry| entry.bytes).sum();
        ensure_space(folder_of(path), bytes)?;
    }
    let temporary = work.path().join("archive");
    let to: Box<dyn Write + Send> = match target {
        Target::Stream => Box::new(io::stdout()),
        Target::File { .. } => Box::new(File::create_new(&temporary)?),
    };
    let files = FileStorage::configured(&storage.files, in_use.path(), &HttpClient::new())?;
    let written = manifest.clone();
    // Contents never change, and one that the copy names stays for a day after the last file that names it.
    let open = move |entry: &Entry| -> io::Result<Box<dyn Read>> {
        match entry.content() {
            Some(content) => files.read_waiting(&content),
            None => Ok(Box::new(File::open(&copy)?)),
        }
    };
    let write = move || archive::write(to, &written, open)?.flush().map_err(anyhow::Error::from);
    tokio::task::spawn_blocking(write).await??;
    if let Target::File { path, .. } = target {
        File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, path).with_context(|| format!("cannot write {}", path.display()))?;
        File::open(folder_of(path))?.sync_all()?;
    }
    Ok(manifest)
}

async fn describe(copy: &Path, now: Timestamp) -> anyhow::Result<Manifest> {
    let mut connection = file::open(copy).await?;
    migrations::ensure_known(&file::applied(&mut connection).await?)?;
    let facts = integrity::facts(&mut connection).await?;
    let contents = integrity::contents(&mut connection).await?;
    connection.close().await?;
    Ok(Manifest {
        format: FORMAT,
        patio: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.rfc3339(),
        migrations: facts.migrations,
        epoch: facts.epoch,
        rows: facts.rows,
        entries: std::iter::once(archive::measure(DATABASE, File::open(copy)?)?)
            .chain(contents)
            .collect(),
    })
}

/// The database file that the settings name.
///
/// # Errors
/// If the database is not a file.
pub fn database(storage: &Storage) -> anyhow::Result<PathBuf> {
    match storage.database() {
        None => Ok(storage.data_dir.join(DATABASE)),
        Some(DatabaseUrl::Sqlite(path)) => Ok(path.clone()),
        Some(DatabaseUrl::Postgres(_)) => {
            bail!(
                "patio backup works with SQLite only: on PostgreSQL use pg_dump and copy the rest of the \
                 data directory, or use patio export --full"
            )
        }
    }
}

/// The size of the database and its write-ahead log, which is not checkpointed yet.
fn size(database: &Path) -> io::Result<u64> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    Ok(fs::metadata(database)?.len() + fs::metadata(log).map_or(0, |log| log.len()))
}
