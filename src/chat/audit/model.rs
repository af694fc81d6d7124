//! The actions that the audit log records. Each has its own variant with exactly the data that is
//! stored, and no variant has a field for the text of a message.

use serde::Serialize;
use serde_json::{Value, json};

use crate::chat::accounts::model::User;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// The row id of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AuditId(pub i64);

/// A user with their handle, which never changes.
pub type NamedUser<'a> = (UserId, &'a str);
/// A room with its name at that time.
pub type NamedRoom<'a> = (RoomId, &'a str);

/// A recorded action.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// A message of another user was deleted.
    DeleteMessage {
        message: MessageId,
        room: NamedRoom<'a>,
        author: NamedUser<'a>,
    },
    DeleteRoom {
        room: NamedRoom<'a>,
    },
    RestoreRoom {
        room: NamedRoom<'a>,
    },
    RenameRoom {
        room: NamedRoom<'a>,
        new_name: &'a str,
    },
    RemoveMember {
        user: NamedUser<'a>,
        room: NamedRoom<'a>,
    },
    CloseAccount {
        user: NamedUser<'a>,
    },
    ReopenAccount {
        user: NamedUser<'a>,
    },
    /// All messages of the user are going to be deleted.
    EraseMessages {
        user: NamedUser<'a>,
    },
    Promote {
        user: NamedUser<'a>,
    },
    Demote {
        user: NamedUser<'a>,
    },
    MakeResetLink {
        user: NamedUser<'a>,
    },
    OpenSignUp,
    CloseSignUp,
}

/// The column values of an action.
pub(super) struct Columns<'a> {
    pub action: &'static str,
    pub subject_kind: &'static str,
    pub subject_id: Option<i64>,
    pub subject_name: Option<&'a str>,
    pub detail: Value,
}

impl<'a> Action<'a> {
    pub(super) fn columns(self) -> Columns<'a> {
        let room_detail = |(id, name): NamedRoom<'a>| json!({"room_id": id, "room": name});
        let (action, subject, detail) = match self {
            Self::DeleteMessage { message, room, author: (author, handle) } => {
                let mut detail = room_detail(room);
                detail["author_id"] = json!(author);
                detail["author"] = json!(handle);
                ("message.delete", ("message", Some(message.0), None), detail)
            }
            Self::DeleteRoom { room } => ("room.delete", room_subject(room), json!({})),
            Self::RestoreRoom { room } => ("room.restore", room_subject(room), json!({})),
            Self::RenameRoom { room, new_name } => {
                ("room.rename", room_subject(room), json!({"new_name": new_name}))
            }
            Self::RemoveMember { user, room } => {
                ("member.remove", user_subject(user), room_detail(room))
            }
            Self::CloseAccount { user } => ("user.close", user_subject(user), json!({})),
            Self::ReopenAccount { user } => ("user.reopen", user_subject(user), json!({})),
            Self::EraseMessages { user } => ("user.erase_messages", user_subject(user), json!({})),
            Self::Promote { user } => ("user.promote", user_subject(user), json!({})),
            Self::Demote { user } => ("user.demote", user_subject(user), json!({})),
            Self::MakeResetLink { user } => ("user.reset_link", user_subject(user), json!({})),
            Self::OpenSignUp => ("sign_up.open", SETTINGS, json!({})),
            Self::CloseSignUp => ("sign_up.close", SETTINGS, json!({})),
        };
        let (subject_kind, subject_id, subject_name) = subject;
        Columns { action, subject_kind, subject_id, subject_name, detail }
    }
}

type Subject<'a> = (&'static str, Option<i64>, Option<&'a str>);

const SETTINGS: Subject<'static> = ("settings", None, None);

fn user_subject((id, handle): NamedUser<'_>) -> Subject<'_> {
    ("user", Some(id.0), Some(handle))
}

fn room_subject((id, name): NamedRoom<'_>) -> Subject<'_> {
    ("room", Some(id.0), Some(name))
}

/// A recorded action.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Timestamp,
    /// `None` for the command line.
    pub actor: Option<User>,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: Option<i64>,
    /// The subject's name at that time.
    pub subject_name: Option<String>,
    /// Further names and ids; the keys depend on the action.
    pub detail: Value,
}

impl AuditEntry {
    /// A text from the detail; empty if it does not exist.
    pub fn detail_text(&self, name: &str) -> &str {
        self.detail.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}
