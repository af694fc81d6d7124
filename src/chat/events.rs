//! What can happen in a room or to a person, typed, and whom it concerns.
//!
//! Above the models and below the verbs: the verbs ring the bell after their commit.

use std::sync::Arc;

use super::accounts::model::{Credential, Person};
use super::messages::model::Message;
use crate::kernel::{RoomId, UserId};
use crate::live::Hub;

/// The hub of this process, speaking of chat.
pub type Bell = Hub<Topic, Event>;

/// What one may listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The messages of a room that somebody has open. Marks are revs.
    Room(RoomId),
    /// What everybody signed in may know: who is there, who is new.
    Everybody,
    /// The end of one sign-in.
    SignIn(Credential),
}

#[derive(Clone, Debug)]
pub enum Event {
    /// A message is new or changed.
    Message(Arc<Message>),
    /// Somebody became a member of a room.
    Joined { room: RoomId, person: Person },
    /// Somebody came or went.
    Presence { user: UserId, online: bool },
}
