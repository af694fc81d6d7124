//! The frames of a live connection: what clients send, what they are sent, and how an event
//! becomes bytes in each form.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::api::schemas::{Counts, MessageShape, RoomShape, UserShape};
use crate::chat::events::Event;
use crate::chat::messages::model::Message;
use crate::chat::rooms::model::{Progress, Room};
use crate::http::Language;
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};
use crate::pages;
use crate::pubsub::Encoding;

/// For programs: messages as JSON.
pub const JSON_PROTOCOL: &str = "patio.v1";
/// For pages: the same frames with messages as HTML in the page's language.
pub const HTML_PROTOCOL: &str = "patio-html.v1";

const JSON: Encoding = Encoding(0);

/// The form that a connection gets its events in.
pub fn encoding_of(protocol: Option<&str>, t: Language) -> Encoding {
    match (protocol, t) {
        (Some(HTML_PROTOCOL), Language::English) => Encoding(1),
        (Some(HTML_PROTOCOL), Language::Spanish) => Encoding(2),
        _ => JSON,
    }
}

/// In which language a form has HTML; `None` for JSON.
fn html_language(form: Encoding) -> Option<Language> {
    match form {
        Encoding(1) => Some(Language::English),
        Encoding(2) => Some(Language::Spanish),
        _ => None,
    }
}

/// What a client may send.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ClientFrame {
    Open { room: RoomId, since_rev: Option<Rev>, since_id: Option<MessageId> },
    Close { room: RoomId },
    Read { room: RoomId, seq: Seq },
    Typing { room: RoomId },
    Post(Post),
    Ping,
}

/// A message to be stored.
#[derive(Debug, Deserialize)]
pub(super) struct Post {
    pub room: RoomId,
    pub body: String,
    pub nonce: Option<String>,
    pub reply_to: Option<MessageId>,
    /// Whose it is, and when its room was made: from pages, which keep it until it is sent.
    pub author: Option<UserId>,
    pub room_created: Option<Timestamp>,
}

/// What a client is sent.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ServerFrame<'a> {
    Ready {
        me: UserShape<'a>,
        epoch: &'a str,
        /// This moment: who comes back may ask what happened since.
        at: String,
        rooms: Vec<RoomState>,
    },
    /// Everybody who is there, after `ready` and what was missed; from then on `presence` tells changes.
    Present {
        users: &'a [UserId],
    },
    Opened {
        room: RoomId,
        rev: Rev,
        last_seq: Seq,
    },
    Live {
        room: RoomId,
        rev: Rev,
    },
    Message {
        room: RoomId,
        rev: Rev,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<MessageShape<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    Posted {
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
        room: RoomId,
        id: MessageId,
        seq: Seq,
        rev: Rev,
    },
    /// Something was said in a room of one's own that is not open; `mentions` is how often one is
    /// mentioned in all that one has not read there. `unread` is there where it was counted for this
    /// reader: without it there is as much more to read as `last_seq` has grown.
    Unread {
        room: RoomId,
        last_seq: Seq,
        #[serde(skip_serializing_if = "Option::is_none")]
        unread: Option<i64>,
        mentions: i64,
    },
    /// One has read so far, on another connection, with so much and so many mentions still ahead.
    Read {
        room: RoomId,
        seq: Seq,
        unread: i64,
        mentions: i64,
    },
    Room {
        room: RoomShape<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    /// One may not see a room any more.
    Closed {
        room: RoomId,
        reason: &'static str,
    },
    User {
        user: UserShape<'a>,
        /// For the avatars of pages.
        #[serde(skip_serializing_if = "Option::is_none")]
        initials: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        photo: Option<&'a str>,
    },
    Presence {
        user: UserId,
        online: bool,
    },
    Member {
        room: RoomId,
        user: UserShape<'a>,
        joined: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    /// Somebody is writing in a room that is open.
    Typing {
        room: RoomId,
        user: UserShape<'a>,
    },
    /// What of this room is missing must be asked for again; without a room, how all rooms and people are.
    /// With `reset` it has another history than the client knows: what it remembers of it is void.
    Resync {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        reset: bool,
    },
    Error {
        status: u16,
        detail: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    Pong,
}

/// How far a room is, and how far its reader.
#[derive(Serialize)]
pub(super) struct RoomState {
    pub id: RoomId,
    pub last_seq: Seq,
    pub last_read_seq: Seq,
    pub rev: Rev,
    /// How much one has not read of what is still there.
    pub unread: i64,
    /// How often one is mentioned in what one has not read.
    pub mentions: i64,
}

impl From<Progress> for RoomState {
    fn from(progress: Progress) -> Self {
        let Progress { room: id, rev, last_seq, last_read_seq, unread, mentions } = progress;
        Self { id, last_seq, last_read_seq, rev, unread, mentions }
    }
}

impl<'a> ServerFrame<'a> {
    pub fn message(message: &'a Message, form: Encoding) -> Self {
        let html =
            html_language(form).map(|t| rendered(pages::messages::list::fragment(message, t)));
        let shape = html.is_none().then(|| MessageShape::from(message));
        Self::Message { room: message.room, rev: message.rev, message: shape, html }
    }

    /// A room as its reader sees it; for pages with its row of the sidebar.
    pub fn room(room: &'a Room, counts: Counts, other_online: bool, form: Encoding) -> Self {
        let html = html_language(form).map(|t| rendered(pages::room_row(room, other_online, t)));
        Self::Room { room: RoomShape::new(room, counts), html }
    }

    fn event(event: &'a Event, form: Encoding) -> Self {
        match event {
            Event::Message(message) => Self::message(message, form),
            Event::Presence { user, online } => Self::Presence { user: *user, online: *online },
            Event::OnlineUsers(users) => Self::Present { users },
            Event::Typing { room, person } => {
                Self::Typing { room: *room, user: UserShape::new(person, true) }
            }
            Event::Unread { room, last_seq } => {
                Self::Unread { room: *room, last_seq: *last_seq, unread: None, mentions: 0 }
            }
            Event::Read { room, seq, unread, mentions } => {
                Self::Read { room: *room, seq: *seq, unread: *unread, mentions: *mentions }
            }
            Event::Renamed(person) => Self::User {
                user: UserShape::new(person, true),
                initials: html_language(form).map(|_| pages::initials(&person.display_name)),
                photo: person.avatar.as_deref().filter(|_| form != JSON),
            },
            Event::Joined { room, person } => Self::Member {
                room: *room,
                user: UserShape::new(person, false),
                joined: true,
                html: html_language(form).map(|t| rendered(pages::member_row(person, false, t))),
            },
            Event::Left { room, person } => Self::Member {
                room: *room,
                user: UserShape::new(person, false),
                joined: false,
                html: None,
            },
        }
    }

    /// The payload of a text frame.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Our templates render, or a test would have failed; a reader who gets none asks again.
fn rendered(html: askama::Result<String>) -> String {
    html.inspect_err(|error| tracing::error!(%error, "a fragment was not rendered"))
        .unwrap_or_default()
}

/// How the hub writes an event down, once for all connections of a form.
pub fn encode(event: &Event, form: Encoding) -> Bytes {
    ServerFrame::event(event, form).text().into()
}
