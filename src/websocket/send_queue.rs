//! Bytes that wait for a socket which did not take them at once.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use tokio::sync::Notify;

use crate::kernel::metrics::Gauge;
use crate::websocket::{SHED_THRESHOLD, SocketMetrics};

/// Whole frames, or the rest of one, in their order. Takes no memory while nothing waits.
pub(super) struct SendQueue {
    parts: VecDeque<Bytes>,
    length: usize,
    /// What waits in all queues together.
    all: Gauge,
    /// Who makes room when that is too much.
    crowded: Arc<Notify>,
}

impl SendQueue {
    pub fn new(meters: &SocketMetrics) -> Self {
        let (all, crowded) = (meters.queued.clone(), meters.queues_full.clone());
        Self { parts: VecDeque::new(), length: 0, all, crowded }
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Bytes that wait in all queues together.
    pub fn all(&self) -> usize {
        usize::try_from(self.all.get()).unwrap_or(usize::MAX)
    }

    pub fn front(&self) -> Option<&Bytes> {
        self.parts.front()
    }

    pub fn push(&mut self, bytes: Bytes) {
        self.grow(bytes.len());
        self.parts.push_back(bytes);
    }

    /// Puts something before all that waits.
    pub fn push_first(&mut self, bytes: Bytes) {
        self.grow(bytes.len());
        self.parts.push_front(bytes);
    }

    /// So many bytes of the front are gone.
    pub fn consume(&mut self, written: usize) {
        if let Some(front) = self.parts.front_mut() {
            front.advance(written);
            if front.is_empty() {
                self.parts.pop_front();
            }
        }
        self.shrink(written);
        if self.parts.is_empty() {
            // What a slow moment took is given back.
            self.parts = VecDeque::new();
        }
    }

    pub fn clear(&mut self) {
        self.parts = VecDeque::new();
        self.shrink(self.length);
    }

    fn grow(&mut self, more: usize) {
        self.length += more;
        self.all.increase(more);
        if self.all() > SHED_THRESHOLD {
            self.crowded.notify_one();
        }
    }

    fn shrink(&mut self, less: usize) {
        self.length = self.length.saturating_sub(less);
        self.all.decrease(less);
    }

    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.parts.capacity()
    }
}

impl Drop for SendQueue {
    fn drop(&mut self) {
        self.all.decrease(self.length);
    }
}
