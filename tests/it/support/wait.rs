//! Bounded waits: a test fails instead of hanging when an expected change does not come.

use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Long enough for any machine. It is reached only if something is broken.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// Between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `condition` returns true, and panics with `what` if it does not within [`TIMEOUT`].
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            sleep(PAUSE).await;
        }
    };
    within(what, wait).await;
}

/// Waits for a future, and panics with `what` if it takes longer than [`TIMEOUT`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(TIMEOUT, future).await.unwrap_or_else(|_| panic!("timed out: {what}"))
}
