//! The SQL of messages.

use std::sync::Arc;

use super::model::{Kind, Message, Post, Posted, Window};
use crate::chat::accounts::model::{Person, Role};
use crate::db::{Db, read, transact};
use crate::kernel::ids::{key, number_of};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{Invalid, MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// The columns of a [`MessageRow`], to be followed by a condition. `sends` is looked up by
/// message, in its index.
macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "select m.id, m.pos, m.change, m.kind, m.body, m.html, m.reply_to, m.created_at,
                    m.edited_at, m.deleted_at, s.nonce, m.author_id, u.name, u.display_name,
                    u.bot, u.role
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
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: MessageId(row.id),
            room: RoomId(row.pos >> 32),
            seq: Seq(number_of(row.pos)),
            rev: Rev(number_of(row.change)),
            kind: Kind::from_column(&row.kind),
            author: Person {
                id: UserId(row.author_id),
                name: row.name,
                display_name: row.display_name,
                bot: row.bot != 0,
                role: Role::from_column(&row.role),
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

/// Messages of a room with a `seq` above `after` and below `before`, the oldest first.
async fn first_between(
    db: &Db,
    room: RoomId,
    (after, before): (i64, i64),
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = read!(db, |pool| {
        sqlx::query_as(select_messages!("where m.pos > $1 and m.pos < $2 order by m.pos limit $3"))
            .bind(key(room, after))
            .bind(key(room, before))
            .bind(limit.and_one())
            .fetch_all(pool)
            .await?
    });
    Ok(Page::cut(rows.into_iter().map(Message::from).collect(), limit))
}

/// The same from the other end: the newest of them, in ascending order all the same.
async fn last_between(
    db: &Db,
    room: RoomId,
    (after, before): (i64, i64),
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = read!(db, |pool| {
        sqlx::query_as(select_messages!(
            "where m.pos > $1 and m.pos < $2 order by m.pos desc limit $3"
        ))
        .bind(key(room, after))
        .bind(key(room, before))
        .bind(limit.and_one())
        .fetch_all(pool)
        .await?
    });
    Ok(Page::cut(rows.into_iter().map(Message::from).collect(), limit).reversed())
}

/// No `seq` and no `rev` reaches it.
const END: i64 = 0xffff_ffff;

/// A part of a room's history. `more`: it goes on in the direction that was asked for (for
/// `Around`, in either).
pub(super) async fn page(
    db: &Db,
    room: RoomId,
    window: Window,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let bounded = |seq: Seq| seq.0.clamp(0, END);
    match window {
        Window::Newest => last_between(db, room, (0, END), limit).await,
        Window::Before(seq) => last_between(db, room, (0, bounded(seq)), limit).await,
        Window::After(seq) => first_between(db, room, (bounded(seq), END), limit).await,
        Window::Around(seq) => around(db, room, bounded(seq), limit).await,
    }
}

/// Half of the page before the message, the rest from it on; what one side lacks the other has.
async fn around(
    db: &Db,
    room: RoomId,
    seq: i64,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let before = last_between(db, room, (0, seq), limit).await?;
    let after = first_between(db, room, (seq - 1, END), limit).await?;
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
pub(super) async fn since(
    db: &Db,
    room: RoomId,
    rev: Rev,
    limit: Limit,
) -> Result<Page<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = read!(db, |pool| {
        sqlx::query_as(select_messages!(
            "where m.change > $1 and m.change < $2 order by m.change limit $3"
        ))
        .bind(key(room, rev.0.clamp(0, END)))
        .bind(key(room, END))
        .bind(limit.and_one())
        .fetch_all(pool)
        .await?
    });
    Ok(Page::cut(rows.into_iter().map(Message::from).collect(), limit))
}

/// Why one post of a batch was refused; the others are not touched by it.
pub(super) enum Refused {
    /// The nonce was used for another room or another body.
    NonceReused,
    Invalid(Invalid),
}

pub(super) type Outcome = Result<Posted, Refused>;

/// Stores a batch in one transaction and answers each post, in their order.
///
/// `seq`, `rev` and `id` are read and raised inside the transaction and never remembered: another
/// process may write to the same database. The counter is raised first and so orders all writers;
/// rooms follow in the order of the batch.
pub(super) async fn append(
    db: &Db,
    posts: &[Post],
    now: Timestamp,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let outcomes = transact!(db, |tx| {
        let mut outcomes = Vec::with_capacity(posts.len());
        let (last_id,): (i64,) = sqlx::query_as(
            "update counters set value = value + $1 where name = 'message' returning value",
        )
        .bind(posts.len() as i64)
        .fetch_one(&mut *tx)
        .await?;
        let first_id = last_id - posts.len() as i64 + 1;
        for (id, post) in (first_id..).zip(posts) {
            let (author, room) = (post.member.person(), post.member.room());
            let nonce = post.draft.nonce.as_ref().map(super::model::Nonce::as_str);

            if let Some(nonce) = nonce {
                let earlier: Option<MessageRow> = sqlx::query_as(select_messages!(
                    "where m.id = (select message_id from sends where nonce = $1 and author_id = $2)"
                ))
                .bind(nonce)
                .bind(author.id.0)
                .fetch_optional(&mut *tx)
                .await?;
                if let Some(earlier) = earlier {
                    outcomes.push(repeated(earlier.into(), post));
                    continue;
                }
            }
            if let Some(original) = post.draft.reply_to {
                let there: Option<(i64,)> =
                    sqlx::query_as("select pos from messages where id = $1 and pos >> 32 = $2")
                        .bind(original.0)
                        .bind(room.0)
                        .fetch_optional(&mut *tx)
                        .await?;
                if there.is_none() {
                    outcomes.push(Err(Refused::Invalid(Invalid::new("reply_to", "reply-unknown"))));
                    continue;
                }
            }
            let (seq, rev): (i64, i64) = sqlx::query_as(
                "update rooms set last_seq = last_seq + 1, rev = rev + 1 where id = $1
                 returning last_seq, rev",
            )
            .bind(room.0)
            .fetch_one(&mut *tx)
            .await?;
            sqlx::query(
                "insert into messages
                   (pos, change, id, author_id, kind, body, html, reply_to, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(key(room, seq))
            .bind(key(room, rev))
            .bind(id)
            .bind(author.id.0)
            .bind(Kind::Text.as_str())
            .bind(post.draft.body.as_str())
            .bind(&post.html)
            .bind(post.draft.reply_to.map(|id| id.0))
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            if let Some(nonce) = nonce {
                sqlx::query("insert into sends (nonce, author_id, message_id) values ($1, $2, $3)")
                    .bind(nonce)
                    .bind(author.id.0)
                    .bind(id)
                    .execute(&mut *tx)
                    .await?;
            }
            // Who writes has read.
            sqlx::query(
                "update memberships set last_read_seq = $1 where user_id = $2 and room_id = $3",
            )
            .bind(seq)
            .bind(author.id.0)
            .bind(room.0)
            .execute(&mut *tx)
            .await?;
            outcomes.push(Ok(stored(post, MessageId(id), Seq(seq), Rev(rev), now)));
        }
        outcomes
    });
    Ok(outcomes)
}

fn stored(post: &Post, id: MessageId, seq: Seq, rev: Rev, now: Timestamp) -> Posted {
    let message = Message {
        id,
        room: post.member.room(),
        seq,
        rev,
        kind: Kind::Text,
        author: post.member.person().clone(),
        body: post.draft.body.as_str().to_owned(),
        html: post.html.clone(),
        reply_to: post.draft.reply_to,
        created_at: now,
        edited_at: None,
        deleted: false,
        nonce: post.draft.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
    };
    Posted { message: Arc::new(message), new: true }
}

fn repeated(earlier: Message, post: &Post) -> Outcome {
    // An edited or deleted message has another body now; that it is the same send is still true.
    let untouched = earlier.edited_at.is_none() && !earlier.deleted;
    let same_body = earlier.body == post.draft.body.as_str();
    if earlier.room != post.member.room() || (untouched && !same_body) {
        return Err(Refused::NonceReused);
    }
    Ok(Posted { message: Arc::new(earlier), new: false })
}

/// Forgets which send made which message, for messages older than `before`, in pieces that hold
/// nobody up. True when there may be more.
pub(super) async fn prune_sends(db: &Db, before: Timestamp) -> Result<bool, sqlx::Error> {
    const PIECE: i64 = 500;
    let removed = transact!(db, |tx| {
        sqlx::query(
            "delete from sends where message_id in
               (select m.id
                from (select message_id from sends order by message_id limit $2) oldest
                join messages m on m.id = oldest.message_id
                where m.created_at < $1)",
        )
        .bind(before.0)
        .bind(PIECE)
        .execute(&mut *tx)
        .await?
        .rows_affected()
    });
    Ok(removed == PIECE.unsigned_abs())
}
