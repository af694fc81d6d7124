//! Reading messages: one, a part of a room's history, or what changed in it.

use super::{MessageRow, from_messages, message_columns, select_messages};
use crate::chat::messages::model::{Message, Published, Window};
use crate::db::{Db, fetch_all_json, json_rows, reading};
use crate::kernel::ids::RoomKey;
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{MessageId, Rev, RoomId, Seq};
use crate::limits::request::MESSAGES;

/// In which room a message is.
pub(in crate::chat::messages) async fn room_of(
    db: &Db,
    id: MessageId,
) -> Result<Option<RoomId>, sqlx::Error> {
    let pos: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select pos from messages where id = $1")
            .bind(id.0)
            .fetch_optional(pool)
            .await?
    });
    Ok(pos.map(|(pos,)| RoomKey::stored(pos).room()))
}

/// A message of a room.
pub(in crate::chat::messages) async fn find(
    db: &Db,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Message>, sqlx::Error> {
    let row: Option<MessageRow> = reading!(db, |pool| {
        sqlx::query_as(select_messages!("where m.id = $1")).bind(id.0).fetch_optional(pool).await?
    });
    Ok(row.map(Message::from).filter(|message| message.room == room))
}

/// These messages, the newest first.
pub(in crate::chat::messages) async fn found(
    db: &Db,
    messages: &[MessageId],
) -> Result<Vec<Message>, sqlx::Error> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        message_columns!(),
        // With a sum in the order, `PostgreSQL` does not walk all messages in that order to find these.
        from_messages!(
            "where m.id in (select cast(value as bigint) from jsonb_each($1)) order by m.id + 0 desc"
        ),
        |query| query.bind(json_rows(&ids))
    );
    Ok(rows.into_iter().map(Message::from).collect())
}

/// Messages of a room between two keys, without these, the oldest first.
async fn first_between(
    db: &Db,
    room: RoomId,
    (after, before): (RoomKey, RoomKey),
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        message_columns!(),
        from_messages!(
            "where m.pos > $1 and m.pos < $2 and m.pos >> 32 = $4 order by m.pos limit $3"
        ),
        |query| { query.bind(after.get()).bind(before.get()).bind(limit.plus_one()).bind(room.0) }
    );
    Ok(fitting(all_of(room, rows)?, limit))
}

/// The same from the other end: the newest of them, in ascending order all the same.
async fn last_between(
    db: &Db,
    room: RoomId,
    (after, before): (RoomKey, RoomKey),
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        message_columns!(),
        from_messages!(
            "where m.pos > $1 and m.pos < $2 and m.pos >> 32 = $4 order by m.pos desc limit $3"
        ),
        |query| { query.bind(after.get()).bind(before.get()).bind(limit.plus_one()).bind(room.0) }
    );
    Ok(fitting(all_of(room, rows)?, limit).reversed())
}

/// As many of these messages as a page may hold, in number and in bytes, and at least one.
fn fitting(messages: Vec<Message>, limit: Limit) -> Page<Message> {
    let mut bytes = 0;
    let fits = |(n, message): &(usize, Message)| {
        bytes += message.body.len() + message.html.len();
        *n == 0 || (*n < limit.get() && bytes <= MESSAGES)
    };
    let found = messages.len();
    let items: Vec<Message> =
        messages.into_iter().enumerate().take_while(fits).map(|(_, message)| message).collect();
    Page { more: items.len() < found, items }
}

/// The messages in these rows. A row of another room is a fault of ours: the log gets it, and
/// nobody reads it.
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

/// A part of a room's history. `more`: it goes on in the direction that was asked for (for
/// `Around`, in either).
pub(in crate::chat::messages) async fn page(
    db: &Db,
    room: RoomId,
    window: Window,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let (first, last) = (RoomKey::first(room), RoomKey::last(room));
    let at = |seq| RoomKey::of_seq(room, seq);
    match window {
        Window::Newest => last_between(db, room, (first, last), limit).await,
        Window::Before(seq) => last_between(db, room, (first, at(seq)), limit).await,
        Window::After(seq) => first_between(db, room, (at(seq), last), limit).await,
        Window::Around(seq) => around(db, room, at(seq), limit).await,
    }
}

/// Half of the page before the message, the rest from it on; what one side lacks the other has.
async fn around(
    db: &Db,
    room: RoomId,
    at: RoomKey,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let before = last_between(db, room, (RoomKey::first(room), at), limit).await?;
    let after = first_between(db, room, (at.before(), RoomKey::last(room)), limit).await?;
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

/// What changed in a room after `rev`, each message once in its present state, by `rev`.
pub(in crate::chat::messages) async fn since(
    db: &Db,
    room: RoomId,
    rev: Rev,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let (after, end) = (RoomKey::of_rev(room, rev), RoomKey::last(room));
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        message_columns!(),
        from_messages!(
            "where m.change > $1 and m.change < $2 and m.change >> 32 = $4
             order by m.change limit $3"
        ),
        |query| query.bind(after.get()).bind(end.get()).bind(limit.plus_one()).bind(room.0)
    );
    Ok(fitting(all_of(room, rows)?, limit))
}

/// The same, but no more than about so many bytes: `more` may be said although that was all. The bytes
/// are summed up before the texts are read, so that none is read in vain; of one message that is longer
/// by itself there is all.
pub(in crate::chat::messages) async fn chunk_since(
    db: &Db,
    room: RoomId,
    rev: Rev,
    bytes: usize,
) -> Result<Page<Message>, sqlx::Error> {
    let (after, end) = (RoomKey::of_rev(room, rev), RoomKey::last(room));
    let (limit, most) = (Limit::DEFAULT, i64::try_from(bytes).unwrap_or(i64::MAX));
    // A body may be in its HTML once more, which is not stored then, and a fragment has its frame.
    let rows: Vec<MessageRow> = fetch_all_json!(
        db,
        message_columns!(),
        from_messages!(
            "where m.change > $1 and m.change >> 32 = $5 and m.change <= (
               select max(change) from (
                 select change, sum(bytes) over (order by change) - bytes as before from (
                   select change, 2 * octet_length(body) + octet_length(html) + 1024 as bytes
                   from messages where change > $1 and change < $2 order by change limit $3
                 ) as sizes
               ) as sums where before < $4
             ) order by m.change"
        ),
        |query| query
            .bind(after.get())
            .bind(end.get())
            .bind(limit.plus_one())
            .bind(most)
            .bind(room.0)
    );
    let size = |row: &MessageRow| 2 * row.body.len() + row.html.len() + 1024;
    let is_cut = rows.iter().map(size).sum::<usize>() >= bytes;
    let page = Page::cut(all_of(room, rows)?, limit);
    Ok(Page { more: page.more || is_cut, ..page })
}

/// Whether a message changed at `rev` or later, and no other one at `rev`: each `rev` belongs to one.
pub(in crate::chat::messages) async fn is_known(
    db: &Db,
    room: RoomId,
    rev: Rev,
    id: MessageId,
) -> Result<bool, sqlx::Error> {
    let key = RoomKey::of_rev(room, rev).get();
    let (known, others): (i64, i64) = reading!(db, |pool| {
        sqlx::query_as(
            "select (select count(*) from messages
                     where id = $1 and change >= $2 and change >> 32 = $3),
                    (select count(*) from messages where change = $2 and id <> $1)",
        )
        .bind(id.0)
        .bind(key)
        .bind(room.0)
        .fetch_one(pool)
        .await?
    });
    Ok(known > 0 && others == 0)
}

/// How far each room has come.
pub(in crate::chat::messages) async fn rooms(
    db: &Db,
) -> Result<Vec<(RoomId, Published)>, sqlx::Error> {
    let rows: Vec<(i64, i64, i64)> = reading!(db, |pool| {
        sqlx::query_as("select id, rev, last_seq from rooms").fetch_all(pool).await?
    });
    let room = |(id, rev, seq)| (RoomId(id), Published { rev: Rev(rev), last_seq: Seq(seq) });
    Ok(rows.into_iter().map(room).collect())
}
