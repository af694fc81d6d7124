//! Whether the process lives, and whether it can work. For supervisors and load balancers.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::AppState;
use crate::kernel::ServiceError;

/// How often something is written at most, however many ask.
const PAUSE: Duration = Duration::from_secs(1);
/// A write that takes longer than this is as good as none.
const TIMEOUT: Duration = Duration::from_secs(2);

pub fn router() -> Router<AppState> {
    Router::new().route("/up", get(up)).route("/ready", get(ready))
}

/// 200 while the process serves. Touches nothing, so that a slow disk is no reason to kill it.
async fn up() -> &'static str {
    "ok\n"
}

/// When something could be stored last.
#[derive(Default)]
pub struct Readiness(Mutex<Option<Instant>>);

impl Readiness {
    /// Writes, because a read succeeds on a full disk, beside a writer that hangs and on a read-only
    /// database.
    async fn check(&self, site: &AppState) -> Result<(), &'static str> {
        // Held while trying, so that many who ask at once try once.
        let mut stored = self.0.lock().await;
        if stored.is_some_and(|at| at.elapsed() < PAUSE) {
            return site.rooms.lobby().await.map(drop).map_err(|fault| explain(&fault));
        }
        *stored = None;
        match timeout(TIMEOUT, site.db.test_write(site.clock.now())).await {
            Ok(Ok(())) => *stored = Some(Instant::now()),
            Ok(Err(error)) => return Err(explain(&error.into())),
            Err(_) => return Err("the database takes too long to store something\n"),
        }
        Ok(())
    }
}

fn explain(error: &ServiceError) -> &'static str {
    tracing::error!(%error, "not ready: nothing can be stored");
    match error {
        ServiceError::StorageFull { .. } => "the disk is full or cannot be written to\n",
        _ => "the database does not answer\n",
    }
}

/// 200 when something can be stored and no stop was asked for.
async fn ready(State(site): State<AppState>) -> (StatusCode, &'static str) {
    if site.lifecycle.stopping().is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match site.readiness.check(&site).await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    }
}
