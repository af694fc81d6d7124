//! The migrations of each engine. From the first release on, a migration never changes and new ones are added at
//! the end.
//!
//! While servers are updated one after the other, older ones use a database that newer ones have migrated. So a
//! migration adds what older releases ignore. One that takes away what they need raises `oldest_version` in `settings`
//! to its own number: releases that do not know it are refused.

use std::sync::LazyLock;

use anyhow::bail;
use sqlx::migrate::Migrator;

pub(super) static SQLITE: LazyLock<Migrator> =
    LazyLock::new(|| ignoring_newer(complete(sqlx::migrate!("migrations/sqlite"))));
pub(super) static POSTGRES: LazyLock<Migrator> =
    LazyLock::new(|| ignoring_newer(complete(sqlx::migrate!("migrations/postgres"))));

/// The number of the initial migration. Lower numbers were used before the first release, for tables that no
/// longer exist.
const INITIAL: i64 = 20;

/// Returns the number of the last migration that this program knows. Both engines have the same numbers.
pub(crate) fn newest() -> i64 {
    SQLITE.iter().map(|migration| migration.version).max().unwrap_or(INITIAL)
}

/// Returns the first migration that is not applied yet.
pub(super) fn next(applied: &[i64]) -> Option<i64> {
    SQLITE.iter().map(|migration| migration.version).find(|known| !applied.contains(known))
}

/// The schema of an existing database.
pub(super) struct SchemaVersion {
    /// The applied migrations; none for a new database.
    pub applied: Vec<i64>,
    /// `oldest_version` in `settings`: the migration that a release must know at least.
    pub oldest: Option<i64>,
}

impl SchemaVersion {
    /// Refuses a database that this program cannot use or migrate. Unknown newer migrations alone are no reason.
    ///
    /// # Errors
    /// If it requires a newer Patio, or a build from before the first release created it.
    pub(super) fn ensure_usable(&self) -> anyhow::Result<()> {
        ensure_released(&self.applied)?;
        ensure_newest_is(self.oldest.unwrap_or(INITIAL))
    }
}

/// Refuses a database whose schema this program does not know exactly, as a copy for others must be.
///
/// # Errors
/// If a newer Patio migrated it, or a build from before the first release created it.
pub(crate) fn ensure_known(applied: &[i64]) -> anyhow::Result<()> {
    ensure_released(applied)?;
    ensure_newest_is(applied.iter().copied().max().unwrap_or(INITIAL))
}

fn ensure_released(applied: &[i64]) -> anyhow::Result<()> {
    if applied.iter().any(|version| *version < INITIAL) {
        bail!(
            "a build from before the first release created it: export it with that build \
             (patio export --full) and import the export with this one (patio import)"
        );
    }
    Ok(())
}

fn ensure_newest_is(required: i64) -> anyhow::Result<()> {
    let known = newest();
    if required > known {
        bail!(
            "it was migrated by a newer Patio (schema version {required}; this one knows up to {known}): \
             run the newer Patio, or restore a backup"
        );
    }
    Ok(())
}

/// Unknown migrations are those of newer releases.
fn ignoring_newer(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

#[cfg(not(debug_assertions))]
fn complete(migrator: Migrator) -> Migrator {
    migrator
}

/// Adds one more migration if `TEST_MIGRATION` is set, so that the tests can upgrade a database of this build. Not
/// in release builds.
#[cfg(debug_assertions)]
fn complete(migrator: Migrator) -> Migrator {
    use sqlx::migrate::{Migration, MigrationType};

    if std::env::var_os("TEST_MIGRATION").is_none() {
        return migrator;
    }
    let sql = sqlx::SqlStr::from_static("create table added_by_a_test (id bigint)");
    let kind = MigrationType::Simple;
    let next = migrator.iter().map(|known| known.version).max().unwrap_or(INITIAL) + 1;
    let last = Migration::new(next, "added by a test".into(), kind, sql, false);
    Migrator::with_migrations(migrator.iter().cloned().chain([last]).collect())
}
