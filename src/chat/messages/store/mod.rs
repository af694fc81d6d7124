//! The SQL of messages: `history` reads, `append` posts, `changes` edits, deletes and reacts, `mentions`
//! knows who is spoken to, `batch` does what waits together in one transaction.

mod edits;
mod erasure;
mod group_commit;
mod history;
mod insert;
mod joining;
mod mentions;
mod purge;

pub(super) use self::erasure::{erase_later, next_to_erase, note_erased};
pub(super) use self::group_commit::{commit_group, last_message_id};
pub(super) use self::history::{chunk_since, find, found, is_known, page, room_of, rooms, since};
pub(super) use self::insert::prune_idempotency_keys;
pub(super) use self::mentions::mentioned;
pub(super) use self::purge::{purge_later, purge_piece};

use super::model::{DeletedBy, Kind, Message, Reactions, WriteError, WriteOutcome};
use super::render;
use crate::chat::accounts::model::{Role, User};
use crate::db::positional_row;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, Seq, Timestamp, UserId};

/// What came of one write; a refused one does not touch the others.
pub(super) type Outcome = Result<WriteOutcome, WriteError>;

/// The columns of a [`MessageRow`]. `sends` is looked up by message, in its index. The reactions come
/// in the same query and so belong to the same state: as "👍 3,❤️ 7,👍 9", the first one first.
macro_rules! message_columns {
    () => {
        "m.id, m.pos, m.change, m.kind, m.body, m.html, m.reply_to, m.created_at, m.edited_at,
         case when m.deleted_at is not null then coalesce(m.deleted_by, 'author') end, s.nonce, m.author_id, u.name, u.display_name, u.bot, u.role, u.avatar,
         (select string_agg(r.emoji || ' ' || r.user_id, ',' order by r.rev)
          from reactions r where r.message_id = m.id)"
    };
}

/// Where they are found, to be followed by a condition.
macro_rules! from_messages {
    ($rest:literal) => {
        concat!(
            " from messages m
              join users u on u.id = m.author_id
              left join sends s on s.message_id = m.id ",
            $rest
        )
    };
}

/// Messages, to be followed by a condition.
macro_rules! select_messages {
    ($rest:literal) => {
        concat!("select ", message_columns!(), from_messages!($rest))
    };
}

positional_row! {
    /// What [`message_columns!`] are.
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
        deleted_by: Option<String>,
        nonce: Option<String>,
        author_id: i64,
        name: String,
        display_name: String,
        bot: i64,
        role: String,
        avatar: Option<String>,
        reactions: Option<String>,
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        let (pos, change) = (RoomKey::stored(row.pos), RoomKey::stored(row.change));
        Self {
            id: MessageId(row.id),
            room: pos.room(),
            seq: Seq(pos.number()),
            rev: Rev(change.number()),
            kind: Kind::from_column(&row.kind),
            author: User {
                id: UserId(row.author_id),
                name: row.name,
                display_name: row.display_name,
                bot: row.bot != 0,
                role: Role::from_column(&row.role),
                avatar: row.avatar,
            },
            html: render::restored(row.html, &row.body),
            body: row.body,
            reply_to: row.reply_to.map(MessageId),
            created_at: Timestamp(row.created_at),
            edited_at: row.edited_at.map(Timestamp),
            deleted_by: row.deleted_by.as_deref().and_then(DeletedBy::from_column),
            reactions: reactions(&row.reactions.unwrap_or_default()),
            nonce: row.nonce,
        }
    }
}

fn reactions(column: &str) -> Vec<Reactions> {
    let mut found: Vec<Reactions> = Vec::new();
    for (emoji, user) in column.split(',').filter_map(|one| one.split_once(' ')) {
        let Ok(user) = user.parse().map(UserId) else { continue };
        match found.iter_mut().find(|known| known.emoji == emoji) {
            Some(known) => known.users.push(user),
            None => found.push(Reactions { emoji: emoji.to_owned(), users: vec![user] }),
        }
    }
    found
}

use {from_messages, message_columns, select_messages};
