//! How fast a peer reads, and when that is too slow.
//!
//! Each byte that is taken counts for as long as it takes at the slowest pace; what a peer lets the
//! server wait beyond that is used up for good, over all answers of its connection. So who takes
//! nothing is given up as soon as who takes next to nothing for a long time, whatever it asks for
//! meanwhile. Only waiting counts: the time that the server itself needs does not.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::limits::connection::{SLOWEST_READER, WRITE_STALL};

pub(super) struct ReadRate {
    /// How long the peer may still let the server wait. Never more than at first: nobody saves up.
    left: Duration,
    /// Since when the server waits, and how long it does.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl ReadRate {
    pub fn new() -> Self {
        Self { left: WRITE_STALL, waiting: None }
    }

    /// So many bytes were taken.
    pub fn consumed(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.left = (self.left + Duration::from_secs(1) * bytes / SLOWEST_READER).min(WRITE_STALL);
    }

    /// Nothing is taken. Ready when that has lasted too long.
    pub fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let new = || (Instant::now(), Box::pin(sleep(left)));
        let (_, timer) = self.waiting.get_or_insert_with(new);
        timer.as_mut().poll(cx)
    }
}
