//! The SQL of messages: `history` reads, `insert` posts, `edits` edits, deletes and reacts, `mentions`
//! stores who is mentioned, `group_commit` runs a batch of writes in one transaction, `erasure` and
//! `purge` delete in bulk.

mod edits;
mod erasure;
mod group_commit;
mod history;
mod insert;
mod joining;
mod mentions;
mod purge;

pub(super) use self::erasure::{erase_later, next_to_erase, record_erased};
pub(super) use self::group_commit::{Committed, commit_group, last_message_id};
pub(super) use self::history::{
    chunk_since, find, found, is_known, page, revs, room_of, rooms, rooms_with_messages_after,
    since,
};
pub(super) use self::insert::prune_idempotency_keys;
pub(super) use self::mentions::mentioned;
pub(super) use self::purge::{purge_batch, purge_later};

use super::model::{DeletedBy, Kind, Message, Reactions, WriteError, WriteOutcome};
use super::render;
use crate::chat::accounts::model::{Role, User};
use crate::db::positional_row;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, Seq, Timestamp, UserId};

/// The result of one write. A refused write does not affect the other writes of its batch.
pub(super) type Outcome = Result<WriteOutcome, WriteError>;

/// The columns of a [`MessageRow`]. `sends` is joined by message id, which has an index. The reactions
/// are part of the same query, so they belong to the same state: "👍 3,❤️ 7,👍 9" (emoji and user id),
/// the oldest first.
macro_rules! message_columns {
    () => {
        "m.id, m.pos, m.change, m.kind, m.body, m.html, m.reply_to, m.created_at, m.edited_at,
         case when m.deleted_at is not null then coalesce(m.deleted_by, 'author') end, s.nonce, m.author_id, u.name, u.display_name, u.bot, u.role, u.avatar,
         (select string_agg(r.emoji || ' ' || r.user_id, ',' order by r.rev)
          from reactions r where r.message_id = m.id)"
    };
}

/// The `from` clause of [`message_columns!`], to be followed by a condition.
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

/// A query for messages, to be followed by a condition.
macro_rules! select_messages {
    ($rest:literal) => {
        concat!("select ", message_columns!(), from_messages!($rest))
    };
}

positional_row! {
    /// A row of [`message_columns!`].
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
        let pos = RoomKey::stored(row.pos);
        let change = RoomKey::stored(row.change);
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

/// Parses the reactions column of [`message_columns!`].
fn reactions(column: &str) -> Vec<Reactions> {
    let mut found: Vec<Reactions> = Vec::new();
    for (emoji, user) in column.split(',').filter_map(|pair| pair.split_once(' ')) {
        let Ok(user) = user.parse().map(UserId) else { continue };
        match found.iter_mut().find(|reactions| reactions.emoji == emoji) {
            Some(reactions) => reactions.users.push(user),
            None => found.push(Reactions { emoji: emoji.to_owned(), users: vec![user] }),
        }
    }
    found
}

use {from_messages, message_columns, select_messages};
