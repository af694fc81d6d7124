//! What the live core counts of itself. Nothing is counted for each delivery: a sweep adds up first, and
//! a queue is only there for who is slow.

use crate::kernel::meters::{Count, Level};

/// Clones are the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    /// Frames of events that were handed to connections: one event for a thousand listeners is a
    /// thousand.
    pub deliveries: Count,
    /// Connections that were cut because too much waited for them.
    pub cuts: Count,
    /// Bytes that wait, over all connections.
    pub queued: Level,
}
