//! What the audit log records. One variant for each kind of action: what it takes is all that is
//! kept of it, and no variant has room for the text of a message.

use serde::Serialize;
use serde_json::{Value, json};

use crate::chat::accounts::model::User;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// An entry, by the number of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AuditId(pub i64);

/// A user as an action names them: the handle never changes.
pub type NamedUser<'a> = (UserId, &'a str);
/// A room with its name at that moment.
pub type NamedRoom<'a> = (RoomId, &'a str);

/// What was done.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// A message that somebody else had written.
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
    /// All that the user wrote is going to be deleted.
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

/// The columns of an action.
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
            Self::DeleteRoom { room } => ("room.delete", of_room(room), json!({})),
            Self::RestoreRoom { room } => ("room.restore", of_room(room), json!({})),
            Self::RenameRoom { room, new_name } => {
                ("room.rename", of_room(room), json!({"new_name": new_name}))
            }
            Self::RemoveMember { user, room } => {
                ("member.remove", of_user(user), room_detail(room))
            }
            Self::CloseAccount { user } => ("user.close", of_user(user), json!({})),
            Self::ReopenAccount { user } => ("user.reopen", of_user(user), json!({})),
            Self::EraseMessages { user } => ("user.erase_messages", of_user(user), json!({})),
            Self::Promote { user } => ("user.promote", of_user(user), json!({})),
            Self::Demote { user } => ("user.demote", of_user(user), json!({})),
            Self::MakeResetLink { user } => ("user.reset_link", of_user(user), json!({})),
            Self::OpenSignUp => ("sign_up.open", SETTINGS, json!({})),
            Self::CloseSignUp => ("sign_up.close", SETTINGS, json!({})),
        };
        let (subject_kind, subject_id, subject_name) = subject;
        Columns { action, subject_kind, subject_id, subject_name, detail }
    }
}

type Subject<'a> = (&'static str, Option<i64>, Option<&'a str>);

const SETTINGS: Subject<'static> = ("settings", None, None);

fn of_user((id, handle): NamedUser<'_>) -> Subject<'_> {
    ("user", Some(id.0), Some(handle))
}

fn of_room((id, name): NamedRoom<'_>) -> Subject<'_> {
    ("room", Some(id.0), Some(name))
}

/// An action that was recorded.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Timestamp,
    /// `None`: the command line.
    pub actor: Option<User>,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: Option<i64>,
    /// What it was called then.
    pub subject_name: Option<String>,
    /// Names and numbers, by their own names.
    pub detail: Value,
}

impl AuditEntry {
    /// A text of the detail; empty where it has none.
    pub fn detail_text(&self, name: &str) -> &str {
        self.detail.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}
