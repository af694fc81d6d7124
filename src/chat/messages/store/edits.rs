//! Edits, deletions and reactions. Every change takes the room's next `rev`; a write that changes
//! nothing takes none.

use std::sync::Arc;

use super::mentions::{self, Mention};
use super::sql::{FROM_MESSAGES, MESSAGE_COLUMNS, SELECT_MESSAGES};
use super::{MessageRow, Outcome, joining};
use crate::changefeed::model::ChangeMeta;
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedRoom, NamedUser};
use crate::chat::messages::mentions::RenderedWithMentions;
use crate::chat::messages::model::{
    Author, Deleter, DeletionReason, Message, Reaction, WriteError, WriteOutcome,
};
use crate::chat::messages::render;
use crate::chat::rooms::model::Member;
use crate::db::{StatementBatch, Transaction, execute, fetch_optional, fetch_scalar};
use crate::kernel::ids::RoomKey;
use crate::kernel::{FieldError, MessageId, Rev, RoomId, Timestamp};

/// How many different emoji a message may carry.
const MAX_EMOJI: usize = 20;

/// Replaces the text of a message.
pub(super) async fn edit(
    transaction: &mut Transaction,
    author: Author,
    body: &str,
    rendered: RenderedWithMentions,
    now: Timestamp,
) -> Result<Outcome, sqlx::Error> {
    let Author { room, message: id, .. } = author;
    let RenderedWithMentions { html, mut mentioned } = rendered;
    let message = match find_undeleted(transaction, room, id).await? {
        Ok(message) => message,
        Err(error) => return Ok(Err(error)),
    };
    if message.body == body {
        return Ok(Ok(unchanged(message)));
    }
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "update messages set body = $2, html = $3, edited_at = $4, room_rev_key = $5 where id = $1",
        id,
        body,
        render::stored(&html, body),
        now,
        change,
    )?;
    let room_seq_key = RoomKey::of_seq(room, message.seq);
    let mentioned_before = mentions::remove(transaction, room_seq_key).await?;
    let mentions: Vec<_> =
        mentioned.iter().map(|user| Mention { user: *user, room_seq_key }).collect();
    let mut statements = StatementBatch::of(transaction);
    mentions::store(&mut statements, &mentions);
    statements.run(transaction).await?;
    mentioned.retain(|user| !mentioned_before.contains(user));
    Ok(changed(transaction, room, id).await?.map(|outcome| WriteOutcome { mentioned, ..outcome }))
}

/// Deletes a message; a tombstone remains. Deleting a deleted message changes nothing.
pub(super) async fn delete(
    transaction: &mut Transaction,
    deleter: &Deleter,
    now: Timestamp,
) -> Result<Outcome, sqlx::Error> {
    let Deleter { room, message: id, reason } = deleter;
    let (room, id) = (*room, *id);
    let Some(message) = find(transaction, room, id).await? else {
        return Ok(Err(WriteError::NotFound));
    };
    if message.is_deleted() {
        return Ok(Ok(unchanged(message)));
    }
    mentions::remove(transaction, RoomKey::of_seq(room, message.seq)).await?;
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "update messages set body = '', html = '', deleted_at = $2, room_rev_key = $3, deleted_by = $4
         where id = $1",
        id,
        now,
        change,
        reason.deleted_by().as_str(),
    )?;
    execute!(transaction, "delete from reactions where message_id = $1", id)?;
    if let DeletionReason::Moderation { moderator, room_name, author, author_name } = reason {
        let action = Action::DeleteMessage {
            message: id,
            room: NamedRoom { id: room, name: room_name },
            author: NamedUser { id: *author, name: author_name },
        };
        audit::record(transaction, Some(*moderator), action, now).await?;
    }
    changed(transaction, room, id).await
}

/// Adds a reaction; one that exists already changes nothing. In a public room a user that is not a
/// member becomes one.
pub(super) async fn react(
    transaction: &mut Transaction,
    member: &Member,
    reaction: Reaction,
    meta: ChangeMeta,
) -> Result<Outcome, sqlx::Error> {
    let Reaction { room, message: id, user, emoji } = reaction;
    let message = match find_undeleted(transaction, room, id).await? {
        Ok(message) => message,
        Err(error) => return Ok(Err(error)),
    };
    if has(&message, reaction) {
        return Ok(Ok(unchanged(message)));
    }
    let has_emoji = message.reactions.iter().any(|reactions| reactions.emoji == emoji.as_str());
    if !has_emoji && message.reactions.len() >= MAX_EMOJI {
        return Ok(Err(WriteError::Invalid(FieldError::new("emoji", "emoji-many"))));
    }
    let joined = match joining::admit(transaction, member, meta).await? {
        Ok(joined) => joined,
        Err(refusal) => return Ok(Err(WriteError::JoinRefused(refusal))),
    };
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "insert into reactions (message_id, user_id, emoji, room_rev_key) values ($1, $2, $3, $4)",
        id,
        user,
        emoji.as_str(),
        change,
    )?;
    touch(transaction, id, change).await?;
    Ok(changed(transaction, room, id).await?.map(|outcome| WriteOutcome { joined, ..outcome }))
}

/// Removes a reaction; if there is none, nothing changes.
pub(super) async fn unreact(
    transaction: &mut Transaction,
    reaction: Reaction,
) -> Result<Outcome, sqlx::Error> {
    let Reaction { room, message: id, user, emoji } = reaction;
    let Some(message) = find(transaction, room, id).await? else {
        return Ok(Err(WriteError::NotFound));
    };
    if !has(&message, reaction) {
        return Ok(Ok(unchanged(message)));
    }
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "delete from reactions where message_id = $1 and user_id = $2 and emoji = $3",
        id,
        user,
        emoji.as_str(),
    )?;
    touch(transaction, id, change).await?;
    changed(transaction, room, id).await
}

fn has(message: &Message, reaction: Reaction) -> bool {
    message.reactions.iter().any(|reactions| {
        reactions.emoji == reaction.emoji.as_str() && reactions.users.contains(&reaction.user)
    })
}

async fn find(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Message>, sqlx::Error> {
    let row: Option<MessageRow> =
        fetch_optional!(transaction, SELECT_MESSAGES!("where m.id = $1"), id)?;
    Ok(row.map(Message::from).filter(|message| message.room == room))
}

/// A message that exists and is not deleted.
async fn find_undeleted(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Result<Message, WriteError>, sqlx::Error> {
    Ok(match find(transaction, room, id).await? {
        None => Err(WriteError::NotFound),
        Some(message) if message.is_deleted() => Err(WriteError::Deleted),
        Some(message) => Ok(message),
    })
}

/// Increments the room's `rev` and returns it as the value of a message's `change` column.
async fn next_change(transaction: &mut Transaction, room: RoomId) -> Result<RoomKey, sqlx::Error> {
    let rev: Rev = fetch_scalar!(
        transaction,
        "update rooms set rev = rev + 1 where id = $1 returning rev",
        room,
    )?;
    Ok(RoomKey::of_rev(room, rev))
}

/// Gives a message the new `rev` without any other change.
async fn touch(
    transaction: &mut Transaction,
    id: MessageId,
    change: RoomKey,
) -> Result<(), sqlx::Error> {
    execute!(transaction, "update messages set room_rev_key = $2 where id = $1", id, change)?;
    Ok(())
}

fn unchanged(message: Message) -> WriteOutcome {
    WriteOutcome { message: Arc::new(message), changed: false, mentioned: Vec::new(), joined: None }
}

/// The message after the change.
async fn changed(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Outcome, sqlx::Error> {
    let message = find(transaction, room, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Ok(WriteOutcome {
        message: Arc::new(message),
        changed: true,
        mentioned: Vec::new(),
        joined: None,
    }))
}
