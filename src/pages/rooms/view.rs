//! What the page of a room shows of it, and of the message that a thread belongs to.

use axum::http::StatusCode;

use crate::chat::commands::COMMANDS;
use crate::chat::drafts::model::StoredDraft;
use crate::chat::messages::model::Message;
use crate::chat::rooms::model::{Reader, Room, Visibility, may_mention_all, may_moderate};
use crate::chat::search;
use crate::http::{Language, Problem};
use crate::kernel::{MessageId, Random, RoomId, Timestamp};
use crate::pages::layout::page::Page;
use crate::pages::layout::sidebar::icon;
use crate::pages::messages::list::single_message;
use crate::pages::messages::show::place_in_room;

/// What a thread belongs to.
pub(super) struct ThreadView {
    pub head_id: i64,
    /// The head, as the room shows it.
    pub head: String,
    /// Whether the user has saved the head.
    pub is_saved: bool,
    /// The number of replies in words.
    pub replies: String,
    pub room_id: i64,
    /// The room of the head, and the head's place in it.
    pub room: String,
    pub icon: &'static str,
    pub back: String,
    /// Whether the user follows the thread; `None` before the first reply.
    pub follows: Option<bool>,
    /// The text of the box that sends a copy to the room.
    pub also: String,
}

/// The name of a room as texts show it.
fn named(room: &Room) -> String {
    match room.visibility {
        Visibility::Public | Visibility::Private => format!("#{}", room.name),
        Visibility::Direct | Visibility::Group | Visibility::Thread => room.name.clone(),
    }
}

impl ThreadView {
    /// `room` is the one of the head.
    pub fn new(
        room: &Room,
        head: &Message,
        is_saved: bool,
        follows: Option<bool>,
        page: &Page,
    ) -> Result<Self, Problem> {
        let t = page.t;
        let shown = single_message(head, &page.calendar());
        let replies = head.thread.as_ref().map_or(0, |thread| thread.replies);
        Ok(Self {
            head_id: head.id.0,
            head: shown.map_err(|error| Problem::internal(&error))?,
            is_saved,
            replies: t.count("thread-replies", usize::try_from(replies).unwrap_or_default()),
            room_id: room.id.0,
            room: room.name.clone(),
            icon: icon(room),
            back: place_in_room(head, room.last_seq.0),
            follows,
            also: t.name("thread-also", named(room)),
        })
    }
}

/// The text that the composer starts with.
pub(super) struct ComposerDraft {
    pub text: String,
    /// With which the text is sent.
    pub nonce: String,
    /// When it was stored, for scripts; `None` for a text that was refused or is new.
    pub stored_at: Option<String>,
}

impl ComposerDraft {
    /// A refused text comes before the stored draft. It goes on with the draft's nonce, which its post deletes.
    pub fn new(refused: String, stored: Option<StoredDraft>, random: &Random) -> Self {
        let (draft, nonce, at) = match stored {
            Some(StoredDraft { body, nonce, updated_at, .. }) => (body, nonce, Some(updated_at)),
            None => (String::new(), None, None),
        };
        let nonce = nonce.unwrap_or_else(|| random.token());
        if refused.is_empty() {
            Self { text: draft, nonce, stored_at: at.map(Timestamp::rfc3339) }
        } else {
            Self { text: refused, nonce, stored_at: None }
        }
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact that the page shows")]
pub(super) struct RoomView {
    pub id: i64,
    /// The creation time; empty for a direct message that does not exist yet.
    pub created: String,
    pub kind: &'static str,
    pub icon: &'static str,
    pub name: String,
    pub topic: String,
    pub rev: i64,
    /// The user's read marker; -1 for a user who is not a member.
    pub last_read: i64,
    pub member: bool,
    /// Whether the user may mention all members at once.
    pub mentions_all: bool,
    /// Whether members can invite others.
    pub invites: bool,
    /// Whether the user can delete messages of others.
    pub moderates: bool,
    /// The user was removed and needs an invitation to come back.
    pub removed: bool,
    pub archived: bool,
    pub favourite: bool,
    pub members: usize,
    pub members_label: String,
    pub message_to: &'static str,
    pub post_path: String,
    /// The search query that is limited to this room.
    pub search: String,
}

impl RoomView {
    pub fn new(reader: &Reader, removed: bool, members: usize, t: Language) -> Self {
        let room = reader.room();
        if let Some(parent) = &room.parent {
            return Self {
                created: room.created_at.rfc3339(),
                rev: room.rev.0,
                last_read: room.last_read_seq.map_or(-1, |seq| seq.0),
                member: room.is_member(),
                moderates: may_moderate(reader.user(), room),
                removed,
                archived: room.archived_at.is_some(),
                ..Self::of_thread(room.id, parent.head.message, &parent.name, t)
            };
        }
        Self {
            created: room.created_at.rfc3339(),
            id: room.id.0,
            kind: room.visibility.as_str(),
            icon: icon(room),
            name: room.name.clone(),
            topic: room.topic.clone(),
            rev: room.rev.0,
            last_read: room.last_read_seq.map_or(-1, |seq| seq.0),
            member: room.is_member(),
            mentions_all: may_mention_all(reader.user(), room),
            invites: room.is_member() && !room.visibility.is_permanent(),
            moderates: may_moderate(reader.user(), room),
            removed,
            archived: room.archived_at.is_some(),
            favourite: room.favourite,
            members,
            members_label: t.count("people-button", members),
            message_to: if room.visibility.has_fixed_members() {
                "message-person"
            } else {
                "message-to"
            },
            post_path: format!("/rooms/{}/messages", room.id),
            search: search::model::Query::in_room(&room.name),
        }
    }

    /// A thread without replies; `room` is 0, or the thread.
    pub fn of_thread(room: RoomId, head: MessageId, parent: &str, t: Language) -> Self {
        Self {
            id: room.0,
            created: String::new(),
            kind: Visibility::Thread.as_str(),
            icon: "thread",
            name: t.name("thread-in", parent),
            topic: String::new(),
            rev: 0,
            last_read: -1,
            member: true,
            mentions_all: false,
            invites: false,
            moderates: false,
            removed: false,
            archived: false,
            favourite: false,
            members: 0,
            members_label: String::new(),
            message_to: "thread-reply",
            post_path: format!("/threads/{head}"),
            search: String::new(),
        }
    }
}

/// The link to what is pinned.
pub(super) struct PinsView {
    pub count: usize,
    pub label: String,
    /// The ids of the messages, from which scripts keep the count: a change of one may arrive more than once.
    pub ids: String,
}

impl PinsView {
    pub fn new(pinned: &[MessageId], t: Language) -> Self {
        let ids: Vec<String> = pinned.iter().map(ToString::to_string).collect();
        let count = pinned.len();
        Self { count, label: t.count("pins-count", count), ids: ids.join(" ") }
    }
}

/// An entry of the slash command menu.
pub(super) struct CommandView {
    pub name: &'static str,
    pub takes: &'static str,
    pub does: &'static str,
}

pub(super) fn commands(t: Language) -> Vec<CommandView> {
    let view = |(name, takes, does): (&'static str, &str, &str)| CommandView {
        name,
        takes: if takes.is_empty() { "" } else { t.text(takes) },
        does: t.text(does),
    };
    COMMANDS.into_iter().map(view).collect()
}

/// A button that puts marks into the composer's text.
pub(super) struct FormatView {
    pub name: &'static str,
    pub icon: &'static str,
    pub label: &'static str,
    /// The key that does the same, or nothing.
    pub key: &'static str,
}

/// The buttons of the formatting bar: name and icon, key of the label, keyboard shortcut.
pub(super) const FORMATS: [(&str, &str, &str, &str); 10] = [
    ("bold", "bold", "format-bold", "Ctrl+B"),
    ("italic", "italic", "format-italic", "Ctrl+I"),
    ("strike", "strike", "format-strike", ""),
    ("link", "link", "format-link", "Ctrl+Shift+U"),
    ("list", "list", "format-list", ""),
    ("numbers", "numbers", "format-numbers", ""),
    ("quote", "quote", "format-quote", ""),
    ("code", "code", "format-code", "Ctrl+E"),
    ("block", "block", "format-block", ""),
    ("preview", "eye", "preview", ""),
];

pub(super) fn formats(t: Language) -> [FormatView; FORMATS.len()] {
    FORMATS.map(|(name, icon, label, key)| FormatView { name, icon, label: t.text(label), key })
}

/// A file that waits in a composer.
pub(in crate::pages) struct KeptFile {
    pub id: String,
    pub name: String,
}

pub(in crate::pages) struct CommandReply {
    /// Not 2xx if the command did nothing.
    pub status: StatusCode,
    pub lines: Vec<String>,
    /// Offers a button that sends the text as a message.
    pub as_text: bool,
    /// Offers a button that sends the text although it mentions many members.
    pub confirms: bool,
    /// Offers to invite these users.
    pub invites: Vec<Invitable>,
}

/// A user who can be invited.
pub(in crate::pages) struct Invitable {
    pub name: String,
    pub display_name: String,
}

impl CommandReply {
    pub fn new(status: StatusCode, lines: Vec<String>) -> Self {
        Self { status, lines, as_text: false, confirms: false, invites: Vec::new() }
    }

    pub fn is_bad(&self) -> bool {
        !self.status.is_success()
    }
}

/// The path of a room's page.
pub(super) fn path_of(room: &Room) -> String {
    match &room.parent {
        Some(parent) => format!("/threads/{}", parent.head.message),
        None => format!("/rooms/{}", room.id),
    }
}
