//! The JSON shapes of people, rooms and messages, as the outer interface promises them.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::chat::accounts::model::User;
use crate::chat::messages::model::{DeletedBy, Message, Reactions};
use crate::chat::rooms::model::{Room, RoomStats};
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// A person, or a program that acts as one.
#[derive(Serialize, ToSchema)]
#[schema(as = User, example = json!({
    "id": 2, "name": "ada", "display_name": "Ada Lovelace", "bot": false, "role": "member", "online": true
}))]
pub struct UserShape<'a> {
    #[schema(value_type = i64)]
    pub id: UserId,
    /// Unique; never changes.
    pub name: &'a str,
    /// Free text; shown everywhere.
    pub display_name: &'a str,
    pub bot: bool,
    #[schema(pattern = "^(admin|member)$")]
    pub role: &'static str,
    /// At least one live connection, or one that ended within the last 30 seconds.
    pub online: bool,
}

impl<'a> UserShape<'a> {
    pub fn new(person: &'a User, online: bool) -> Self {
        Self {
            id: person.id,
            name: &person.name,
            display_name: &person.display_name,
            bot: person.bot,
            role: person.role.as_str(),
            online,
        }
    }
}

/// How many people a room has, and how many of them are there.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub members: usize,
    pub online: usize,
}

impl Counts {
    pub fn of(members: &[UserId], online: &BTreeSet<UserId>) -> Self {
        let here = members.iter().filter(|member| online.contains(member)).count();
        Self { members: members.len(), online: here }
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
    "owner_id": 2, "code": "7K2M-9QXT-4HPW", "last_seq": 51, "last_read_seq": 48, "unread": 3,
    "mentions": 1, "rev": 58, "members": 24, "online": 3
}))]
pub struct RoomShape<'a> {
    #[schema(value_type = i64)]
    id: RoomId,
    /// For a direct conversation the display name of the other one.
    name: &'a str,
    topic: &'a str,
    #[schema(pattern = "^(public|private|direct)$")]
    visibility: &'static str,
    /// The one room that everybody is in.
    lobby: bool,
    /// Null for the lobby and direct conversations.
    #[schema(value_type = Option<i64>)]
    owner_id: Option<UserId>,
    /// What lets others in; null for who is no member.
    code: Option<String>,
    /// The `seq` of the newest message; 0 while there is none.
    #[schema(value_type = i64)]
    last_seq: Seq,
    /// How far you have read. Who is no member has nothing unread: as if all were read.
    #[schema(value_type = i64)]
    last_read_seq: Seq,
    /// How many messages after `last_read_seq` are not deleted.
    unread: i64,
    /// How often you are mentioned in what you have not read.
    mentions: i64,
    /// Grows with every new or changed message.
    #[schema(value_type = i64)]
    rev: Rev,
    /// How many people are in it.
    members: usize,
    /// How many of them are there now.
    online: usize,
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
            last_seq: room.last_seq,
            last_read_seq: room.last_read_seq.unwrap_or(room.last_seq),
            unread: room.unread,
            mentions: room.mentions,
            rev: room.rev,
            members: counts.members,
            online: counts.online,
        }
    }
}

/// Who wrote a message.
#[derive(Serialize, ToSchema)]
pub struct Author<'a> {
    #[schema(value_type = i64)]
    id: UserId,
    name: &'a str,
    display_name: &'a str,
    bot: bool,
}

impl<'a> From<&'a User> for Author<'a> {
    fn from(person: &'a User) -> Self {
        Self {
            id: person.id,
            name: &person.name,
            display_name: &person.display_name,
            bot: person.bot,
        }
    }
}

/// Everybody who reacted with one emoji.
#[derive(Serialize, ToSchema)]
#[schema(as = Reaction)]
struct ReactionShape<'a> {
    emoji: &'a str,
    count: usize,
    /// Their ids, the first one first.
    #[schema(value_type = Vec<i64>)]
    users: &'a [UserId],
}

impl<'a> From<&'a Reactions> for ReactionShape<'a> {
    fn from(Reactions { emoji, users }: &'a Reactions) -> Self {
        Self { emoji, count: users.len(), users }
    }
}

/// A message in its present state. Nothing in it depends on who looks.
#[derive(Serialize, ToSchema)]
#[schema(as = Message, example = json!({
    "id": 9, "room_id": 7, "seq": 51, "rev": 58, "kind": "text",
    "author": {"id": 2, "name": "ada", "display_name": "Ada Lovelace", "bot": false},
    "body": "Rain at four.", "html": "<p>Rain at four.</p>",
    "created_at": "2026-11-21T10:00:00.000Z", "edited_at": null, "deleted": false, "deleted_by": null,
    "reply_to": null,
    "reactions": [{"emoji": "👍", "count": 1, "users": [3]}], "attachments": [], "nonce": null
}))]
pub struct MessageShape<'a> {
    /// Over all rooms, in the order in which they were stored.
    #[schema(value_type = i64)]
    id: MessageId,
    #[schema(value_type = i64)]
    room_id: RoomId,
    /// Its place in the room: 1, 2, 3, without gaps. Never changes.
    #[schema(value_type = i64)]
    seq: Seq,
    /// The number of its latest change among all changes of the room. A client keeps what has the
    /// greater one. Numbers may be skipped: two edits are one message.
    #[schema(value_type = i64)]
    rev: Rev,
    /// `action` is what its author does (`/me`).
    #[schema(pattern = "^(text|action)$")]
    kind: &'static str,
    author: Author<'a>,
    /// What was typed; empty when it was deleted.
    body: &'a str,
    /// The same as safe HTML. Somebody who is mentioned is a link of the class `mention` to
    /// `/direct/NAME`.
    html: &'a str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    edited_at: Option<String>,
    deleted: bool,
    /// By whom it was deleted: its author, or somebody else who moderates the room.
    #[schema(pattern = "^(author|moderator)$")]
    deleted_by: Option<&'static str>,
    /// The `id` of the message that it answers.
    #[schema(value_type = Option<i64>)]
    reply_to: Option<MessageId>,
    /// In the order in which each emoji was first used.
    reactions: Vec<ReactionShape<'a>>,
    /// Always empty so far.
    #[schema(value_type = Vec<Object>)]
    attachments: [(); 0],
    /// What it was sent with, for as long as that is kept.
    nonce: Option<&'a str>,
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
            created_at: message.created_at.rfc3339(),
            edited_at: message.edited_at.map(Timestamp::rfc3339),
            deleted: message.is_deleted(),
            deleted_by: message.deleted_by.map(DeletedBy::as_str),
            reply_to: message.reply_to,
            reactions: message.reactions.iter().map(ReactionShape::from).collect(),
            attachments: [],
            nonce: message.nonce.as_deref(),
        }
    }
}

/// A whole list.
#[derive(Serialize, ToSchema)]
pub struct Items<T> {
    pub items: Vec<T>,
}

/// A part of a list.
#[derive(Serialize, ToSchema)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// Whether the list goes on behind it.
    pub more: bool,
}
