//! What the live core counts of itself. Nothing is counted for each delivery: a sweep adds up first, and
//! a queue is only there for who is slow.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::kernel::metrics::{Counter, Gauge};
use crate::limits::installation::SEND_QUEUES;

/// Where more than this waits over all connections, room is made at once.
pub const SHED_THRESHOLD: usize = SEND_QUEUES / 8 * 7;

/// Clones are the same numbers.
#[derive(Clone, Debug, Default)]
pub struct SocketMetrics {
    /// Frames of events that were handed to connections: one event for a thousand listeners is a
    /// thousand.
    pub deliveries: Counter,
    /// Connections that were cut because too much waited for them, or for too long.
    pub cuts: Counter,
    /// Bytes that wait, over all connections.
    pub queued: Gauge,
    /// Told when more than [`CROWDED`] waits: no number, but shared by the same ones.
    pub queues_full: Arc<Notify>,
}
