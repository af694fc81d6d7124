//! The migrations of each engine. From the first release on, a migration never changes and new ones are added at
//! the end.

use std::sync::LazyLock;

use anyhow::bail;
use sqlx::migrate::Migrator;

pub(super) static SQLITE: LazyLock<Migrator> =
    LazyLock::new(|| complete(sqlx::migrate!("migrations/sqlite")));
pub(super) static POSTGRES: LazyLock<Migrator> =
    LazyLock::new(|| complete(sqlx::migrate!("migrations/postgres")));

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

/// Refuses a database of another version that this program cannot migrate.
///
/// # Errors
/// If a newer Patio migrated it, or a build from before the first release created it.
pub(crate) fn ensure_known(applied: &[i64]) -> anyhow::Result<()> {
    if applied.iter().any(|version| *version < INITIAL) {
        bail!(
            "a build from before the first release created it: export it with that build \
             (patio export --full) and import the export with this one (patio import)"
        );
    }
    let known = newest();
    if let Some(version) = applied.iter().find(|version| **version > known) {
        bail!(
            "it was migrated by a newer Patio (schema version {version}; this one knows up to {known}): \
             run the newer Patio, or restore a backup"
        );
    }
    Ok(())
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
