//! What a client receives first, and the changes it can miss besides messages.

use crate::chat::events::Event;
use crate::chat::rooms::model::Progress;
use crate::kernel::{MessageId, RoomId};

/// What a client receives first.
#[derive(Debug)]
pub struct Greeting {
    /// Whether the credential is still valid. If it was revoked before the client subscribed to that, this tells it.
    pub is_valid: bool,
    /// The rooms the user is a member of and the threads that are listed for them.
    pub rooms: Vec<Progress>,
    /// The missed changes; `None` if there are too many, or the client was away for too long.
    pub missed: Option<Vec<MissedChange>>,
}

impl Greeting {
    /// The listed threads, the last active one at the end.
    pub fn threads(&self) -> Vec<RoomId> {
        let mut threads: Vec<_> =
            self.rooms.iter().filter(|progress| progress.parent.is_some()).collect();
        threads.sort_unstable_by_key(|progress| (progress.last_reply_at, progress.room));
        threads.into_iter().map(|progress| progress.room).collect()
    }
}

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
