//! Posting: a new message, or the one that the same send made before.

use std::sync::Arc;

use super::batch::Outcome;
use super::{MessageRow, select_messages};
use crate::chat::messages::model::{Message, Nonce, Post, WriteError, Written};
use crate::db::{Change, Db, writing};
use crate::kernel::ids::{key, room_of};
use crate::kernel::{Invalid, MessageId, Rev, RoomId, Seq, Timestamp, UserId};

/// Stores a new message, unless it was sent before.
pub(super) async fn append(
    change: &mut Change,
    post: &Post,
    id: MessageId,
    now: Timestamp,
) -> Result<Outcome, sqlx::Error> {
    let (author, room) = (post.member.person().id, post.member.room());
    let nonce = post.draft.nonce.as_ref().map(Nonce::as_str);
    if let Some(nonce) = nonce
        && let Some(earlier) = find_by_nonce(change, nonce, author).await?
    {
        return Ok(repeated(earlier, post));
    }
    if let Some(original) = post.draft.reply_to
        && !is_in_room(change, original, room).await?
    {
        return Ok(Err(WriteError::Invalid(Invalid::new("reply_to", "reply-unknown"))));
    }
    let (seq, rev) = next_numbers(change, room).await?;
    let posted = stored(post, id, seq, rev, now);
    insert(change, &posted.message).await?;
    if let Some(nonce) = nonce {
        remember_send(change, nonce, author, id).await?;
    }
    mark_read(change, author, room, seq).await?;
    Ok(Ok(posted))
}

async fn find_by_nonce(
    change: &mut Change,
    nonce: &str,
    author: UserId,
) -> Result<Option<Message>, sqlx::Error> {
    let row: Option<MessageRow> = writing!(*change, |connection| {
        sqlx::query_as(select_messages!(
            "where m.id = (select message_id from sends where nonce = $1 and author_id = $2)"
        ))
        .bind(nonce)
        .bind(author.0)
        .fetch_optional(connection)
        .await?
    });
    Ok(row.map(Message::from))
}

async fn is_in_room(
    change: &mut Change,
    message: MessageId,
    room: RoomId,
) -> Result<bool, sqlx::Error> {
    let pos: Option<(i64,)> = writing!(*change, |connection| {
        sqlx::query_as("select pos from messages where id = $1")
            .bind(message.0)
            .fetch_optional(connection)
            .await?
    });
    Ok(pos.is_some_and(|(pos,)| room_of(pos) == room))
}

async fn next_numbers(change: &mut Change, room: RoomId) -> Result<(Seq, Rev), sqlx::Error> {
    let (seq, rev): (i64, i64) = writing!(*change, |connection| {
        sqlx::query_as(
            "update rooms set last_seq = last_seq + 1, rev = rev + 1 where id = $1
             returning last_seq, rev",
        )
        .bind(room.0)
        .fetch_one(connection)
        .await?
    });
    Ok((Seq(seq), Rev(rev)))
}

async fn insert(change: &mut Change, message: &Message) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query(
            "insert into messages
               (pos, change, id, author_id, kind, body, html, reply_to, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(key(message.room, message.seq.0))
        .bind(key(message.room, message.rev.0))
        .bind(message.id.0)
        .bind(message.author.id.0)
        .bind(message.kind.as_str())
        .bind(&message.body)
        .bind(&message.html)
        .bind(message.reply_to.map(|id| id.0))
        .bind(message.created_at.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(())
}

async fn remember_send(
    change: &mut Change,
    nonce: &str,
    author: UserId,
    id: MessageId,
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("insert into sends (nonce, author_id, message_id) values ($1, $2, $3)")
            .bind(nonce)
            .bind(author.0)
            .bind(id.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// Who writes has read.
async fn mark_read(
    change: &mut Change,
    user: UserId,
    room: RoomId,
    seq: Seq,
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("update memberships set last_read_seq = $1 where user_id = $2 and room_id = $3")
            .bind(seq.0)
            .bind(user.0)
            .bind(room.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

fn stored(post: &Post, id: MessageId, seq: Seq, rev: Rev, now: Timestamp) -> Written {
    let message = Message {
        id,
        room: post.member.room(),
        seq,
        rev,
        kind: post.draft.kind,
        author: post.member.person().clone(),
        body: post.draft.body.as_str().to_owned(),
        html: post.html.clone(),
        reply_to: post.draft.reply_to,
        created_at: now,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
        nonce: post.draft.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
    };
    Written { message: Arc::new(message), new: true }
}

fn repeated(earlier: Message, post: &Post) -> Outcome {
    // An edited or deleted message has another body now; that it is the same send is still true.
    let untouched = earlier.edited_at.is_none() && !earlier.deleted;
    let same_body = earlier.body == post.draft.body.as_str();
    if earlier.room != post.member.room() || (untouched && !same_body) {
        return Err(WriteError::NonceReused);
    }
    Ok(Written { message: Arc::new(earlier), new: false })
}

/// Forgets which send made which message, for messages older than `before`, in pieces that hold
/// nobody up. True when there may be more.
pub(in crate::chat::messages) async fn prune_sends(
    db: &Db,
    before: Timestamp,
) -> Result<bool, sqlx::Error> {
    const PIECE: i64 = 500;
    let mut change = db.change().await?;
    let removed = writing!(change, |connection| {
        sqlx::query(
            "delete from sends where message_id in
               (select m.id
                from (select message_id from sends order by message_id limit $2) oldest
                join messages m on m.id = oldest.message_id
                where m.created_at < $1)",
        )
        .bind(before.0)
        .bind(PIECE)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await?;
    Ok(removed == PIECE.unsigned_abs())
}
