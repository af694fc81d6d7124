//! Copies the database before a migration, so that the user can return to the previous version.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sqlx::SqliteConnection;

use crate::data_dir::free_space;
use crate::db::migrations;
use crate::db::sqlite::file;

/// How many copies are kept.
const KEEP: usize = 3;

/// Copies the database to `NAME.before-NUMBER` in the same directory if a migration is due. A new database
/// and an up-to-date one are not copied. Without enough disk space the copy is skipped: an unattended
/// update must not end in a server that does not start.
///
/// # Errors
/// If the copy cannot be written.
pub(super) async fn back_up(
    connection: &mut SqliteConnection,
    database: &Path,
) -> anyhow::Result<()> {
    let applied = file::applied(connection).await?;
    let (Some(_), Some(next)) = (applied.last(), migrations::next(&applied)) else {
        return Ok(());
    };
    let (bytes,): (i64,) =
        sqlx::query_as("select page_count * page_size from pragma_page_count, pragma_page_size")
            .fetch_one(connection)
            .await?;
    let directory = database.parent().unwrap_or(Path::new("."));
    let copy = backup_path(database, &format!("before-{next:04}"));
    // Twice the size, because the migration writes too.
    let needed = u64::try_from(bytes)?.saturating_mul(2);
    if free_space(directory) < needed {
        tracing::warn!(
            needed,
            "not enough disk space for a copy of the database before the migration"
        );
        return Ok(());
    }
    let unfinished = backup_path(database, "before-unfinished");
    if unfinished.exists() {
        fs::remove_file(&unfinished)?;
    }
    file::copy(database, &unfinished).await?;
    fs::rename(&unfinished, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
    tracing::info!(copy = %copy.display(), "copied the database before the migration");
    Ok(prune(database)?)
}

fn backup_path(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".");
    path.push(suffix);
    path.into()
}

/// Deletes all copies but the newest [`KEEP`].
fn prune(database: &Path) -> std::io::Result<()> {
    let name = backup_path(database, "before-");
    let prefix = name.file_name().map(|name| name.to_string_lossy().into_owned());
    let prefix = prefix.unwrap_or_default();
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(database.parent().unwrap_or(Path::new(".")))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            found.push(entry.path());
        }
    }
    found.sort();
    for old in found.iter().rev().skip(KEEP) {
        fs::remove_file(old)?;
    }
    Ok(())
}
