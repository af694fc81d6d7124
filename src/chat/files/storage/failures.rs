//! Failures of an S3 server: what they mean, and one line in the log now and then.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How often the log says that the server fails: each request would.
const LOGGED_EVERY: Duration = Duration::from_secs(10);

/// Clones share when the last failure was logged.
#[derive(Clone, Default)]
pub(super) struct Failures(Arc<Mutex<Option<Instant>>>);

impl Failures {
    /// [`ErrorKind::NotFound`] for a content that does not exist. All others are [`ErrorKind::NotConnected`]: the operator
    /// or the server can end them.
    pub fn of_server(&self, error: &object_store::Error) -> io::Error {
        let reason = reason(error);
        let is_missing = matches!(error, object_store::Error::NotFound { .. });
        if is_missing && !error.to_string().contains("NoSuchBucket") {
            return io::Error::new(ErrorKind::NotFound, reason);
        }
        if self.is_to_be_logged() {
            tracing::warn!(reason, "the storage of files failed");
        }
        io::Error::new(ErrorKind::NotConnected, reason)
    }

    fn is_to_be_logged(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_due = last.is_none_or(|last| now.duration_since(last) >= LOGGED_EVERY);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

/// What is wrong, for the log: without what the server wrote, which can repeat parts of the request.
fn reason(error: &object_store::Error) -> String {
    let text = error.to_string();
    let own = text.split_once(": <").map_or(&*text, |(own, _)| own);
    own.chars().filter(|c| !c.is_control()).take(300).collect()
}
