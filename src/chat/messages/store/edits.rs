//! Changing a message: its text, its end, its reactions. Every change takes the room's next `rev`;
//! what changes nothing takes none.

use std::sync::Arc;

use super::{
    MessageRow, Outcome, from_messages, joining, mentions, message_columns, select_messages,
};
use crate::changefeed::model::ChangeMeta;
use crate::chat::audit;
use crate::chat::audit::model::Action;
use crate::chat::messages::mentions::RenderedWithMentions;
use crate::chat::messages::model::{
    Author, Deleter, DeletionReason, Message, Reaction, WriteError, WriteOutcome,
};
use crate::chat::messages::render;
use crate::chat::rooms::model::Member;
use crate::db::{StatementBatch, Transaction, writing};
use crate::kernel::ids::RoomKey;
use crate::kernel::{FieldError, MessageId, Rev, RoomId, Timestamp};

/// How many different emoji a message may carry.
const MAX_EMOJI: usize = 20;

/// Gives a message another text.
pub(super) async fn edit(
    change: &mut Transaction,
    Author { room, message: id }: Author,
    (body, RenderedWithMentions { html, mut mentioned }): (&str, RenderedWithMentions),
    now: Timestamp,
) -> Result<Outcome, sqlx::Error> {
    let message = match find_undeleted(change, room, id).await? {
        Ok(message) => message,
        Err(error) => return Ok(Err(error)),
    };
    if message.body == body {
        return Ok(Ok(unchanged(message)));
    }
    let place = next_change(change, room).await?;
    writing!(*change, |connection| {
        sqlx::query(
            "update messages set body = $2, html = $3, edited_at = $4, change = $5 where id = $1",
        )
        .bind(id.0)
        .bind(body)
        .bind(render::stored(&html, body))
        .bind(now.0)
        .bind(place)
        .execute(connection)
        .await?
        .rows_affected()
    });
    let pos = RoomKey::of_seq(room, message.seq);
    let before = mentions::remove(change, pos).await?;
    let mut statements = StatementBatch::of(change);
    mentions::store(
        &mut statements,
        &mentioned.iter().map(|user| (*user, pos)).collect::<Vec<_>>(),
    );
    statements.run(change).await?;
    mentioned.retain(|user| !before.contains(user));
    Ok(changed(change, room, id).await?.map(|written| WriteOutcome { mentioned, ..written }))
}

/// Leaves nothing of a message but that it was there. Deleting what is deleted changes nothing.
pub(super) async fn delete(
    change: &mut Transaction,
    deleter: &Deleter,
    now: Timestamp,
) -> Result<Outcome, sqlx::Error> {
    let Deleter { room, message: id, reason } = deleter;
    let (room, id) = (*room, *id);
    let Some(message) = find(change, room, id).await? else {
        return Ok(Err(WriteError::NotFound));
    };
    if message.is_deleted() {
        return Ok(Ok(unchanged(message)));
    }
    mentions::remove(change, RoomKey::of_seq(room, message.seq)).await?;
    let place = next_change(change, room).await?;
    writing!(*change, |connection| {
        sqlx::query(
            "update messages set body = '', html = '', deleted_at = $2, change = $3, deleted_by = $4
             where id = $1",
        )
        .bind(id.0)
        .bind(now.0)
        .bind(place)
        .bind(reason.deleted_by().as_str())
        .execute(connection)
        .await?
        .rows_affected()
    });
    writing!(*change, |connection| {
        sqlx::query("delete from reactions where message_id = $1")
            .bind(id.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    if let DeletionReason::Moderation { moderator, room_name, author } = reason {
        let (author, room) = ((author.0, author.1.as_str()), (room, room_name.as_str()));
        let action = Action::DeleteMessage { message: id, room, author };
        audit::record(change, (Some(*moderator), now), action).await?;
    }
    changed(change, room, id).await
}

/// Adds a reaction; one that is there already changes nothing. Who is no member of a public room yet
/// becomes one.
pub(super) async fn react(
    change: &mut Transaction,
    member: &Member,
    reaction: Reaction,
    stamp: ChangeMeta,
) -> Result<Outcome, sqlx::Error> {
    let Reaction { room, message: id, user, emoji } = reaction;
    let message = match find_undeleted(change, room, id).await? {
        Ok(message) => message,
        Err(error) => return Ok(Err(error)),
    };
    if has(&message, reaction) {
        return Ok(Ok(unchanged(message)));
    }
    let known = message.reactions.iter().any(|one| one.emoji == emoji.as_str());
    if !known && message.reactions.len() >= MAX_EMOJI {
        return Ok(Err(WriteError::Invalid(FieldError::new("emoji", "emoji-many"))));
    }
    let joined = match joining::admit(change, member, stamp).await? {
        Ok(joined) => joined,
        Err(refusal) => return Ok(Err(WriteError::JoinRefused(refusal))),
    };
    let place = next_change(change, room).await?;
    writing!(*change, |connection| {
        sqlx::query(
            "insert into reactions (message_id, user_id, emoji, rev) values ($1, $2, $3, $4)",
        )
        .bind(id.0)
        .bind(user.0)
        .bind(emoji.as_str())
        .bind(place)
        .execute(connection)
        .await?
        .rows_affected()
    });
    touch(change, id, place).await?;
    Ok(changed(change, room, id).await?.map(|written| WriteOutcome { joined, ..written }))
}

/// Takes a reaction back; one that is not there changes nothing.
pub(super) async fn unreact(
    change: &mut Transaction,
    reaction: Reaction,
) -> Result<Outcome, sqlx::Error> {
    let Reaction { room, message: id, user, emoji } = reaction;
    let Some(message) = find(change, room, id).await? else {
        return Ok(Err(WriteError::NotFound));
    };
    if !has(&message, reaction) {
        return Ok(Ok(unchanged(message)));
    }
    let place = next_change(change, room).await?;
    writing!(*change, |connection| {
        sqlx::query("delete from reactions where message_id = $1 and user_id = $2 and emoji = $3")
            .bind(id.0)
            .bind(user.0)
            .bind(emoji.as_str())
            .execute(connection)
            .await?
            .rows_affected()
    });
    touch(change, id, place).await?;
    changed(change, room, id).await
}

fn has(message: &Message, Reaction { user, emoji, .. }: Reaction) -> bool {
    message.reactions.iter().any(|one| one.emoji == emoji.as_str() && one.users.contains(&user))
}

async fn find(
    change: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Message>, sqlx::Error> {
    let row: Option<MessageRow> = writing!(*change, |connection| {
        sqlx::query_as(select_messages!("where m.id = $1"))
            .bind(id.0)
            .fetch_optional(connection)
            .await?
    });
    Ok(row.map(Message::from).filter(|message| message.room == room))
}

/// A message that can still change.
async fn find_undeleted(
    change: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Result<Message, WriteError>, sqlx::Error> {
    Ok(match find(change, room, id).await? {
        None => Err(WriteError::NotFound),
        Some(message) if message.is_deleted() => Err(WriteError::Deleted),
        Some(message) => Ok(message),
    })
}

/// The room's next `rev`, as the key of a change.
async fn next_change(change: &mut Transaction, room: RoomId) -> Result<i64, sqlx::Error> {
    let (rev,): (i64,) = writing!(*change, |connection| {
        sqlx::query_as("update rooms set rev = rev + 1 where id = $1 returning rev")
            .bind(room.0)
            .fetch_one(connection)
            .await?
    });
    Ok(RoomKey::of_rev(room, Rev(rev)).get())
}

async fn touch(change: &mut Transaction, id: MessageId, place: i64) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("update messages set change = $2 where id = $1")
            .bind(id.0)
            .bind(place)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

fn unchanged(message: Message) -> WriteOutcome {
    WriteOutcome { message: Arc::new(message), changed: false, mentioned: Vec::new(), joined: None }
}

/// The message as it is now.
async fn changed(
    change: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Outcome, sqlx::Error> {
    let message = find(change, room, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Ok(WriteOutcome {
        message: Arc::new(message),
        changed: true,
        mentioned: Vec::new(),
        joined: None,
    }))
}
