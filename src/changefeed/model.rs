//! The kinds of changes that other processes on the same database publish to their connections.

use serde::{Deserialize, Serialize};

use crate::kernel::{MessageId, Random, RoomId, Timestamp, UserId};

/// Identifies a process among all processes on one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessId(pub i64);

impl ProcessId {
    /// No process: every process publishes the change.
    pub const NONE: Self = Self(0);

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
    /// A user moved their read marker back. Only that user may know.
    MarkedUnread(RoomId, UserId),
    /// A room was created or archived, or its name, topic, owner or code changed.
    Room(RoomId),
    /// A user moved a room in their own sidebar.
    Placed(RoomId, UserId),
    /// A user's draft for a room changed. Only that user may know.
    Draft(RoomId, UserId),
    /// A user saved a message, or no longer does. Only that user may know.
    Saved(MessageId, UserId),
    /// A user's display name or picture changed.
    User(UserId),
    /// A custom emoji was added or removed.
    Emoji,
    /// The session or token with this hash was revoked.
    Revoked([u8; 32], RevocationReason),
}

/// Why a credential was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    SignedOut,
    AccountClosed,
    /// The credential stays valid, but its user has another role: live connections reconnect to get the
    /// new permissions.
    RoleChanged,
}

impl Change {
    /// The kind of [`Self::Draft`].
    pub const DRAFT: &'static str = "draft";

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Joined(..) => "joined",
            Self::Left(..) => "left",
            Self::MarkedUnread(..) => "marked-unread",
            Self::Room(_) => "room",
            Self::Placed(..) => "placed",
            Self::Draft(..) => Self::DRAFT,
            Self::Saved(..) => "saved",
            Self::User(_) => "user",
            Self::Emoji => "emoji",
            Self::Revoked(_, RevocationReason::SignedOut) => "signed-out",
            Self::Revoked(_, RevocationReason::AccountClosed) => "account-closed",
            Self::Revoked(_, RevocationReason::RoleChanged) => "role-changed",
        }
    }

    pub(super) fn room(self) -> Option<RoomId> {
        match self {
            Self::Joined(room, _)
            | Self::Left(room, _)
            | Self::MarkedUnread(room, _)
            | Self::Room(room)
            | Self::Placed(room, _)
            | Self::Draft(room, _) => Some(room),
            Self::Saved(..) | Self::User(_) | Self::Emoji | Self::Revoked(..) => None,
        }
    }

    pub(super) fn user(self) -> Option<UserId> {
        match self {
            Self::Joined(_, user)
            | Self::Left(_, user)
            | Self::Placed(_, user)
            | Self::Draft(_, user)
            | Self::Saved(_, user)
            | Self::MarkedUnread(_, user)
            | Self::User(user) => Some(user),
            Self::Room(_) | Self::Emoji | Self::Revoked(..) => None,
        }
    }

    pub(super) fn message(self) -> Option<MessageId> {
        match self {
            Self::Saved(message, _) => Some(message),
            _ => None,
        }
    }

    pub(super) fn credential(self) -> Option<Vec<u8>> {
        match self {
            Self::Revoked(hash, _) => Some(hash.to_vec()),
            _ => None,
        }
    }
}
