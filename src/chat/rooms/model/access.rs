//! What decides whether a user may read a room and post in it, and how far the room is. To post and to catch up takes no
//! more, and reading all of a [`Room`] takes a database several times as long.

use crate::chat::accounts::model::User;
use crate::chat::rooms::model::{ParentMessage, Room, Visibility};
use crate::kernel::{Rev, RoomId, Seq, Timestamp};

/// The standing of one user in a room. Its *gate* is the room whose members decide: for a thread the one that it belongs
/// to, else the room itself.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat::rooms) struct Standing {
    pub room: RoomId,
    pub created_at: Timestamp,
    pub rev: Rev,
    pub last_seq: Seq,
    /// Whether the user is a member of the room, or follows the thread.
    pub is_member: bool,
    /// For a thread: what it belongs to.
    pub parent: Option<ParentMessage>,
    /// That of the gate.
    pub visibility: Visibility,
    pub is_member_of_gate: bool,
}

impl Standing {
    /// The only rule for reading the messages of a room. A thread is as readable as the room it belongs to.
    pub fn may_read(&self) -> bool {
        self.is_member_of_gate || self.visibility == Visibility::Public
    }
}

impl From<&Room> for Standing {
    fn from(room: &Room) -> Self {
        let parent = room.parent.as_ref();
        Self {
            room: room.id,
            created_at: room.created_at,
            rev: room.rev,
            last_seq: room.last_seq,
            is_member: room.is_member(),
            parent: parent.map(|parent| parent.head),
            visibility: parent.map_or(room.visibility, |parent| parent.visibility),
            is_member_of_gate: parent.map_or_else(|| room.is_member(), |parent| parent.is_member),
        }
    }
}

/// The permission to read the messages of a room. Only [`Rooms::access`](super::super::Rooms::access) makes it, and
/// a [`Reader`](super::Reader) makes one of itself.
#[derive(Clone, Debug)]
pub struct Access {
    pub(in crate::chat::rooms) user: User,
    pub(in crate::chat::rooms) standing: Standing,
}

impl Access {
    pub fn user(&self) -> &User {
        &self.user
    }

    pub fn room(&self) -> RoomId {
        self.standing.room
    }

    /// The `rev` of the last change.
    pub fn rev(&self) -> Rev {
        self.standing.rev
    }

    pub fn last_seq(&self) -> Seq {
        self.standing.last_seq
    }

    /// For a thread: what it belongs to.
    pub(in crate::chat) fn parent(&self) -> Option<ParentMessage> {
        self.standing.parent
    }

    /// When the room was created.
    pub fn room_created(&self) -> Timestamp {
        self.standing.created_at
    }
}
