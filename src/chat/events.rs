//! What can happen in a room or to a person, typed, and whom it concerns.
//!
//! Above the models and below the verbs: the verbs ring the bell after their commit.

use std::sync::Arc;

use super::accounts::model::{CredentialHash, RevocationReason, User};
use super::messages::model::Message;
use crate::kernel::{RoomId, Seq, UserId};
use crate::pubsub::{Hub, Protocol};

/// The hub of this process, speaking of chat.
pub type EventHub = Hub<ChatProtocol>;

/// What the hub speaks of.
pub struct ChatProtocol;

impl Protocol for ChatProtocol {
    type Channel = Channel;
    type Event = Event;
    type Signal = Signal;
}

/// What one may listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The messages of a room that somebody has open. Marks are revs.
    Room(RoomId),
    /// What concerns the members of a room, open or not.
    Members(RoomId),
    /// Those members who are mentioned in what they have not read of a room.
    Mentioned(RoomId),
    /// What concerns one person, on all their connections.
    User(UserId),
    /// What everybody signed in may know: who is there, who is new, which public rooms there are.
    Everyone,
    /// The end of one sign-in.
    Credential(CredentialHash),
}

/// What connections are told as it is, the same for all.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message is new or changed.
    Message(Arc<Message>),
    /// Something was said in a room that somebody may not have open, and nothing that is unread there
    /// mentions them.
    Unread { room: RoomId, last_seq: Seq },
    /// A person has read so far, with so much still ahead, and so many mentions in it.
    Read { room: RoomId, seq: Seq, unread: i64, mentions: i64 },
    /// Somebody became a member of a room.
    Joined { room: RoomId, person: User },
    /// Somebody is no member of a room any more.
    Left { room: RoomId, person: User },
    /// Somebody has another name or picture.
    Renamed(User),
    /// Somebody came or went.
    Presence { user: UserId, online: bool },
    /// Everybody who is there.
    OnlineUsers(Arc<[UserId]>),
    /// Somebody is writing in a room.
    Typing { room: RoomId, person: User },
}

/// What a connection must act upon, each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The sign-in is over.
    SignedOut(RevocationReason),
    /// This person is a member of one more room.
    Joined(RoomId),
    /// This person has left a room.
    Left(RoomId),
    /// This person was removed from a room.
    Removed(RoomId),
    /// What is unread in a room must be counted for this person: they are or were mentioned there, or
    /// something was deleted.
    Unread(RoomId),
    /// A room has another name, topic, owner or code, or is new.
    RoomChanged(RoomId),
    /// This person has another name.
    Renamed,
}
