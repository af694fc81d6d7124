//! The queue of bytes that one socket has not taken yet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::{Buf as _, Bytes};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;

use crate::websocket::{SHED_THRESHOLD, SocketMetrics};

/// Whole frames, or the rest of a frame, in order. An empty queue takes no memory.
pub(super) struct SendQueue {
    parts: VecDeque<Bytes>,
    length: usize,
    /// Bytes in all send queues together.
    all: Gauge<u64, AtomicU64>,
    /// Wakes the dispatcher when all queues together are too full.
    queues_full: Arc<Notify>,
}

impl SendQueue {
    pub fn new(metrics: &SocketMetrics) -> Self {
        Self {
            parts: VecDeque::new(),
            length: 0,
            all: metrics.queued.clone(),
            queues_full: metrics.queues_full.clone(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns the bytes in all send queues together.
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

    /// Puts bytes before all others.
    pub fn push_first(&mut self, bytes: Bytes) {
        self.grow(bytes.len());
        self.parts.push_front(bytes);
    }

    /// Removes `written` bytes from the front part.
    pub fn consume(&mut self, written: usize) {
        if let Some(front) = self.parts.front_mut() {
            front.advance(written);
            if front.is_empty() {
                self.parts.pop_front();
            }
        }
        self.shrink(written);
        if self.parts.is_empty() {
            // Frees the memory that a slow moment allocated.
            self.parts = VecDeque::new();
        }
    }

    pub fn clear(&mut self) {
        self.parts = VecDeque::new();
        self.shrink(self.length);
    }

    fn grow(&mut self, more: usize) {
        self.length += more;
        self.all.inc_by(more as u64);
        if self.all() > SHED_THRESHOLD {
            self.queues_full.notify_one();
        }
    }

    fn shrink(&mut self, less: usize) {
        self.length = self.length.saturating_sub(less);
        self.all.dec_by(less as u64);
    }

    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.parts.capacity()
    }
}

impl Drop for SendQueue {
    fn drop(&mut self) {
        self.all.dec_by(self.length as u64);
    }
}
