//! What other processes on the same database shall tell their connections.

use crate::kernel::{Random, RoomId, Timestamp, UserId};

/// Names a process among those on one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessId(pub i64);

impl ProcessId {
    pub fn new(random: &Random) -> Self {
        Self(i64::from_le_bytes(random.bytes()))
    }

    /// This process, at this moment.
    pub fn meta(self, now: Timestamp) -> ChangeMeta {
        ChangeMeta { process: self, now }
    }
}

/// Who changes something, and when.
#[derive(Clone, Copy, Debug)]
pub struct ChangeMeta {
    pub process: ProcessId,
    pub now: Timestamp,
}

/// Something that has happened. Whoever hears of it asks the database how it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Somebody came into a room.
    Joined(RoomId, UserId),
    /// Somebody left a room, or was shown the door.
    Left(RoomId, UserId),
    /// A room is new, or has another name, topic, owner or code.
    Room(RoomId),
    /// Somebody has another name or picture.
    Person(UserId),
}

impl Change {
    pub(super) fn columns(self) -> (&'static str, Option<i64>, Option<i64>) {
        match self {
            Self::Joined(room, user) => ("joined", Some(room.0), Some(user.0)),
            Self::Left(room, user) => ("left", Some(room.0), Some(user.0)),
            Self::Room(room) => ("room", Some(room.0), None),
            Self::Person(user) => ("person", None, Some(user.0)),
        }
    }

    pub(super) fn from_columns(kind: &str, room: Option<i64>, user: Option<i64>) -> Option<Self> {
        match (kind, room.map(RoomId), user.map(UserId)) {
            ("joined", Some(room), Some(user)) => Some(Self::Joined(room, user)),
            ("left", Some(room), Some(user)) => Some(Self::Left(room, user)),
            ("room", Some(room), _) => Some(Self::Room(room)),
            ("person", _, Some(user)) => Some(Self::Person(user)),
            _ => None,
        }
    }
}
