//! The actions that the audit log records. Each has its own variant with exactly the data that is
//! stored, and no variant has a field for the text of a message.

use serde::Serialize;
use serde_json::{Value, json};

use crate::chat::accounts::model::UserRef;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// The row id of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AuditId(pub i64);

/// A user in an action.
#[derive(Clone, Copy, Debug)]
pub struct NamedUser<'a> {
    pub id: UserId,
    /// The handle, which never changes.
    pub name: &'a str,
}

/// A room in an action.
#[derive(Clone, Copy, Debug)]
pub struct NamedRoom<'a> {
    pub id: RoomId,
    /// The name at that time.
    pub name: &'a str,
}

/// A recorded action.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// A message of another user was deleted.
    DeleteMessage {
        message: MessageId,
        room: NamedRoom<'a>,
        author: NamedUser<'a>,
    },
    /// The preview of a link in a message of another user was removed.
    RemovePreview {
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
    ArchiveRoom {
        room: NamedRoom<'a>,
    },
    UnarchiveRoom {
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
    /// A custom emoji.
    AddEmoji {
        name: &'a str,
    },
    DeleteEmoji {
        name: &'a str,
    },
    OpenSignUp,
    CloseSignUp,
}

/// The column values of an action.
pub(super) struct Columns<'a> {
    pub action: &'static str,
    pub subject: Subject<'a>,
    pub detail: Value,
}

/// What an action was done to.
pub(super) struct Subject<'a> {
    pub kind: &'static str,
    pub id: Option<i64>,
    pub name: Option<&'a str>,
}

/// An action on a message of another user.
fn of_message<'a>(
    action: &'static str,
    message: MessageId,
    room: NamedRoom<'a>,
    author: NamedUser<'a>,
) -> (&'static str, Subject<'a>, Value) {
    let mut detail = room.detail();
    detail["author_id"] = json!(author.id);
    detail["author"] = json!(author.name);
    (action, Subject { kind: "message", id: Some(message.0), name: None }, detail)
}

impl<'a> Action<'a> {
    pub(super) fn columns(self) -> Columns<'a> {
        let (action, subject, detail) = match self {
            Self::DeleteMessage { message, room, author } => {
                of_message("message.delete", message, room, author)
            }
            Self::RemovePreview { message, room, author } => {
                of_message("message.remove_preview", message, room, author)
            }
            Self::DeleteRoom { room } => ("room.delete", room.subject(), json!({})),
            Self::RestoreRoom { room } => ("room.restore", room.subject(), json!({})),
            Self::ArchiveRoom { room } => ("room.archive", room.subject(), json!({})),
            Self::UnarchiveRoom { room } => ("room.unarchive", room.subject(), json!({})),
            Self::RenameRoom { room, new_name } => {
                ("room.rename", room.subject(), json!({"new_name": new_name}))
            }
            Self::RemoveMember { user, room } => ("member.remove", user.subject(), room.detail()),
            Self::CloseAccount { user } => ("user.close", user.subject(), json!({})),
            Self::ReopenAccount { user } => ("user.reopen", user.subject(), json!({})),
            Self::EraseMessages { user } => ("user.erase_messages", user.subject(), json!({})),
            Self::Promote { user } => ("user.promote", user.subject(), json!({})),
            Self::Demote { user } => ("user.demote", user.subject(), json!({})),
            Self::MakeResetLink { user } => ("user.reset_link", user.subject(), json!({})),
            Self::AddEmoji { name } => ("emoji.add", emoji(name), json!({})),
            Self::DeleteEmoji { name } => ("emoji.delete", emoji(name), json!({})),
            Self::OpenSignUp => ("sign_up.open", SETTINGS, json!({})),
            Self::CloseSignUp => ("sign_up.close", SETTINGS, json!({})),
        };
        Columns { action, subject, detail }
    }
}

const SETTINGS: Subject<'static> = Subject { kind: "settings", id: None, name: None };

fn emoji(name: &str) -> Subject<'_> {
    Subject { kind: "emoji", id: None, name: Some(name) }
}

impl<'a> NamedUser<'a> {
    fn subject(self) -> Subject<'a> {
        Subject { kind: "user", id: Some(self.id.0), name: Some(self.name) }
    }
}

impl<'a> NamedRoom<'a> {
    fn subject(self) -> Subject<'a> {
        Subject { kind: "room", id: Some(self.id.0), name: Some(self.name) }
    }

    /// The room of an action that has another subject.
    fn detail(self) -> Value {
        json!({"room_id": self.id, "room": self.name})
    }
}

/// A recorded action.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Timestamp,
    /// `None` for the command line.
    pub actor: Option<UserRef>,
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
