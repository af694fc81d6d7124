//! Liveness (`/up`) and readiness (`/ready`), for supervisors and load balancers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::AppState;
use crate::chat::messages::Messages;
use crate::chat::rooms::Rooms;
use crate::db::Db;
use crate::kernel::{Clock, ServiceError};

/// The minimum time between two test writes, for any number of requests.
const PAUSE: Duration = Duration::from_secs(1);
/// A test write that takes longer than this has failed.
const TIMEOUT: Duration = Duration::from_secs(2);

const TOO_SLOW: &str = "the database takes too long to write\n";

pub fn router() -> Router<AppState> {
    Router::new().route("/up", get(up)).route("/ready", get(ready))
}

/// 200 while the process serves. Does not use the database, so that a supervisor does not kill the process
/// because of a slow disk.
async fn up() -> &'static str {
    "ok\n"
}

/// Whether this process can serve requests. Clones share the result of the last test write.
#[derive(Clone)]
pub struct Readiness {
    db: Db,
    rooms: Rooms,
    messages: Messages,
    clock: Clock,
    /// Cancelled when the server must not accept new requests.
    stopping: CancellationToken,
    /// The time of the last successful test write.
    last_write: Arc<Mutex<Option<Instant>>>,
}

impl Readiness {
    pub fn new(
        db: Db,
        (rooms, messages): (Rooms, Messages),
        clock: Clock,
        stopping: CancellationToken,
    ) -> Self {
        Self { db, rooms, messages, clock, stopping, last_write: Arc::default() }
    }

    /// Tests a write, because a read succeeds even on a full disk, with a writer that hangs, and on a read-only
    /// database.
    async fn check(&self) -> Result<(), &'static str> {
        if self.stopping.is_cancelled() {
            return Err("stopping\n");
        }
        // It has a connection of its own, which may be the only one that is lost.
        if self.messages.are_stored_slowly() {
            return Err(TOO_SLOW);
        }
        // The lock is held during the write, so that concurrent requests cause only one write.
        let mut last_write = self.last_write.lock().await;
        if last_write.is_some_and(|at| at.elapsed() < PAUSE) {
            return self.rooms.lobby().await.map(drop).map_err(|error| explain(&error));
        }
        *last_write = None;
        match timeout(TIMEOUT, self.db.test_write(self.clock.now())).await {
            Ok(Ok(())) => *last_write = Some(Instant::now()),
            Ok(Err(error)) => return Err(explain(&error.into())),
            Err(_) => return Err(TOO_SLOW),
        }
        Ok(())
    }
}

fn explain(error: &ServiceError) -> &'static str {
    tracing::error!(%error, "not ready: the write check failed");
    match error {
        ServiceError::StorageFull { .. } => "the disk is full or not writable\n",
        _ => "the database is unavailable\n",
    }
}

/// 200 if the database can be written and the server is not stopping.
async fn ready(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    match readiness.check().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}
