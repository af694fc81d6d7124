//! The SQL of messages: `history` reads, `append` writes.

mod append;
mod history;

pub(super) use self::append::{Outcome, Refused, append, prune_sends};
pub(super) use self::history::{page, since};

use super::model::{Kind, Message};
use crate::chat::accounts::model::{Person, Role};
use crate::kernel::ids::{number_of, room_of};
use crate::kernel::{MessageId, Rev, Seq, Timestamp, UserId};

/// The columns of a [`MessageRow`], to be followed by a condition. `sends` is looked up by
/// message, in its index.
macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "select m.id, m.pos, m.change, m.kind, m.body, m.html, m.reply_to, m.created_at,
                    m.edited_at, m.deleted_at, s.nonce, m.author_id, u.name, u.display_name,
                    u.bot, u.role, u.avatar
             from messages m
             join users u on u.id = m.author_id
             left join sends s on s.message_id = m.id ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct MessageRow {
    id: i64,
    pos: i64,
    change: i64,
    kind: String,
    body: String,
    html: String,
    reply_to: Option<i64>,
    created_at: i64,
    edited_at: Option<i64>,
    deleted_at: Option<i64>,
    nonce: Option<String>,
    author_id: i64,
    name: String,
    display_name: String,
    bot: i64,
    role: String,
    avatar: Option<String>,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: MessageId(row.id),
            room: room_of(row.pos),
            seq: Seq(number_of(row.pos)),
            rev: Rev(number_of(row.change)),
            kind: Kind::from_column(&row.kind),
            author: Person {
                id: UserId(row.author_id),
                name: row.name,
                display_name: row.display_name,
                bot: row.bot != 0,
                role: Role::from_column(&row.role),
                avatar: row.avatar,
            },
            body: row.body,
            html: row.html,
            reply_to: row.reply_to.map(MessageId),
            created_at: Timestamp(row.created_at),
            edited_at: row.edited_at.map(Timestamp),
            deleted: row.deleted_at.is_some(),
            nonce: row.nonce,
        }
    }
}

use select_messages;
