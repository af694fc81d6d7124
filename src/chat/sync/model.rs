//! The changes a client can miss, besides messages.

use crate::chat::events::Event;
use crate::kernel::{MessageId, RoomId};

/// A change of a user or a room, with its current state.
#[derive(Debug)]
pub enum MissedChange {
    /// Sent as the event that all subscribers received at the time.
    Event(Event),
    /// A room is new, changed or was left. Each user reads their own view of it, or finds that they can
    /// no longer see it.
    Room(RoomId),
    /// The user's draft for a room changed. Each connection reads it, if the user may still read the room.
    Draft(RoomId),
    /// The user saved a message, or no longer does. Each connection reads which.
    Saved(MessageId),
}
