//! The minimum reading rate of a peer.
//!
//! A peer has a time budget for blocked writes, over all responses of its connection. Waiting uses it up; each
//! byte that the peer reads adds the time it takes at the slowest allowed rate. So a peer that reads nothing is
//! dropped, and so is one that reads almost nothing for a long time, even if it sends new requests. Only blocked
//! writes count, not the server's own work.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::limits::connection::{SLOWEST_READER, WRITE_STALL};

pub(super) struct ReadRate {
    /// The remaining budget. It never exceeds the initial one, so a fast peer cannot accumulate time.
    left: Duration,
    /// Since when a write is blocked, and the timer of the remaining budget.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl ReadRate {
    pub fn new() -> Self {
        Self { left: WRITE_STALL, waiting: None }
    }

    /// Reports that the peer has read bytes.
    pub fn consumed(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.left = (self.left + Duration::from_secs(1) * bytes / SLOWEST_READER).min(WRITE_STALL);
    }

    /// Called while a write is blocked. Ready when the budget is used up.
    pub fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let new = || (Instant::now(), Box::pin(sleep(left)));
        let (_, timer) = self.waiting.get_or_insert_with(new);
        timer.as_mut().poll(cx)
    }
}
