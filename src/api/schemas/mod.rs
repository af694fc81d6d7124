//! The JSON shapes of users, rooms and messages, shared by the API and the live connection.

mod attachment;
mod link_preview;

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::attachment::AttachmentShape;
use self::link_preview::PreviewShape;
use crate::chat::accounts::model::{Status, User, UserRef};
use crate::chat::messages::model::threads::{Participant, ThreadSummary};
use crate::chat::messages::model::{DeletedBy, Message, Quote, Reactions};
use crate::chat::rooms::model::{ParentMessage, Room, RoomStats};
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// A user: a person or a bot.
#[derive(Serialize, ToSchema)]
#[schema(as = User, example = json!({
    "id": 2, "name": "ada", "display_name": "Ada Lovelace", "bot": false, "role": "member", "online": true,
    "about": "Bread and bicycles.", "status": {"emoji": "🌙", "text": "back on Monday", "until": null}
}))]
pub struct UserShape<'a> {
    #[schema(value_type = i64)]
    pub id: UserId,
    /// Unique. Never changes.
    pub name: &'a str,
    /// Free text, shown to others.
    pub display_name: &'a str,
    pub bot: bool,
    #[schema(pattern = "^(admin|member)$")]
    pub role: &'static str,
    /// Whether the user has a live connection, or had one within the last 30 seconds.
    pub online: bool,
    /// What the user says about themselves, with line breaks. May be empty.
    #[schema(max_length = 500)]
    pub about: &'a str,
    /// Null if the user has none. One whose `until` has passed counts as none.
    pub status: Option<StatusShape<'a>>,
}

/// What a user does now.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
pub struct StatusShape<'a> {
    pub emoji: &'static str,
    /// May be empty.
    #[schema(max_length = 80)]
    pub text: &'a str,
    /// When it ends; null if the user ends it themselves.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl<'a> From<&'a Status> for StatusShape<'a> {
    fn from(status: &'a Status) -> Self {
        Self { emoji: status.emoji.as_str(), text: status.text.as_str(), until: status.until }
    }
}

impl<'a> UserShape<'a> {
    /// `now` decides whether the status is over.
    pub fn new(user: &'a User, online: bool, now: Timestamp) -> Self {
        Self {
            id: user.id,
            name: &user.name,
            display_name: &user.display_name,
            bot: user.bot,
            role: user.role.as_str(),
            online,
            about: user.profile.about.as_str(),
            status: user.profile.status(now).map(StatusShape::from),
        }
    }
}

/// The number of members of a room, and how many of them are online.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub members: usize,
    pub online: usize,
}

impl Counts {
    pub fn of(members: &[UserId], online: &BTreeSet<UserId>) -> Self {
        let online = members.iter().filter(|member| online.contains(member)).count();
        Self { members: members.len(), online }
    }
}

impl From<&RoomStats> for Counts {
    fn from(&RoomStats { members, online, .. }: &RoomStats) -> Self {
        Self { members, online }
    }
}

/// A room as you see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Room, example = json!({
    "id": 7, "name": "Garden", "topic": "Who waters when", "visibility": "public", "lobby": false,
    "owner_id": 2, "code": "7K2M-9QXT-4HPW", "archived_at": null, "wide_mentions_restricted": false, "link_previews": true,
    "favourite": true, "section": "", "last_seq": 51, "last_read_seq": 48, "unread": 3,
    "mentions": 1, "rev": 58, "members": 24, "online": 3, "parent": null
}))]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the API")]
pub struct RoomShape<'a> {
    #[schema(value_type = i64)]
    id: RoomId,
    /// For a direct message or a group, the display names of the other users; empty for a thread.
    name: &'a str,
    topic: &'a str,
    #[schema(pattern = "^(public|private|direct|group|thread)$")]
    visibility: &'static str,
    /// Whether this is the lobby, the room that every user belongs to.
    lobby: bool,
    /// Null for the lobby, direct messages, groups and threads.
    #[schema(value_type = Option<i64>)]
    owner_id: Option<UserId>,
    /// The room code; null if you are not a member.
    code: Option<String>,
    /// When the room was archived: it can be read, but nothing can be posted. Null if it is in use.
    #[schema(format = DateTime)]
    archived_at: Option<String>,
    /// Whether `@room` mentions the members only if the owner or an administrator writes it.
    wide_mentions_restricted: bool,
    /// Whether links in new messages get previews. A thread is as its room.
    link_previews: bool,
    /// You keep it at the top of your list.
    favourite: bool,
    /// The section of your list that you put it into; empty if none.
    section: &'a str,
    /// The `seq` of the newest message; 0 if there is none.
    #[schema(value_type = i64)]
    last_seq: Seq,
    /// Your read marker. If you are not a member, it equals `last_seq`, so nothing is unread.
    #[schema(value_type = i64)]
    last_read_seq: Seq,
    /// The number of messages after `last_read_seq` that are not deleted.
    unread: i64,
    /// The number of unread messages that mention you.
    mentions: i64,
    /// The `rev` of the newest change. Grows with every new or changed message.
    #[schema(value_type = i64)]
    rev: Rev,
    /// The number of members.
    members: usize,
    /// The number of members who are online.
    online: usize,
    /// For a thread: the message it belongs to.
    parent: Option<ParentShape>,
}

/// The message that a thread belongs to.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = ThreadParent)]
pub struct ParentShape {
    /// The room of the message. Who may read it may read the thread.
    #[schema(value_type = i64)]
    room_id: RoomId,
    #[schema(value_type = i64)]
    message_id: MessageId,
}

impl From<ParentMessage> for ParentShape {
    fn from(ParentMessage { room, message }: ParentMessage) -> Self {
        Self { room_id: room, message_id: message }
    }
}

impl<'a> RoomShape<'a> {
    pub fn new(room: &'a Room, counts: Counts) -> Self {
        Self {
            id: room.id,
            name: &room.name,
            topic: &room.topic,
            visibility: room.visibility.as_str(),
            lobby: room.lobby,
            owner_id: room.owner_id,
            code: room.code.as_ref().map(ToString::to_string),
            archived_at: room.archived_at.map(Timestamp::rfc3339),
            wide_mentions_restricted: room.wide_mentions_restricted,
            link_previews: room.link_previews,
            favourite: room.favourite,
            section: &room.section,
            last_seq: room.last_seq,
            last_read_seq: room.last_read_seq.unwrap_or(room.last_seq),
            unread: room.unread,
            mentions: room.mentions,
            rev: room.rev,
            members: counts.members,
            online: counts.online,
            parent: room.parent.as_ref().map(|parent| parent.head.into()),
        }
    }
}

/// The author of a message.
#[derive(Serialize, ToSchema)]
pub struct Author<'a> {
    #[schema(value_type = i64)]
    id: UserId,
    name: &'a str,
    display_name: &'a str,
    bot: bool,
}

impl<'a> From<&'a UserRef> for Author<'a> {
    fn from(user: &'a UserRef) -> Self {
        Self { id: user.id, name: &user.name, display_name: &user.display_name, bot: user.bot }
    }
}

/// The message that a message replies to.
#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
struct QuoteShape<'a> {
    #[schema(value_type = i64)]
    id: MessageId,
    author: Author<'a>,
    /// The beginning of its text, as one line of at most 140 characters.
    excerpt: &'a str,
}

impl<'a> From<&'a Quote> for QuoteShape<'a> {
    fn from(Quote { id, author, excerpt }: &'a Quote) -> Self {
        Self { id: *id, author: Author::from(author), excerpt }
    }
}

/// The users who reacted with one emoji.
#[derive(Serialize, ToSchema)]
#[schema(as = Reaction)]
struct ReactionShape<'a> {
    emoji: &'a str,
    count: usize,
    /// User ids, in the order of their reactions.
    #[schema(value_type = Vec<i64>)]
    users: &'a [UserId],
}

impl<'a> From<&'a Reactions> for ReactionShape<'a> {
    fn from(Reactions { emoji, users }: &'a Reactions) -> Self {
        Self { emoji, count: users.len(), users }
    }
}

/// A message in its current state. It is the same for all users.
#[derive(Serialize, ToSchema)]
#[schema(as = Message, example = json!({
    "id": 9, "room_id": 7, "seq": 51, "rev": 58, "kind": "text",
    "author": {"id": 2, "name": "ada", "display_name": "Ada Lovelace", "bot": false},
    "body": "Rain at four.", "html": "<p>Rain at four.</p>", "markup": 0,
    "created_at": "2026-11-21T10:00:00.000Z", "edited_at": null, "deleted": false, "deleted_by": null,
    "reply_to": null, "quote": null, "pinned": false, "edits": 0,
    "reactions": [{"emoji": "👍", "count": 1, "users": [3]}], "attachments": [], "thread": null, "nonce": null, "twin_of": null,
    "previews": []
}))]
pub struct MessageShape<'a> {
    /// Unique over all rooms, in the order of storage.
    #[schema(value_type = i64)]
    id: MessageId,
    #[schema(value_type = i64)]
    room_id: RoomId,
    /// The message's number in its room: 1, 2, 3, without gaps. Never changes.
    #[schema(value_type = i64)]
    seq: Seq,
    /// The number of the message's latest change in its room. Of two versions, a client keeps the
    /// one with the higher `rev`. Numbers can be skipped: after two edits only the second is
    /// visible.
    #[schema(value_type = i64)]
    rev: Rev,
    /// `action` describes what its author does (`/me`).
    #[schema(pattern = "^(text|action)$")]
    kind: &'static str,
    author: Author<'a>,
    /// The text as entered; empty if deleted.
    body: &'a str,
    /// The text as safe HTML. A mention is a link with the class `mention` to `/direct/NAME`.
    html: &'a str,
    /// How `html` was made from `body`: 0 as plain text, 1 as Markdown.
    markup: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    edited_at: Option<String>,
    deleted: bool,
    /// Who deleted it: the author or a moderator.
    #[schema(pattern = "^(author|moderator)$")]
    deleted_by: Option<&'static str>,
    /// The `id` of the message that this one replies to.
    #[schema(value_type = Option<i64>)]
    reply_to: Option<MessageId>,
    /// That message in its current state; null if it is deleted.
    quote: Option<QuoteShape<'a>>,
    /// Whether the message is pinned to its room.
    pinned: bool,
    /// How often the message was edited.
    edits: i64,
    /// In the order in which each emoji was first used.
    reactions: Vec<ReactionShape<'a>>,
    /// In the order shown.
    attachments: Vec<AttachmentShape<'a>>,
    /// The thread of this message; null if there is none.
    thread: Option<ThreadShape>,
    /// The nonce it was sent with, while it is stored.
    nonce: Option<&'a str>,
    /// The reply in a thread of which this message is the copy in the room.
    #[schema(value_type = Option<i64>)]
    twin_of: Option<MessageId>,
    /// What its links lead to. They come a moment after the message.
    previews: Vec<PreviewShape<'a>>,
}

/// What a message shows of its thread.
#[derive(Serialize, ToSchema)]
#[schema(as = Thread)]
struct ThreadShape {
    /// The thread, a room of visibility `thread`.
    #[schema(value_type = i64)]
    room_id: RoomId,
    /// The number of replies that are not deleted.
    replies: i64,
    #[schema(format = DateTime)]
    last_reply_at: Option<String>,
    /// Up to five user ids, the one who replied last first.
    #[schema(value_type = Vec<i64>)]
    participants: Vec<UserId>,
}

impl From<&ThreadSummary> for ThreadShape {
    fn from(thread: &ThreadSummary) -> Self {
        let id = |participant: &Participant| participant.id;
        Self {
            room_id: thread.room,
            replies: thread.replies,
            last_reply_at: thread.last_reply_at.map(Timestamp::rfc3339),
            participants: thread.participants.iter().map(id).collect(),
        }
    }
}

impl<'a> From<&'a Message> for MessageShape<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id,
            room_id: message.room,
            seq: message.seq,
            rev: message.rev,
            kind: message.kind.as_str(),
            author: Author::from(&message.author),
            body: &message.body,
            html: &message.html,
            markup: message.markup.number(),
            created_at: message.created_at.rfc3339(),
            edited_at: message.edited_at.map(Timestamp::rfc3339),
            deleted: message.is_deleted(),
            deleted_by: message.deleted_by.map(DeletedBy::as_str),
            reply_to: message.reply_to,
            quote: message.quote.as_ref().map(QuoteShape::from),
            pinned: message.is_pinned(),
            edits: message.edits,
            reactions: message.reactions.iter().map(ReactionShape::from).collect(),
            attachments: message.attachments.iter().map(AttachmentShape::from).collect(),
            thread: message.thread.as_ref().map(ThreadShape::from),
            twin_of: message.twin_of,
            previews: message
                .previews
                .iter()
                .map(|one| PreviewShape::new(message.id, one))
                .collect(),
            nonce: message.nonce.as_deref(),
        }
    }
}

/// A complete list.
#[derive(Serialize, ToSchema)]
pub struct Items<T> {
    pub items: Vec<T>,
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// Whether there are more items after this page.
    pub more: bool,
}
