//! The events and signals of chat, and the channels they are published on.
//!
//! This module depends on the models of the features only. Features publish here after their
//! transaction has committed.

use std::sync::Arc;

use super::accounts::model::{CredentialHash, RevocationReason, User};
use super::drafts::model::DraftState;
use super::messages::model::Message;
use crate::kernel::{MessageId, RoomId, Seq, UserId};
use crate::pubsub::{Hub, Protocol};

/// The hub of this process.
pub type EventHub = Hub<ChatProtocol>;

/// The types of chat for the generic hub.
pub struct ChatProtocol;

impl Protocol for ChatProtocol {
    type Channel = Channel;
    type Event = Event;
    type Signal = Signal;
}

/// The channels a connection can subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The messages of a room, for connections that have the room open. Events carry their `rev`.
    Room(RoomId),
    /// Changes of a room that its members receive even if they do not have it open.
    Members(RoomId),
    /// Members with unread mentions in the room. Their unread counts differ, so each of them is counted
    /// separately.
    Mentioned(RoomId),
    /// Everything that concerns one user, on all their connections.
    User(UserId),
    /// What all signed-in users may know: presence, new users, public rooms.
    Everyone,
    /// The revocation of one credential.
    Credential(CredentialHash),
}

/// Data for the subscribers of a channel, the same for all of them.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message was posted or changed.
    Message(Arc<Message>),
    /// The message that a thread belongs to changed, for connections that have the thread open. It has no `rev` there.
    Head { thread: RoomId, message: Arc<Message> },
    /// A message was posted, for members that may not have the room open and have no unread mentions in
    /// it.
    Unread { room: RoomId, last_seq: Seq },
    /// The user has read the room up to `seq`, with the number of messages and mentions still unread. `back`: they
    /// moved the read marker back.
    Read { room: RoomId, seq: Seq, unread: i64, mentions: i64, back: bool },
    /// The user's own draft for the room changed.
    Draft { room: RoomId, draft: Arc<DraftState> },
    /// The user saved the message, or no longer does.
    Saved { message: MessageId, saved: bool },
    /// A user became a member of the room.
    Joined { room: RoomId, user: User },
    /// A user is no longer a member of the room.
    Left { room: RoomId, user: User },
    /// A user has a new name, avatar, role or profile.
    Renamed(User),
    /// A user came online or went offline.
    Presence { user: UserId, online: bool },
    /// All users who are online.
    OnlineUsers(Arc<[UserId]>),
    /// A custom emoji was added or removed.
    EmojiChanged,
    /// A user is typing in the room.
    Typing { room: RoomId, user: User },
}

/// A note to one connection that it must look something up or act. The result depends on its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The credential was revoked.
    SignedOut(RevocationReason),
    /// The user became a member of the room.
    Joined(RoomId),
    /// The user follows the thread, and the connection may not be subscribed to it: they begin to follow it now, or it
    /// was not listed and has a new reply.
    Followed(RoomId),
    /// The user left the room.
    Left(RoomId),
    /// The user was removed from the room.
    Removed(RoomId),
    /// The user's unread count must be computed again: they are or were mentioned in the room, or a
    /// message was deleted.
    Unread(RoomId),
    /// The room is new, was deleted or archived, has a new name, topic, owner or code, or the user moved it in their
    /// sidebar.
    RoomChanged(RoomId),
    /// The user's own display name, role or profile changed.
    Renamed,
}
