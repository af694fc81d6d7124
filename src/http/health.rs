//! Whether the process lives, and whether it can work. For supervisors and load balancers.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use super::Site;

pub fn router() -> Router<Site> {
    Router::new().route("/up", get(up)).route("/ready", get(ready))
}

/// 200 while the process serves. Touches nothing, so that a slow disk is no reason to kill it.
async fn up() -> &'static str {
    "ok\n"
}

/// 200 when the database answers and no stop was asked for.
async fn ready(State(site): State<Site>) -> (StatusCode, &'static str) {
    if site.lifecycle.stopping().is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match site.rooms.lobby().await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
