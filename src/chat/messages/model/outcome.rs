//! What became of a write: the message and what changed with it, or why it was refused.

use std::sync::Arc;
use std::time::Duration;

use crate::chat::accounts::model::User;
use crate::chat::messages::model::Message;
use crate::chat::rooms::model::{JoinRefusal, Visibility};
use crate::kernel::{FieldError, Rev, RoomId, ServiceError, UserId};

/// The result of a write.
#[derive(Clone, Debug)]
pub struct WriteOutcome {
    /// The message after the write.
    pub message: Arc<Message>,
    /// False if nothing was written: the nonce was used before, the text is the same, the reaction
    /// exists.
    pub changed: bool,
    /// Users who are mentioned now and were not before.
    pub mentioned: Vec<UserId>,
    /// Users whom a new message mentions by their handle although they are not members of the room.
    pub outsiders: Vec<UserId>,
    /// Who became a member of a room by this write.
    pub joined: Vec<NewMember>,
    /// The last `rev` of the room if replies to the message changed with it: they quote it.
    pub quotes_changed: Option<Rev>,
    /// What changed with the message: its twin, the head of its thread.
    pub also: Vec<WriteOutcome>,
    /// Users who had saved the message that this write deleted.
    pub unsaved: Vec<UserId>,
}

impl WriteOutcome {
    /// An outcome that mentions no user and makes none a member.
    pub(in crate::chat::messages) fn new(message: Message, changed: bool) -> Self {
        Self::of(Arc::new(message), changed)
    }

    pub(in crate::chat::messages) fn of(message: Arc<Message>, changed: bool) -> Self {
        let (mentioned, outsiders, joined, also) = Default::default();
        let (quotes_changed, unsaved) = Default::default();
        Self { message, changed, mentioned, outsiders, joined, quotes_changed, also, unsaved }
    }
}

/// A user whom a write made a member of a public room or of a thread.
#[derive(Clone, Debug)]
pub struct NewMember {
    pub room: RoomId,
    pub visibility: Visibility,
    pub user: User,
}

/// Why a write was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The nonce belongs to a message in another room or with another body.
    #[error("the nonce was used before")]
    NonceReused,
    #[error("invalid {}", .0.field)]
    Invalid(FieldError),
    /// There is no such message in the room.
    #[error("no such message")]
    NotFound,
    /// The user may not join the room.
    #[error("not let in")]
    JoinRefused(JoinRefusal),
    /// The user may read the message but did not write it.
    #[error("not the author")]
    NotTheAuthor,
    /// The user may read the message, but did not write it and does not moderate the room.
    #[error("neither the author nor a moderator")]
    NotAModerator,
    /// A deleted message cannot be edited and takes no reactions.
    #[error("the message is deleted")]
    Deleted,
    /// The user mentions many members too often; the time to wait.
    #[error("too many mentions of many members")]
    TooMany(Duration),
    /// An archived room takes no messages, edits and reactions.
    #[error("the room is archived")]
    Archived,
    /// The message is a reply in a thread, and has none itself.
    #[error("the message is in a thread")]
    ThreadInThread,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl WriteError {
    /// A file that does not exist, is another user's, or is in a message: one answer for all.
    pub(in crate::chat::messages) fn unknown_file() -> Self {
        Self::Invalid(FieldError::new("files", "file-unknown"))
    }
}
