//! The records of an export, each with the SQL of its table. Only this folder knows which field is stored
//! in which column.

mod access;
mod accounts;
mod files;
mod installation;
mod messages;
mod personal;
mod rooms;

pub(super) use access::{ApiToken, IdempotencyKey, Password, PasswordReset, RoomCode, Session};
pub(super) use accounts::User;
pub(super) use files::{FileContent, MessageFile};
pub(super) use installation::{AuditEntry, CustomEmoji, Setting};
pub(super) use messages::{Mention, Message, MessageEdit, QuotedMessage, Reaction};
pub(super) use personal::{Draft, SavedMessage};
pub(super) use rooms::{Membership, Removal, Room, Thread};

use super::jsonl::{InsertError, Record};

/// A kind of records.
#[derive(Debug)]
pub struct Table {
    /// The path of the file in an export.
    pub file: &'static str,
    /// The statement that inserts a record.
    pub insert: &'static str,
}

impl Table {
    const fn of<R: Record>() -> Self {
        Self { file: R::FILE, insert: R::INSERT }
    }
}

/// All kinds of records, in the order in which they are written and read.
pub const TABLES: [Table; 22] = [
    Table::of::<Setting>(),
    Table::of::<CustomEmoji>(),
    Table::of::<User>(),
    Table::of::<Room>(),
    Table::of::<Thread>(),
    Table::of::<Membership>(),
    Table::of::<Removal>(),
    Table::of::<Message>(),
    Table::of::<FileContent>(),
    Table::of::<MessageFile>(),
    Table::of::<MessageEdit>(),
    Table::of::<Mention>(),
    Table::of::<Reaction>(),
    Table::of::<SavedMessage>(),
    Table::of::<AuditEntry>(),
    Table::of::<Password>(),
    Table::of::<RoomCode>(),
    Table::of::<Session>(),
    Table::of::<ApiToken>(),
    Table::of::<PasswordReset>(),
    Table::of::<IdempotencyKey>(),
    Table::of::<Draft>(),
];

/// The rooms whose messages are not exported: deleted ones and their threads.
macro_rules! HIDDEN_ROOMS {
    () => {
        "(select room_id from deleted_rooms
          union all select t.room_id from threads t join deleted_rooms d on d.room_id = t.parent_room_id)"
    };
}
use HIDDEN_ROOMS;

fn ensure(is_valid: bool, error: &str) -> Result<(), InsertError> {
    if is_valid { Ok(()) } else { Err(InsertError::Invalid(error.to_owned())) }
}

/// Checks that a text is already in the form that its parser returned.
fn ensure_exact(field: &str, text: &str, parsed: &str) -> Result<(), InsertError> {
    if text == parsed {
        Ok(())
    } else {
        Err(InsertError::Invalid(format!("{field} must be written as {parsed:?}")))
    }
}
