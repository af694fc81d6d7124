//! `SQLite`'s write-ahead log, folded into the file beside the writer.
//!
//! By itself `SQLite` folds it in the middle of a commit, and whoever waits for that commit waits until a
//! thousand pages stand in as many places and are synced: 40 ms with ten million messages. Here it is
//! folded by a connection that does nothing else, while others write on. Should they write faster than it
//! folds, the log would never be begun anew and grow: then they wait for a moment, but for the short
//! rest that came meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sqlx::sqlite::SqliteConnectOptions;

use crate::db::sqlite::pool::{Pool, PooledConnection};

/// Pages that are worth a fold.
const CHECKPOINT_PAGES: i64 = 1_000;
/// Pages after which the log is begun anew: 32 MB.
const RESTART_PAGES: i64 = 8_192;
/// How many pages the writer folds itself: where nothing folds beside it, as on the command line.
pub(in crate::db) const AUTO_CHECKPOINT_PAGES: &str = "16384";
/// How long to stand in others' way, or to wait for them.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub struct Checkpointer {
    file: PathBuf,
    connections: Pool,
    /// When the log was written to, as of the last look.
    seen: Arc<Mutex<Option<SystemTime>>>,
}

/// How many pages the log has, and how many of them are folded.
#[derive(sqlx::FromRow)]
struct State {
    log: i64,
    checkpointed: i64,
}

impl Checkpointer {
    /// Of the database at `path`. No connection is opened before there is something to fold.
    pub(in crate::db) fn of(path: &Path, options: SqliteConnectOptions) -> Self {
        let mut file = path.as_os_str().to_owned();
        file.push("-wal");
        let connections = Pool::closed(options.busy_timeout(BUSY_TIMEOUT), 1);
        Self { file: file.into(), connections, seen: Arc::default() }
    }

    /// Folds what has gathered, if it is worth it. Costs next to nothing where nobody wrote.
    pub(in crate::db) async fn checkpoint(&self) -> sqlx::Result<()> {
        if !self.is_written() {
            return Ok(());
        }
        let mut connection = self.connections.acquire().await?;
        let State { log, checkpointed } = run_checkpoint(&mut connection, NOOP).await?;
        if log - checkpointed < CHECKPOINT_PAGES {
            return Ok(());
        }
        let State { log, checkpointed } = run_checkpoint(&mut connection, PASSIVE).await?;
        // Somebody who reads for long keeps the rest from being folded; then it would be for nothing.
        if log >= RESTART_PAGES && log - checkpointed < CHECKPOINT_PAGES {
            run_checkpoint(&mut connection, RESTART).await?;
        }
        Ok(())
    }

    pub(in crate::db) async fn close_idle(&self) {
        self.connections.close_idle().await;
    }

    pub(in crate::db) async fn close(&self) {
        self.connections.close().await;
    }

    /// Whether somebody wrote since the last look.
    fn is_written(&self) -> bool {
        let now = fs::metadata(&self.file).and_then(|file| file.modified()).ok();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *seen, now) != now
    }
}

/// Changes nothing.
const NOOP: &str = "pragma wal_checkpoint(noop)";
/// Folds what is there when it begins, and holds nobody up.
const PASSIVE: &str = "pragma wal_checkpoint(passive)";
/// Folds all, and lets the next who writes begin at the log's front.
const RESTART: &str = "pragma wal_checkpoint(restart)";

async fn run_checkpoint(
    connection: &mut PooledConnection,
    pragma: &'static str,
) -> sqlx::Result<State> {
    sqlx::query_as(pragma).fetch_one(&mut **connection).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, writing};

    /// A new database, and its log.
    async fn database() -> (tempfile::TempDir, Db, Checkpointer) {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let Db::Sqlite { wal, .. } = &db else { panic!("it is SQLite") };
        let wal = wal.clone();
        (folder, db, wal)
    }

    /// Writes so many pages to the log, and some more.
    async fn write(db: &Db, pages: usize) {
        let mut change = db.begin().await.expect("a change");
        let text = "x".repeat(pages * 4096);
        writing!(change, |connection| {
            sqlx::query("insert into meta (name, value) values ($1, $2)")
                .bind(pages.to_string())
                .bind(text)
                .execute(connection)
                .await
                .expect("it is written")
                .rows_affected()
        });
        change.commit().await.expect("a commit");
    }

    async fn state(wal: &Checkpointer) -> State {
        let mut connection = wal.connections.acquire().await.expect("a connection");
        run_checkpoint(&mut connection, NOOP).await.expect("how it stands")
    }

    #[tokio::test]
    async fn what_gathers_in_the_log_is_folded_once_it_is_worth_it() {
        let (_folder, db, wal) = database().await;
        wal.checkpoint().await.expect("a fold");
        assert_eq!(state(&wal).await.checkpointed, 0, "a new database is too little");
        write(&db, 1_100).await;
        assert_eq!(state(&wal).await.checkpointed, 0, "the writer does not fold");
        wal.checkpoint().await.expect("a fold");
        let State { log, checkpointed } = state(&wal).await;
        assert!(log > 1_100 && checkpointed == log, "{checkpointed} of {log} pages");
    }

    #[tokio::test]
    async fn a_log_that_has_grown_is_begun_anew() {
        let (_folder, db, wal) = database().await;
        write(&db, 8_300).await;
        wal.checkpoint().await.expect("a fold");
        write(&db, 10).await;
        let State { log, .. } = state(&wal).await;
        assert!(log < 8_300, "{log} pages are in it");
    }

    #[tokio::test]
    async fn a_long_reading_keeps_nobody_from_writing() {
        let (_folder, db, wal) = database().await;
        let mut reading = db.begin_read_snapshot().await.expect("a snapshot");
        let count: (i64,) = writing!(reading, |connection| {
            sqlx::query_as("select count(*) from meta").fetch_one(connection).await.expect("it")
        });
        write(&db, 8_300).await;
        wal.checkpoint().await.expect("a fold that cannot be finished");
        write(&db, 10).await;
        let again: (i64,) = writing!(reading, |connection| {
            sqlx::query_as("select count(*) from meta").fetch_one(connection).await.expect("it")
        });
        assert_eq!(again, count, "it still reads the same moment");
    }
}
