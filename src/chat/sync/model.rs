//! What somebody can have missed besides messages.

use crate::chat::events::Event;
use crate::kernel::RoomId;

/// Of a person or a room, as it is now.
#[derive(Debug)]
pub enum MissedChange {
    /// To be told as everybody was told then.
    Event(Event),
    /// A room is new, has changed or was left: each sees it in their own way, or not any more.
    Room(RoomId),
}
