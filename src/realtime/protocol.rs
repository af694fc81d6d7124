//! The JSON frames of live connections in both directions, and the encoding of events.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::api::schemas::{Counts, MessageShape, ParentShape, RoomShape, UserShape};
use crate::chat::drafts::model::DraftState;
use crate::chat::events::Event;
use crate::chat::messages::model::Message;
use crate::chat::rooms::model::{Progress, Room};
use crate::http::Language;
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};
use crate::limits::connection::DRAFT;
use crate::pages;
use crate::pubsub::Encoding;
use crate::text::collation::sort_key;

/// For programs: messages as JSON.
pub const JSON_PROTOCOL: &str = "patio.v1";
/// For pages: the same frames with messages as HTML in the page's language.
pub const HTML_PROTOCOL: &str = "patio-html.v1";

const JSON: Encoding = Encoding(0);

/// Returns the encoding in which a connection receives events.
pub fn encoding_of(protocol: Option<&str>, t: Language) -> Encoding {
    match (protocol, t) {
        (Some(HTML_PROTOCOL), Language::English) => Encoding(1),
        (Some(HTML_PROTOCOL), Language::Spanish) => Encoding(2),
        _ => JSON,
    }
}

/// Returns the language of an HTML encoding; `None` for JSON.
fn html_language(encoding: Encoding) -> Option<Language> {
    match encoding {
        Encoding(1) => Some(Language::English),
        Encoding(2) => Some(Language::Spanish),
        _ => None,
    }
}

/// A frame from a client.
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
    pub format: Option<String>,
    /// The ids of files that are in no message yet.
    #[serde(default)]
    pub files: Vec<String>,
    /// The author of the message, and when its room was created. Sent by pages: their outbox keeps a message
    /// until it is sent, and the user or the room behind the ids may have changed since.
    pub author: Option<UserId>,
    pub room_created: Option<Timestamp>,
}

/// A frame to a client.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ServerFrame<'a> {
    Ready {
        me: UserShape<'a>,
        epoch: &'a str,
        /// The server time. A client that reconnects passes it as `since`.
        at: String,
        rooms: Vec<RoomState>,
    },
    /// All users that are online. Follows `ready` and the missed changes; later changes come as `presence`.
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
        message: Option<Box<MessageShape<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    /// The message that an open thread belongs to, in its current state.
    Head {
        room: RoomId,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<Box<MessageShape<'a>>>,
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
        /// The users whom the message mentions by name although they are not members of the room.
        not_in_room: Vec<UserShape<'a>>,
    },
    /// There is a new message in one of the user's rooms that is not open. `mentions` counts the user's
    /// unread mentions in it. `unread` is present if it was counted for this user; without it, the client
    /// adds the growth of `last_seq`.
    Unread {
        room: RoomId,
        last_seq: Seq,
        #[serde(skip_serializing_if = "Option::is_none")]
        unread: Option<i64>,
        mentions: i64,
    },
    /// The user moved the read marker on another connection. `unread` and `mentions` count what is left.
    /// `back`: to a message that was read before.
    Read {
        room: RoomId,
        seq: Seq,
        unread: i64,
        mentions: i64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        back: bool,
    },
    /// The user's own draft for the room. An empty `body`: it was sent or discarded. Without a `body`, it is too
    /// long for a frame.
    Draft {
        room: RoomId,
        body: Option<&'a str>,
        reply_to: Option<MessageId>,
        /// With which the draft will be sent, or was, if that is known.
        nonce: Option<&'a str>,
        updated_at: Option<String>,
    },
    /// The user saved the message on any of their devices, or no longer does.
    Saved {
        message: MessageId,
        saved: bool,
    },
    Room {
        room: RoomShape<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    /// The user may no longer read the room.
    Closed {
        room: RoomId,
        reason: &'static str,
    },
    User {
        user: UserShape<'a>,
        /// For avatars in pages.
        #[serde(skip_serializing_if = "Option::is_none")]
        initials: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        photo: Option<&'a str>,
        /// The place of the name in lists.
        #[serde(skip_serializing_if = "Option::is_none")]
        sort: Option<String>,
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
    /// A custom emoji was added or removed.
    Emoji,
    /// A user is typing in an open room.
    Typing {
        room: RoomId,
        user: UserShape<'a>,
    },
    /// The client must open this room again with its last `rev`; without a room, it must reload all rooms
    /// and users. With `reset` the history was replaced, and the client must discard what it knows.
    Resync {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        reset: bool,
    },
    Error {
        status: u16,
        detail: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    Pong,
}

/// The position of a room, and the user's read marker in it.
#[derive(Serialize)]
pub(super) struct RoomState {
    pub id: RoomId,
    pub last_seq: Seq,
    pub last_read_seq: Seq,
    pub rev: Rev,
    /// The unread messages that are not deleted.
    pub unread: i64,
    /// The unread messages that mention the user.
    pub mentions: i64,
    /// For a thread: the message it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentShape>,
}

impl From<Progress> for RoomState {
    fn from(progress: Progress) -> Self {
        let Progress { room: id, rev, last_seq, last_read_seq, unread, mentions, parent, .. } =
            progress;
        let parent = parent.map(ParentShape::from);
        Self { id, last_seq, last_read_seq, rev, unread, mentions, parent }
    }
}

impl<'a> ServerFrame<'a> {
    pub fn message(message: &'a Message, encoding: Encoding) -> Self {
        let (shape, html) = shown(message, encoding);
        Self::Message { room: message.room, rev: message.rev, message: shape, html }
    }

    /// The message that the thread `room` belongs to.
    pub fn head(room: RoomId, message: &'a Message, encoding: Encoding) -> Self {
        let (shape, html) = shown(message, encoding);
        Self::Head { room, message: shape, html }
    }

    /// A room as its reader sees it. In HTML encodings with its row of the sidebar.
    pub fn room(
        room: &'a Room,
        counts: Counts,
        other_online: bool,
        now: Timestamp,
        encoding: Encoding,
    ) -> Self {
        let html =
            html_language(encoding).map(|t| rendered(pages::room_row(room, other_online, now, t)));
        Self::Room { room: RoomShape::new(room, counts), html }
    }

    /// The user's draft for a room, with its text if that has at most `bytes` bytes.
    pub fn draft(room: RoomId, draft: &'a DraftState, bytes: usize) -> Self {
        match draft {
            DraftState::Gone { nonce } => Self::Draft {
                room,
                body: Some(""),
                reply_to: None,
                nonce: nonce.as_deref(),
                updated_at: None,
            },
            DraftState::Stored(draft) => Self::Draft {
                room,
                body: Some(draft.body.as_str()).filter(|body| body.len() <= bytes),
                reply_to: draft.reply_to,
                nonce: draft.nonce.as_deref(),
                updated_at: Some(draft.updated_at.rfc3339()),
            },
        }
    }

    fn event(event: &'a Event, encoding: Encoding, now: Timestamp) -> Self {
        match event {
            Event::Message(message) => Self::message(message, encoding),
            Event::Head { thread, message } => Self::head(*thread, message, encoding),
            Event::Presence { user, online } => Self::Presence { user: *user, online: *online },
            Event::EmojiChanged => Self::Emoji,
            Event::OnlineUsers(users) => Self::Present { users },
            Event::Typing { room, user } => {
                Self::Typing { room: *room, user: UserShape::new(user, true, now) }
            }
            Event::Unread { room, last_seq } => {
                Self::Unread { room: *room, last_seq: *last_seq, unread: None, mentions: 0 }
            }
            Event::Read { room, seq, unread, mentions, back } => Self::Read {
                room: *room,
                seq: *seq,
                unread: *unread,
                mentions: *mentions,
                back: *back,
            },
            Event::Renamed(user) => Self::User {
                user: UserShape::new(user, true, now),
                initials: html_language(encoding).map(|_| pages::initials(&user.display_name)),
                photo: user.avatar.as_deref().filter(|_| encoding != JSON),
                sort: html_language(encoding).map(|_| sort_key(&user.display_name)),
            },
            Event::Draft { room, draft } => Self::draft(*room, draft, DRAFT),
            Event::Saved { message, saved } => Self::Saved { message: *message, saved: *saved },
            Event::Joined { room, user } => Self::Member {
                room: *room,
                user: UserShape::new(user, false, now),
                joined: true,
                html: html_language(encoding)
                    .map(|t| rendered(pages::member_row(user, false, now, t))),
            },
            Event::Left { room, user } => Self::Member {
                room: *room,
                user: UserShape::new(user, false, now),
                joined: false,
                html: None,
            },
        }
    }

    /// Returns the payload of a text frame.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A message as JSON or as HTML, whichever the encoding has.
fn shown(message: &Message, encoding: Encoding) -> (Option<Box<MessageShape<'_>>>, Option<String>) {
    let html =
        html_language(encoding).map(|t| rendered(pages::messages::list::fragment(message, t)));
    let shape = html.is_none().then(|| Box::new(MessageShape::from(message)));
    (shape, html)
}

/// Returns the rendered HTML, or nothing. The tests render every template, so an error is not expected.
fn rendered(html: askama::Result<String>) -> String {
    html.inspect_err(|error| tracing::error!(%error, "could not render a fragment"))
        .unwrap_or_default()
}

/// Encodes an event; `now` decides which statuses are over. The hub calls it once per encoding, for all connections.
pub fn encode(event: &Event, encoding: Encoding, now: Timestamp) -> Bytes {
    ServerFrame::event(event, encoding, now).text().into()
}
