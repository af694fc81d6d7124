//! The changes a client can miss, besides messages.

use crate::chat::events::Event;
use crate::kernel::RoomId;

/// A change of a user or a room, with its current state.
#[derive(Debug)]
pub enum MissedChange {
    /// Sent as the event that all subscribers received at the time.
    Event(Event),
    /// A room is new, changed or was left. Each user reads their own view of it, or finds that they can
    /// no longer see it.
    Room(RoomId),
}
