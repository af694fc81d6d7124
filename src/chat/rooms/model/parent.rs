//! What a thread belongs to.

use crate::chat::rooms::model::Visibility;
use crate::kernel::{MessageId, RoomId, UserId};

/// The message that a thread belongs to, its head, and the room of that message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentMessage {
    pub room: RoomId,
    pub message: MessageId,
}

/// The room that a thread belongs to, as one user sees it. It decides who may read and write in the thread.
#[derive(Clone, Debug)]
pub struct Parent {
    pub head: ParentMessage,
    pub name: String,
    pub visibility: Visibility,
    pub owner_id: Option<UserId>,
    /// Whether the user is a member of it.
    pub is_member: bool,
}
