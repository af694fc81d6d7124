//! Reads messages: one, a part of a room's history, or the changes of a room.

use std::collections::HashMap;

use super::MessageRow;
use super::sql::{FROM_MESSAGES, MESSAGE_COLUMNS, SELECT_MESSAGES};
use crate::chat::messages::model::{Message, Published, Window};
use crate::db::{
    Db, fetch_all, fetch_all_json, fetch_optional, fetch_optional_scalar, fetch_scalar, json_rows,
};
use crate::kernel::ids::RoomKey;
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{MessageId, Rev, RoomId, Seq, UserId};
use crate::limits::request::MESSAGES;

/// The room of a message.
pub(in crate::chat::messages) async fn room_of(
    db: &Db,
    id: MessageId,
) -> Result<Option<RoomId>, sqlx::Error> {
    let key: Option<RoomKey> =
        fetch_optional_scalar!(db, "select room_seq_key from messages where id = $1", id)?;
    Ok(key.map(RoomKey::room))
}

/// A message, if it is in this room.
pub(in crate::chat::messages) async fn find(
    db: &Db,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Message>, sqlx::Error> {
    let row: Option<MessageRow> = fetch_optional!(db, SELECT_MESSAGES!("where m.id = $1"), id)?;
    Ok(row.map(Message::from).filter(|message| message.room == room))
}

/// The display names of users.
pub(in crate::chat::messages) async fn display_names(
    db: &Db,
    users: &[UserId],
) -> Result<HashMap<UserId, String>, sqlx::Error> {
    let names: Vec<(UserId, String)> = fetch_all!(
        db,
        "select id, display_name from users
         where id in (select cast(value as bigint) from jsonb_each($1))",
        json_rows(users),
    )?;
    Ok(names.into_iter().collect())
}

/// The messages with these ids, the newest first.
pub(in crate::chat::messages) async fn found(
    db: &Db,
    messages: &[MessageId],
) -> Result<Vec<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        MESSAGE_COLUMNS!(),
        // `+ 0` keeps `PostgreSQL` from scanning the primary key in order instead of looking up the
        // ids.
        FROM_MESSAGES!(
            "where m.id in (select cast(value as bigint) from jsonb_each($1)) order by m.id + 0 desc"
        ),
        json_rows(messages),
    )?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// The oldest messages of a room between two keys (both exclusive), in ascending order.
async fn first_between(
    db: &Db,
    room: RoomId,
    after: RoomKey,
    before: RoomKey,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        MESSAGE_COLUMNS!(),
        FROM_MESSAGES!(
            "where m.room_seq_key > $1 and m.room_seq_key < $2 and m.room_seq_key >> 32 = $4 order by m.room_seq_key limit $3"
        ),
        after,
        before,
        limit.plus_one(),
        room,
    )?;
    Ok(fitting(all_of(room, rows)?, limit))
}

/// The newest messages of a room between two keys (both exclusive), in ascending order.
async fn last_between(
    db: &Db,
    room: RoomId,
    after: RoomKey,
    before: RoomKey,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        MESSAGE_COLUMNS!(),
        FROM_MESSAGES!(
            "where m.room_seq_key > $1 and m.room_seq_key < $2 and m.room_seq_key >> 32 = $4 order by m.room_seq_key desc limit $3"
        ),
        after,
        before,
        limit.plus_one(),
        room,
    )?;
    Ok(fitting(all_of(room, rows)?, limit).reversed())
}

/// As many messages as fit a page, by number and by bytes, but at least one.
fn fitting(messages: Vec<Message>, limit: Limit) -> Page<Message> {
    let mut bytes = 0;
    let found = messages.len();
    let mut items = Vec::new();
    for message in messages {
        bytes += message.body.len() + message.html.len();
        if !items.is_empty() && (items.len() >= limit.get() || bytes > MESSAGES) {
            break;
        }
        items.push(message);
    }
    Page { more: items.len() < found, items }
}

/// Converts rows of one room. A row of another room would leak a message and can only be a bug, so it
/// is an error that is logged and not returned to the client.
fn all_of(room: RoomId, rows: Vec<MessageRow>) -> Result<Vec<Message>, sqlx::Error> {
    let messages: Vec<Message> = rows.into_iter().map(Message::from).collect();
    match messages.iter().find(|message| message.room != room) {
        None => Ok(messages),
        Some(stray) => Err(sqlx::Error::Protocol(format!(
            "a query about room {room} found message {} of room {}",
            stray.id, stray.room
        ))),
    }
}

/// A part of a room's history. `more` means that it continues in the requested direction (for `Around`,
/// in either direction).
pub(in crate::chat::messages) async fn page(
    db: &Db,
    room: RoomId,
    window: Window,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let first = RoomKey::first(room);
    let last = RoomKey::last(room);
    let at = |seq| RoomKey::of_seq(room, seq);
    match window {
        Window::Newest => last_between(db, room, first, last, limit).await,
        Window::Before(seq) => last_between(db, room, first, at(seq), limit).await,
        Window::After(seq) => first_between(db, room, at(seq), last, limit).await,
        Window::Around(seq) => around(db, room, at(seq), limit).await,
    }
}

/// Up to half of the page before the message, the rest from it on. If one side is short, the other
/// fills the page.
async fn around(
    db: &Db,
    room: RoomId,
    at: RoomKey,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let before = last_between(db, room, RoomKey::first(room), at, limit).await?;
    // `at.before()` because the lower bound is exclusive and the message itself belongs to the page.
    let after = first_between(db, room, at.before(), RoomKey::last(room), limit).await?;
    let half = (limit.get() / 2).max(limit.get().saturating_sub(after.items.len()));
    let from_before = half.min(before.items.len());
    let from_after = (limit.get() - from_before).min(after.items.len());
    let more = before.more
        || after.more
        || from_before < before.items.len()
        || from_after < after.items.len();
    let skipped = before.items.len() - from_before;
    let chosen =
        before.items.into_iter().skip(skipped).chain(after.items.into_iter().take(from_after));
    Ok(Page { items: chosen.collect(), more })
}

/// The messages that changed after `rev`, each once in its current state, in ascending order of `rev`.
pub(in crate::chat::messages) async fn since(
    db: &Db,
    room: RoomId,
    rev: Rev,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let after = RoomKey::of_rev(room, rev);
    let end = RoomKey::last(room);
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        MESSAGE_COLUMNS!(),
        FROM_MESSAGES!(
            "where m.room_rev_key > $1 and m.room_rev_key < $2 and m.room_rev_key >> 32 = $4
             order by m.room_rev_key limit $3"
        ),
        after,
        end,
        limit.plus_one(),
        room,
    )?;
    Ok(fitting(all_of(room, rows)?, limit))
}

/// The same, limited to about `bytes` bytes. `more` may be true although nothing is left. The sizes are
/// summed up in the query before any text is read, so no text is read in vain. A first message that is
/// larger than the limit is returned whole.
pub(in crate::chat::messages) async fn chunk_since(
    db: &Db,
    room: RoomId,
    rev: Rev,
    bytes: usize,
) -> Result<Page<Message>, sqlx::Error> {
    let after = RoomKey::of_rev(room, rev);
    let end = RoomKey::last(room);
    let limit = Limit::DEFAULT;
    let max_bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    // The body counts twice because it may be repeated in the HTML (which is not stored then); 1,024
    // bytes are for the frame around the message.
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        MESSAGE_COLUMNS!(),
        FROM_MESSAGES!(
            "where m.room_rev_key > $1 and m.room_rev_key >> 32 = $5 and m.room_rev_key <= (
               select max(room_rev_key) from (
                 select room_rev_key, sum(bytes) over (order by room_rev_key) - bytes as before from (
                   select room_rev_key, 2 * octet_length(body) + octet_length(html) + 1024 as bytes
                   from messages where room_rev_key > $1 and room_rev_key < $2 order by room_rev_key limit $3
                 ) as sizes
               ) as sums where before < $4
             ) order by m.room_rev_key"
        ),
        after,
        end,
        limit.plus_one(),
        max_bytes,
        room,
    )?;
    let size = |row: &MessageRow| 2 * row.body.len() + row.html.len() + 1024;
    let is_full = rows.iter().map(size).sum::<usize>() >= bytes;
    let page = Page::cut(all_of(room, rows)?, limit);
    Ok(Page { more: page.more || is_full, ..page })
}

/// Whether the message last changed at `rev` or later, and no other message has this `rev`. Each `rev`
/// belongs to one message, so otherwise the client has seen another epoch.
pub(in crate::chat::messages) async fn is_known(
    db: &Db,
    room: RoomId,
    rev: Rev,
    id: MessageId,
) -> Result<bool, sqlx::Error> {
    fetch_scalar!(
        db,
        "select exists (select 1 from messages where id = $1 and room_rev_key >= $2 and room_rev_key >> 32 = $3)
            and not exists (select 1 from messages where room_rev_key = $2 and id <> $1)",
        id,
        RoomKey::of_rev(room, rev),
        room,
    )
}

/// The last `rev` and `seq` of each room.
pub(in crate::chat::messages) async fn rooms(
    db: &Db,
) -> Result<Vec<(RoomId, Published)>, sqlx::Error> {
    Ok(published(fetch_all!(db, "select id, rev, last_seq from rooms")?))
}

#[derive(sqlx::FromRow)]
struct RoomRow {
    id: RoomId,
    rev: Rev,
    last_seq: Seq,
}

fn published(rows: Vec<RoomRow>) -> Vec<(RoomId, Published)> {
    let published = |RoomRow { id, rev, last_seq }| (id, Published { rev, last_seq });
    rows.into_iter().map(published).collect()
}

/// The rooms with messages after this id.
pub(in crate::chat::messages) async fn rooms_with_messages_after(
    db: &Db,
    id: MessageId,
) -> Result<Vec<(RoomId, Published)>, sqlx::Error> {
    Ok(published(fetch_all!(
        db,
        "select id, rev, last_seq from rooms
         where id in (select distinct room_seq_key >> 32 from messages where id > $1)",
        id,
    )?))
}

/// How far these rooms are, and those that they are threads of.
pub(in crate::chat::messages) async fn rooms_among(
    db: &Db,
    rooms: &[RoomId],
) -> Result<Vec<(RoomId, Published)>, sqlx::Error> {
    Ok(published(fetch_all!(
        db,
        "select id, rev, last_seq from rooms
         where id in (select cast(value as bigint) from jsonb_each($1))
            or id in (select parent_room_id from threads
                      where room_id in (select cast(value as bigint) from jsonb_each($1)))",
        json_rows(rooms),
    )?))
}
