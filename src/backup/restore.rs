//! Verifying and restoring backups.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use sqlx::{Connection, SqliteConnection};

use super::integrity::Facts;
use super::{integrity, rerender};
use crate::backup::archive::{Archive, DATABASE, Manifest, UPLOADS};
use crate::backup::create as backup;
use crate::backup::scratch_dir;
use crate::backup::scratch_dir::explain_error;
use crate::chat::files::storage::{CONTENTS, Storage as FileStorage};
use crate::config::Storage;
use crate::data_dir::owner::Owner;
use crate::data_dir::{DataDir, EPOCH_NOTE, REPLACED};
use crate::db::migrations;
use crate::db::sqlite::file;
use crate::outgoing::HttpClient;
use crate::progress::Progress;

/// Options of a restore.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions<'a> {
    /// Replace existing data.
    pub replace: bool,
    /// Revoke all sessions and tokens.
    pub sign_out: bool,
    /// The new epoch.
    pub epoch: &'a str,
}

/// The files of Patio in a data directory. Other files stay unchanged.
const DATA_FILES: [&str; 6] =
    ["patio.db", "patio.db-wal", "patio.db-shm", EPOCH_NOTE, UPLOADS, CONTENTS];

/// Extracts a backup into a temporary folder next to it, or in the data directory, and checks
/// everything: hashes, lengths, the integrity check of `SQLite`, row counts, and the consistency of
/// rooms and messages.
///
/// # Errors
/// If the backup could not be restored.
pub async fn verify(path: &Path, storage: &Storage) -> anyhow::Result<Manifest> {
    let archive = Archive::open(path)?;
    // `/dev/stdin` is in no writable folder, but the file it resolves to is.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let places = [scratch_dir::folder_of(&real), &storage.data_dir];
    let work = scratch_dir::make(".patio-verify-", &places, archive.bytes())?;
    let (manifest, connection) = check(archive, work.path()).await?;
    connection.close().await?;
    Ok(manifest)
}

/// Restores a backup into the data directory. Nothing is changed before the backup is verified, and
/// a failure restores the previous state.
///
/// # Errors
/// If the directory is in use, or is not empty and `replace` is not set, or if the backup is not
/// valid.
pub async fn restore(
    path: &Path,
    storage: &Storage,
    options: RestoreOptions<'_>,
) -> anyhow::Result<Manifest> {
    let archive = Archive::open(path)?;
    let data_dir = DataDir::lock_exclusive(storage)?;
    data_dir.warn();
    let place = data_dir.path();
    ensure!(
        backup::database(storage)? == place.join(DATABASE),
        "a backup is restored into the data directory: unset DATABASE_URL"
    );
    if !options.replace && !data_dir.is_empty()? {
        bail!("{} is not empty: use --force to replace its contents", place.display());
    }
    let files = FileStorage::configured(&storage.files, place, &HttpClient::new())?;
    let work = scratch_dir::make_in(".restored-", place, archive.bytes())?;
    let (manifest, mut connection) = check(archive, work.path()).await?;
    integrity::renew(&mut connection, options.epoch).await?;
    rerender::rerender_messages(&mut connection).await?;
    if options.sign_out {
        integrity::sign_out(&mut connection).await?;
    }
    connection.close().await?;
    File::open(work.path().join(DATABASE))?.sync_all()?;
    if !files.is_in_data_dir() {
        put_contents(&files, &manifest, work.path()).await?;
    }
    if let Some(owner) = Owner::of(place) {
        for name in DATA_FILES.into_iter().filter(|name| work.path().join(name).exists()) {
            // A failure was already reported by `DataDir::warn`.
            drop(owner.chown_all(&work.path().join(name)));
        }
    }
    swap_in(place, work.path())?;
    Ok(manifest)
}

/// Moves the contents of files to where they are stored, before a database names them there.
async fn put_contents(files: &FileStorage, manifest: &Manifest, from: &Path) -> anyhow::Result<()> {
    let contents = || manifest.entries.iter().filter_map(|entry| Some((entry, entry.content()?)));
    let mut progress =
        Progress::new("storing files", contents().map(|(_, content)| content.size).sum());
    for (entry, content) in contents() {
        let path = from.join(&entry.path);
        let cannot = || format!("{} cannot be stored", entry.path);
        if files.size(&content.hash).await.with_context(cannot)? != Some(content.size) {
            files.put(&content, File::open(path)?).await.with_context(cannot)?;
        }
        progress.add(content.size);
    }
    // What is empty or not there is not swapped in.
    Ok(fs::remove_dir_all(from.join(CONTENTS)).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?)
}

/// Extracts and verifies an archive, and migrates its database.
async fn check(archive: Archive, into: &Path) -> anyhow::Result<(Manifest, SqliteConnection)> {
    let applied = &archive.manifest().migrations;
    let newest = applied.iter().copied().max().unwrap_or_default();
    let made_by = || format!("it was created by Patio {}", archive.manifest().patio);
    migrations::ensure_known(applied).with_context(made_by)?;
    let manifest = archive.unpack(into)?;
    let connection = file::open(&into.join(DATABASE)).await;
    let mut connection = connection
        .map_err(|error| explain_error(error, || "it does not contain a database".to_owned()))?;
    // Before any other query: a malicious database can have a view or trigger in place of a table.
    let foreign = file::foreign(&mut connection, newest).await.map_err(|error| {
        explain_error(error, || "it does not contain a Patio database".to_owned())
    })?;
    if let Some(foreign) = foreign {
        bail!("it contains no Patio database, or a modified one: no Patio has the {foreign}");
    }
    let facts = integrity::facts(&mut connection).await.map_err(|error| {
        explain_error(error, || "it does not contain a Patio database".to_owned())
    })?;
    let Manifest { migrations, epoch, rows, .. } = manifest.clone();
    ensure!(
        facts == Facts { migrations, epoch, rows },
        "the row counts of its database differ from the manifest"
    );
    file::migrate(&mut connection)
        .await
        .map_err(|error| explain_error(error, || "its database cannot be migrated".to_owned()))?;
    if let Some(violation) = integrity::violations(&mut connection).await?.into_iter().next() {
        bail!(violation);
    }
    let entries: BTreeSet<(&str, u64)> =
        manifest.entries.iter().map(|entry| (entry.path.as_str(), entry.bytes)).collect();
    for content in integrity::contents(&mut connection).await? {
        let is_there = entries.contains(&(content.path.as_str(), content.bytes));
        ensure!(is_there, "it does not contain {}", content.path);
    }
    Ok((manifest, connection))
}

/// Replaces Patio's files in `place` with those in `new`; both are on one file system. If the
/// machine crashes in the middle, the `REPLACED` folder remains, and no server starts on incomplete
/// data.
fn swap_in(place: &Path, new: &Path) -> anyhow::Result<()> {
    let old = place.join(REPLACED);
    fs::create_dir_all(&old)?;
    sync(place)?;
    let mut moved = Vec::new();
    let mut move_files = |from: &Path, to: &Path| -> io::Result<()> {
        for name in DATA_FILES.into_iter().filter(|name| from.join(name).exists()) {
            fs::rename(from.join(name), to.join(name))?;
            moved.push((from.join(name), to.join(name)));
        }
        Ok(())
    };
    let done =
        move_files(place, &old).and_then(|()| move_files(new, place)).and_then(|()| sync(place));
    if let Err(error) = done {
        for (from, to) in moved.iter().rev() {
            fs::rename(to, from).context("the previous data is in .replaced")?;
        }
        fs::remove_dir(&old)?;
        return Err(error).with_context(|| format!("cannot write into {}", place.display()));
    }
    fs::remove_dir_all(&old)?;
    Ok(sync(place)?)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
