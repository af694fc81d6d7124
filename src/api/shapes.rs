//! The JSON shapes of people, rooms and messages, as the outer interface promises them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::chat::accounts::model::Person;
use crate::chat::messages::model::{Message, Reactions};
use crate::chat::rooms::model::Room;
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};

#[derive(Serialize)]
pub struct User<'a> {
    pub id: UserId,
    pub name: &'a str,
    pub display_name: &'a str,
    pub bot: bool,
    pub role: &'static str,
    pub online: bool,
}

impl<'a> User<'a> {
    pub fn new(person: &'a Person, online: bool) -> Self {
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

#[derive(Serialize)]
pub struct RoomShape<'a> {
    id: RoomId,
    name: &'a str,
    topic: &'a str,
    visibility: &'static str,
    lobby: bool,
    owner_id: Option<UserId>,
    code: Option<String>,
    last_seq: Seq,
    /// Who is no member has nothing unread: as if all were read.
    last_read_seq: Seq,
    rev: Rev,
    members: usize,
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
            rev: room.rev,
            members: counts.members,
            online: counts.online,
        }
    }
}

#[derive(Serialize)]
struct Author<'a> {
    id: UserId,
    name: &'a str,
    display_name: &'a str,
    bot: bool,
}

#[derive(Serialize)]
struct ReactionShape<'a> {
    emoji: &'a str,
    count: usize,
    users: &'a [UserId],
}

impl<'a> From<&'a Reactions> for ReactionShape<'a> {
    fn from(Reactions { emoji, users }: &'a Reactions) -> Self {
        Self { emoji, count: users.len(), users }
    }
}

#[derive(Serialize)]
pub struct MessageShape<'a> {
    id: MessageId,
    room_id: RoomId,
    seq: Seq,
    rev: Rev,
    kind: &'static str,
    author: Author<'a>,
    body: &'a str,
    html: &'a str,
    created_at: String,
    edited_at: Option<String>,
    deleted: bool,
    reply_to: Option<MessageId>,
    reactions: Vec<ReactionShape<'a>>,
    attachments: [(); 0],
    nonce: Option<&'a str>,
}

impl<'a> From<&'a Message> for MessageShape<'a> {
    fn from(message: &'a Message) -> Self {
        let author = &message.author;
        Self {
            id: message.id,
            room_id: message.room,
            seq: message.seq,
            rev: message.rev,
            kind: message.kind.as_str(),
            author: Author {
                id: author.id,
                name: &author.name,
                display_name: &author.display_name,
                bot: author.bot,
            },
            body: &message.body,
            html: &message.html,
            created_at: message.created_at.rfc3339(),
            edited_at: message.edited_at.map(Timestamp::rfc3339),
            deleted: message.deleted,
            reply_to: message.reply_to,
            reactions: message.reactions.iter().map(ReactionShape::from).collect(),
            attachments: [],
            nonce: message.nonce.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub struct Items<T> {
    pub items: Vec<T>,
}

#[derive(Serialize)]
pub struct Paged<T> {
    pub items: Vec<T>,
    pub more: bool,
}
