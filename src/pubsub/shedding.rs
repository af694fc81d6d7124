//! Disconnects slow clients before all send queues together reach their limit. Knows no channels and no subscribers.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::installation::SEND_QUEUES;
use crate::websocket::{SHED_THRESHOLD, Socket, SocketMetrics};

/// If more bytes than this are queued over all connections, the next tick disconnects the slowest clients
/// until [`SHED_TO`] bytes are left. Above [`SHED_THRESHOLD`] this happens without waiting for the tick.
pub(super) const SHED_ABOVE: usize = SEND_QUEUES / 4 * 3;
const SHED_TO: usize = SEND_QUEUES / 2;
/// A client that has read nothing for this long is slow. A client that was written to more recently may
/// still be a fast reader, so it stays connected while the total is below the limit.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// Bytes in all send queues together.
pub(super) fn queued_bytes(metrics: &SocketMetrics) -> usize {
    usize::try_from(metrics.queued.get()).unwrap_or(usize::MAX)
}

/// Keeps the sum of all send queues below its limit: disconnects the clients that have read nothing
/// for the longest time.
pub(super) fn shed<'a>(sockets: impl Iterator<Item = &'a Socket>, metrics: &SocketMetrics) {
    let mut blocked: Vec<_> =
        sockets.filter_map(|socket| Some((socket.blocked_since()?, socket))).collect();
    blocked.sort_unstable_by_key(|(since, _)| *since);
    // Clients that have not stalled yet are disconnected only above the threshold, and only down to
    // SHED_ABOVE.
    let limit_for_recent =
        if queued_bytes(metrics) > SHED_THRESHOLD { SHED_ABOVE } else { usize::MAX };
    let now = Instant::now();
    let mut cut = 0_usize;
    for (since, socket) in blocked {
        let is_recent = now.duration_since(since) < STALLED_AFTER;
        let limit = if is_recent { limit_for_recent } else { SHED_TO };
        if queued_bytes(metrics) <= limit {
            break;
        }
        socket.cut_as_slow();
        cut += 1;
    }
    if cut > 0 {
        tracing::warn!(
            cut,
            left = queued_bytes(metrics),
            "the send queues are too full: disconnected the slowest clients"
        );
    }
}
