//! Liveness (`/up`) and readiness (`/ready`), for supervisors and load balancers.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::AppState;
use crate::kernel::ServiceError;

/// The minimum time between two test writes, for any number of requests.
const PAUSE: Duration = Duration::from_secs(1);
/// A test write that takes longer than this has failed.
const TIMEOUT: Duration = Duration::from_secs(2);

pub fn router() -> Router<AppState> {
    Router::new().route("/up", get(up)).route("/ready", get(ready))
}

/// 200 while the process serves. Does not use the database, so that a supervisor does not kill the process
/// because of a slow disk.
async fn up() -> &'static str {
    "ok\n"
}

/// The time of the last successful test write.
#[derive(Default)]
pub struct Readiness(Mutex<Option<Instant>>);

impl Readiness {
    /// Tests a write, because a read succeeds even on a full disk, with a writer that hangs, and on a read-only
    /// database.
    async fn check(&self, state: &AppState) -> Result<(), &'static str> {
        // The lock is held during the write, so that concurrent requests cause only one write.
        let mut last_write = self.0.lock().await;
        if last_write.is_some_and(|at| at.elapsed() < PAUSE) {
            return state.rooms.lobby().await.map(drop).map_err(|error| explain(&error));
        }
        *last_write = None;
        match timeout(TIMEOUT, state.db.test_write(state.clock.now())).await {
            Ok(Ok(())) => *last_write = Some(Instant::now()),
            Ok(Err(error)) => return Err(explain(&error.into())),
            Err(_) => return Err("the database takes too long to write\n"),
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
async fn ready(State(state): State<AppState>) -> (StatusCode, &'static str) {
    if state.lifecycle.stopping().is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match state.readiness.check(&state).await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}
