//! Checkpoints of `SQLite`'s write-ahead log (WAL), beside the writer.
//!
//! By default `SQLite` checkpoints during a commit, and the caller of that commit waits until a thousand
//! pages are written to as many positions and synced: 40 ms with ten million messages. Here a dedicated
//! connection checkpoints while others write. If writes outpace it, the WAL would never restart from its
//! front and would grow without bound. So past 32 MB a RESTART checkpoint briefly blocks writers, for the
//! few pages written since the checkpoint before it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sqlx::sqlite::SqliteConnectOptions;

use crate::db::sqlite::pool::{Pool, PooledConnection};

/// Pages in the WAL that are worth a checkpoint.
const CHECKPOINT_PAGES: i64 = 1_000;
/// Pages after which the WAL restarts from its front: 32 MB.
const RESTART_PAGES: i64 = 8_192;
/// Pages after which the writer checkpoints itself. For processes without a checkpointer, such as the
/// command line.
pub(in crate::db) const AUTO_CHECKPOINT_PAGES: &str = "16384";
/// How long a RESTART checkpoint waits for other connections, and so blocks writers.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub struct Checkpointer {
    file: PathBuf,
    connections: Pool,
    /// The modification time of the WAL at the last check.
    seen: Arc<Mutex<Option<SystemTime>>>,
}

/// The number of pages in the WAL, and how many of them are checkpointed.
#[derive(sqlx::FromRow)]
struct State {
    log: i64,
    checkpointed: i64,
}

impl Checkpointer {
    /// Creates a checkpointer for the database at `path`. It connects when the first checkpoint is due.
    pub(in crate::db) fn of(path: &Path, options: SqliteConnectOptions) -> Self {
        let mut file = path.as_os_str().to_owned();
        file.push("-wal");
        let connections = Pool::closed(options.busy_timeout(BUSY_TIMEOUT), 1);
        Self { file: file.into(), connections, seen: Arc::default() }
    }

    /// Checkpoints the WAL if it has grown enough. Costs almost nothing if there were no writes.
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
        // A long read transaction keeps its pages from being checkpointed. RESTART would then block writers
        // without effect.
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

    /// Whether the WAL was written since the last check.
    fn is_written(&self) -> bool {
        let now = fs::metadata(&self.file).and_then(|file| file.modified()).ok();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *seen, now) != now
    }
}

/// Only reports the state.
const NOOP: &str = "pragma wal_checkpoint(noop)";
/// Checkpoints the pages that exist when it starts, and blocks no one.
const PASSIVE: &str = "pragma wal_checkpoint(passive)";
/// Checkpoints all pages, and makes the next writer restart from the front of the WAL.
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
    use crate::db::{Db, Transaction, execute, fetch_scalar};

    /// A new database with its checkpointer.
    async fn database() -> (tempfile::TempDir, Db, Checkpointer) {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let Db::Sqlite { wal, .. } = &db else { panic!("it is SQLite") };
        let wal = wal.clone();
        (folder, db, wal)
    }

    /// Writes at least this many pages to the WAL.
    async fn write(db: &Db, pages: usize) {
        let mut transaction = db.begin().await.expect("a transaction");
        let text = "x".repeat(pages * 4096);
        execute!(
            transaction,
            "insert into settings (name, value) values ($1, $2)",
            pages.to_string(),
            text
        )
        .expect("it is written");
        transaction.commit().await.expect("a commit");
    }

    async fn count_rows(snapshot: &mut Transaction) -> i64 {
        fetch_scalar!(snapshot, "select count(*) from settings").expect("the number of rows")
    }

    async fn state(wal: &Checkpointer) -> State {
        let mut connection = wal.connections.acquire().await.expect("a connection");
        run_checkpoint(&mut connection, NOOP).await.expect("the state")
    }

    #[tokio::test]
    async fn a_checkpoint_runs_once_the_log_has_grown_enough() {
        let (_folder, db, wal) = database().await;
        wal.checkpoint().await.expect("a checkpoint");
        assert_eq!(state(&wal).await.checkpointed, 0, "a new database is too little");
        write(&db, 1_100).await;
        assert_eq!(state(&wal).await.checkpointed, 0, "the writer does not checkpoint");
        wal.checkpoint().await.expect("a checkpoint");
        let State { log, checkpointed } = state(&wal).await;
        assert!(log > 1_100 && checkpointed == log, "{checkpointed} of {log} pages");
    }

    #[tokio::test]
    async fn a_grown_log_restarts_from_its_front() {
        let (_folder, db, wal) = database().await;
        write(&db, 8_300).await;
        wal.checkpoint().await.expect("a checkpoint");
        write(&db, 10).await;
        let State { log, .. } = state(&wal).await;
        assert!(log < 8_300, "{log} pages are in it");
    }

    #[tokio::test]
    async fn a_long_read_transaction_does_not_block_writes() {
        let (_folder, db, wal) = database().await;
        let mut snapshot = db.begin_read_snapshot().await.expect("a snapshot");
        let count = count_rows(&mut snapshot).await;
        write(&db, 8_300).await;
        wal.checkpoint().await.expect("a partial checkpoint");
        write(&db, 10).await;
        let again = count_rows(&mut snapshot).await;
        assert_eq!(again, count, "it still reads the same snapshot");
    }
}
