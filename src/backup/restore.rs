//! Proving that a backup can be restored, and restoring it.

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
use crate::config::Storage;
use crate::data_dir::EPOCH_NOTE;
use crate::data_dir::owner::Owner;
use crate::data_dir::{DataDir, REPLACED};
use crate::db::sqlite::file;

/// How a backup is put back.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions<'a> {
    /// What is there may be replaced.
    pub replace: bool,
    /// Everybody has to sign in again.
    pub sign_out: bool,
    /// The name of the history that begins with it.
    pub epoch: &'a str,
}

/// Everything of Patio's in a data directory. What else is there stays.
const OURS: [&str; 5] = ["patio.db", "patio.db-wal", "patio.db-shm", EPOCH_NOTE, UPLOADS];

/// Unpacks a backup beside it, or else in the data directory, and proves all of it: hashes, lengths, the
/// database's own integrity, counts, and that rooms and messages fit together.
///
/// # Errors
/// When it could not be restored.
pub async fn verify(path: &Path, storage: &Storage) -> anyhow::Result<Manifest> {
    let archive = Archive::open(path)?;
    // What standard input is called leads nowhere; what it is does.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let places = [scratch_dir::folder_of(&real), &storage.data_dir];
    let work = scratch_dir::make(".patio-verify-", &places, archive.bytes())?;
    let (manifest, connection) = check(archive, work.path()).await?;
    connection.close().await?;
    Ok(manifest)
}

/// Puts a backup into the data directory. Until it is proved nothing there is touched; a failure
/// leaves it as it was.
///
/// # Errors
/// When the directory is in use, or not empty and not to be replaced; when the backup is not sound.
pub async fn restore(
    path: &Path,
    storage: &Storage,
    how: RestoreOptions<'_>,
) -> anyhow::Result<Manifest> {
    let archive = Archive::open(path)?;
    let data_dir = DataDir::lock_exclusive(storage)?;
    data_dir.warn();
    let place = data_dir.path();
    ensure!(
        backup::database(storage)? == place.join(DATABASE),
        "a backup goes into the data directory: unset DATABASE_URL"
    );
    if !how.replace && !data_dir.is_empty()? {
        bail!("{} is not empty: say --force to replace what is there", place.display());
    }
    let work = scratch_dir::make_in(".restored-", place, archive.bytes())?;
    let (manifest, mut connection) = check(archive, work.path()).await?;
    integrity::renew(&mut connection, how.epoch).await?;
    rerender::rerender_messages(&mut connection).await?;
    if how.sign_out {
        integrity::sign_out(&mut connection).await?;
    }
    connection.close().await?;
    File::open(work.path().join(DATABASE))?.sync_all()?;
    if let Some(owner) = Owner::of(place) {
        for name in OURS.into_iter().filter(|name| work.path().join(name).exists()) {
            // Where that is not allowed it was said before.
            drop(owner.chown_all(&work.path().join(name)));
        }
    }
    swap_in(place, work.path())?;
    Ok(manifest)
}

/// Unpacks it into a folder and brings its database up to date there.
async fn check(archive: Archive, into: &Path) -> anyhow::Result<(Manifest, SqliteConnection)> {
    let newest = archive.manifest().migrations.iter().copied().max().unwrap_or_default();
    ensure!(
        newest <= file::newest_migration(),
        "it was made by a newer Patio ({}): use that one",
        archive.manifest().patio
    );
    let manifest = archive.unpack(into)?;
    let connection = file::open(&into.join(DATABASE)).await;
    let mut connection =
        connection.map_err(|error| explain_error(error, || "it holds no database".to_owned()))?;
    // Before anything else is asked of it: a view can answer in the place of a table.
    let foreign = file::foreign(&mut connection, newest)
        .await
        .map_err(|error| explain_error(error, || "it holds no database of Patio".to_owned()))?;
    if let Some(foreign) = foreign {
        bail!("it holds no database of Patio, or a changed one: no Patio has the {foreign}");
    }
    let facts = integrity::facts(&mut connection)
        .await
        .map_err(|error| explain_error(error, || "it holds no database of Patio".to_owned()))?;
    let Manifest { migrations, epoch, rows, .. } = manifest.clone();
    ensure!(
        facts == Facts { migrations, epoch, rows },
        "its database has not the rows that its manifest says"
    );
    file::migrate(&mut connection).await.map_err(|error| {
        explain_error(error, || "its database cannot be brought up to date".to_owned())
    })?;
    if let Some(complaint) = integrity::violations(&mut connection).await?.into_iter().next() {
        bail!(complaint);
    }
    Ok((manifest, connection))
}

/// Puts what is in `new` in the place of what Patio has in `place`, both on one file system. Should
/// the machine fail in the middle, `REPLACED` remains, and no server starts on a half.
fn swap_in(place: &Path, new: &Path) -> anyhow::Result<()> {
    let old = place.join(REPLACED);
    fs::create_dir_all(&old)?;
    sync(place)?;
    let mut moved = Vec::new();
    let mut shift = |from: &Path, to: &Path| -> io::Result<()> {
        for name in OURS.into_iter().filter(|name| from.join(name).exists()) {
            fs::rename(from.join(name), to.join(name))?;
            moved.push((from.join(name), to.join(name)));
        }
        Ok(())
    };
    let done = shift(place, &old).and_then(|()| shift(new, place)).and_then(|()| sync(place));
    if let Err(error) = done {
        for (from, to) in moved.iter().rev() {
            fs::rename(to, from).context("what was there before is in .replaced")?;
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
