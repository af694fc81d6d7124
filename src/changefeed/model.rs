//! The kinds of changes that other processes on the same database publish to their connections.

use crate::kernel::{Random, RoomId, Timestamp, UserId};

/// Identifies a process among all processes on one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessId(pub i64);

impl ProcessId {
    pub fn new(random: &Random) -> Self {
        Self(i64::from_le_bytes(random.bytes()))
    }

    /// Returns the origin of a change made by this process now.
    pub fn meta(self, now: Timestamp) -> ChangeMeta {
        ChangeMeta { process: self, now }
    }
}

/// The process that makes a change, and the time.
#[derive(Clone, Copy, Debug)]
pub struct ChangeMeta {
    pub process: ProcessId,
    pub now: Timestamp,
}

/// A change. It names only what changed; the reader queries the current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A user joined a room.
    Joined(RoomId, UserId),
    /// A user left a room or was removed from it.
    Left(RoomId, UserId),
    /// A room was created, or its name, topic, owner or code changed.
    Room(RoomId),
    /// A user's display name or picture changed.
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
