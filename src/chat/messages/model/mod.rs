//! The types of messages: requests (drafts, edits, reactions), permissions, stored messages and
//! outcomes.
//!
//! This module does no I/O.

mod input;
mod outcome;
mod pinner;
mod quote;
pub mod threads;
mod transactions;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use self::input::{MessageBody, Nonce, ReactionEmoji, parse_files, parse_format};
pub use self::outcome::{NewMember, WriteError, WriteOutcome};
pub use self::pinner::Pinner;
pub use self::quote::{Quote, excerpt};
use self::threads::ThreadSummary;
pub(super) use self::transactions::RunningTransactions;
use crate::chat::accounts::model::UserRef;
use crate::chat::files::model::{Attachment, PostedFiles};
use crate::chat::link_previews::model::{FoundPage, LinkPreview};
use crate::chat::rooms::model::{Member, ParentMessage};
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};
pub use crate::text::render::Markup;

/// A message in its current state. It is the same for every viewer. As JSON it has neither previews nor files: see
/// [`RoomUpdate`](crate::chat::doorbell::model::RoomUpdate).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub room: RoomId,
    pub seq: Seq,
    pub rev: Rev,
    pub kind: Kind,
    pub author: UserRef,
    /// Empty if the message is deleted.
    pub body: String,
    /// The body as safe HTML, made by [`crate::text::render`] when the body was stored.
    pub html: String,
    pub markup: Markup,
    pub reply_to: Option<MessageId>,
    /// The message replied to; `None` if it is deleted.
    pub quote: Option<Quote>,
    /// Who pinned it to its room; `None` if it is not pinned.
    pub pinned_by: Option<Pinner>,
    /// How often it was edited.
    pub edits: i64,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    /// Who deleted it: `None` if it is not deleted.
    pub deleted_by: Option<DeletedBy>,
    /// In the order in which each emoji was first used.
    pub reactions: Vec<Reactions>,
    /// The nonce the author sent, while its idempotency key is kept.
    pub nonce: Option<String>,
    /// The thread of which it is the head.
    pub thread: Option<ThreadSummary>,
    /// If it is the copy of a reply in a thread that was sent to the room, too: the reply.
    pub twin_of: Option<MessageId>,
    /// What its links lead to, without what was removed.
    #[serde(skip)]
    pub previews: Vec<LinkPreview>,
    /// In the order shown.
    #[serde(skip)]
    pub attachments: Vec<Attachment>,
}

impl Message {
    /// The text without marks. Empty if the message is deleted.
    pub fn text(&self) -> String {
        crate::text::render::text_of(&self.html)
    }

    pub fn is_pinned(&self) -> bool {
        self.pinned_by.is_some()
    }

    pub fn is_deleted(&self) -> bool {
        self.deleted_by.is_some()
    }
}

/// The role in which a user deleted a message. The audit log records which user it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletedBy {
    Author,
    Moderator,
}

impl DeletedBy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Moderator => "moderator",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn from_column(text: &str) -> Option<Self> {
        [Self::Author, Self::Moderator].into_iter().find(|by| by.as_str() == text)
    }
}

/// The users who reacted to a message with one emoji: at least one, in the order of their reactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactions {
    pub emoji: String,
    pub users: Vec<UserId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Text,
    Action,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Action => "action",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub(super) fn stored(text: &str) -> Option<Self> {
        [Self::Text, Self::Action].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A message that a user wants to post.
#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: Kind,
    pub body: MessageBody,
    pub markup: Markup,
    pub nonce: Option<Nonce>,
    pub reply_to: Option<MessageId>,
    pub files: PostedFiles,
}

/// A new text for a message.
#[derive(Clone, Debug)]
pub struct NewText {
    pub body: MessageBody,
    /// `None`: Markdown, but the same text changes nothing.
    pub markup: Option<Markup>,
}

/// A draft together with the permission to post it (which names the room).
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub member: Member,
    pub draft: Draft,
    pub rendered: Rendered,
    /// The search tokens of the message.
    pub tokens: String,
    /// Who is online; empty unless the text mentions them.
    pub online: Vec<UserId>,
    /// A reply to a message of the room, in its thread.
    pub reply: Option<NewReply>,
}

/// A reply that names the head of its thread: the thread may not exist yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewReply {
    pub head: MessageId,
    /// Whether the room gets a copy.
    pub also_in_room: bool,
}

impl Post {
    /// For a reply in a thread, the head.
    pub fn head(&self) -> Option<ParentMessage> {
        match self.reply {
            Some(reply) => Some(ParentMessage { room: self.member.room(), message: reply.head }),
            None => self.member.parent(),
        }
    }

    /// The room whose members can be mentioned: for a reply in a thread the room of the thread's head.
    pub fn audience(&self) -> RoomId {
        self.head().map_or(self.member.room(), |head| head.room)
    }

    pub fn also_in_room(&self) -> bool {
        self.reply.is_some_and(|reply| reply.also_in_room)
    }

    /// How many messages it stores.
    pub fn messages(&self) -> usize {
        1 + usize::from(self.also_in_room())
    }
}

/// A body as HTML, rendered without knowing which handles exist.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    /// The HTML if no name in it is a handle.
    pub html: String,
    pub markup: Markup,
    /// The normalized words after an `@`. Those that are handles become mentions.
    pub names: Vec<String>,
    /// The custom emoji in it: the version of each by its name.
    pub emoji: HashMap<String, String>,
    /// Whether it has links that get previews.
    pub previews: bool,
}

/// The permission to edit a message. Only [`super::Messages::author`] makes it.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    pub(super) room: RoomId,
    pub(super) message: MessageId,
    /// The room in which the message is found: for a reply in a thread the room of the thread's head.
    pub(super) searched: RoomId,
    pub(super) user: UserId,
    pub(super) is_admin: bool,
    pub(super) has_files: bool,
}

impl Author {
    /// Whether the message has files. Its text may be empty then.
    pub fn has_files(&self) -> bool {
        self.has_files
    }
}

/// The permission to delete a message. Only [`super::Messages::deleter`] makes it, for the author and
/// for moderators of the room.
#[derive(Clone, Debug)]
pub struct Deleter {
    pub(super) room: RoomId,
    pub(super) message: MessageId,
    pub(super) reason: DeletionReason,
}

/// Why a message is deleted.
#[derive(Clone, Debug)]
pub(super) enum DeletionReason {
    Author,
    /// All messages of the author are deleted. The audit log has one record for all of them.
    Erasure,
    /// Recorded in the audit log.
    Moderation {
        moderator: UserId,
        room_name: String,
        author: UserId,
        author_name: String,
    },
}

impl DeletionReason {
    pub fn deleted_by(&self) -> DeletedBy {
        match self {
            Self::Author => DeletedBy::Author,
            Self::Erasure | Self::Moderation { .. } => DeletedBy::Moderator,
        }
    }
}

/// A reaction of a user whose permission was checked.
#[derive(Clone, Debug)]
pub(super) struct Reaction {
    pub room: RoomId,
    pub message: MessageId,
    pub user: UserId,
    pub emoji: ReactionEmoji,
}

/// What an edited message said before an edit.
#[derive(Clone, Debug)]
pub struct Version {
    pub body: String,
    pub markup: Markup,
    /// When it was written.
    pub at: Timestamp,
}

/// A write for the group-commit writer: a new message, or a change to one.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Post(Box<Post>),
    Edit {
        author: Author,
        text: NewText,
        rendered: Rendered,
        /// Who is online; empty unless the text mentions them.
        online: Vec<UserId>,
    },
    Delete(Deleter),
    React(Member, Reaction),
    Unreact(Reaction),
    Pin(Member, MessageId),
    Unpin(Member, MessageId),
    /// Replies to a changed message take a new `rev`: those that the change itself left to a job.
    RefreshQuotes {
        room: RoomId,
        quoted: MessageId,
    },
    /// Lets the head of a thread show its last replies.
    Announce(RoomId),
    /// Shows what was found at the links of a message.
    ShowPreviews {
        room: RoomId,
        message: MessageId,
        found: Vec<(String, FoundPage)>,
    },
    /// Removes the preview of one link.
    RemovePreview {
        deleter: Deleter,
        n: i64,
    },
}

impl Write {
    /// The message whose text this write changes.
    pub fn edited_message(&self) -> Option<MessageId> {
        match self {
            Self::Edit { author, .. } => Some(author.message),
            Self::Delete(deleter) => Some(deleter.message),
            _ => None,
        }
    }

    /// The room that this write changes, which an archived one does not allow. Users may take back what is their own.
    pub fn changed_room(&self) -> Option<RoomId> {
        match self {
            Self::Edit { author, .. } => Some(author.room),
            Self::React(member, _) | Self::Pin(member, _) | Self::Unpin(member, _) => {
                Some(member.room())
            }
            Self::Post(_)
            | Self::Delete(_)
            | Self::Unreact(_)
            | Self::Announce(_)
            | Self::ShowPreviews { .. }
            | Self::RemovePreview { .. }
            | Self::RefreshQuotes { .. } => None,
        }
    }

    /// The room, and the normalized words after an `@`, which may be handles.
    pub fn names(&self) -> Option<(RoomId, &[String])> {
        match self {
            Self::Post(post) => Some((post.audience(), &post.rendered.names)),
            Self::Edit { author, rendered, .. } => Some((author.searched, &rendered.names)),
            _ => None,
        }
    }

    pub fn as_post(&self) -> Option<&Post> {
        match self {
            Self::Post(post) => Some(post),
            _ => None,
        }
    }
}

/// How much of a room was published: the last `rev` and the last `seq`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    pub rev: Rev,
    pub last_seq: Seq,
}

impl Default for Published {
    fn default() -> Self {
        Self { rev: Rev(0), last_seq: Seq(0) }
    }
}

/// Which part of a room's history to read. Each is returned in ascending order of `seq`.
#[derive(Clone, Copy, Debug)]
pub enum Window {
    Newest,
    Before(Seq),
    After(Seq),
    Around(Seq),
}
