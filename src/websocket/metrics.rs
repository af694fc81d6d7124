//! Metrics of the live connections. The dispatcher adds deliveries once per batch, not once per frame, and
//! only slow clients have a queue to count: so counting costs almost nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;

use crate::limits::installation::SEND_QUEUES;

/// If more bytes than this are queued over all connections, the dispatcher disconnects the slowest clients
/// immediately, not at its next tick.
pub const SHED_THRESHOLD: usize = SEND_QUEUES / 8 * 7;

/// Clones share the same counters.
#[derive(Clone, Debug, Default)]
pub struct SocketMetrics {
    /// Event frames delivered to connections: one event for a thousand subscribers counts as a thousand.
    pub deliveries: Counter,
    /// Connections that were dropped because their client read too slowly.
    pub cuts: Counter,
    /// Bytes in all send queues.
    pub queued: Gauge<u64, AtomicU64>,
    /// Notified when more than [`SHED_THRESHOLD`] bytes are queued. Not a metric, but shared by the same
    /// owners.
    pub queues_full: Arc<Notify>,
}
