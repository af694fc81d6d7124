//! Edits, deletions and reactions. Every change takes the room's next `rev`; a write that changes
//! nothing takes none.

use super::changing::{
    ChangeError, changed, find_existing, find_undeleted, next_change, touch, unchanged,
};
use super::mentions;
use super::{joining, link_previews, quotes, versions};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedRoom, NamedUser};
use crate::chat::files::store as files;
use crate::chat::messages::mentions::RenderedWithMentions;
use crate::chat::messages::model::{
    Author, Deleter, DeletionReason, Message, NewText, Reaction, Write, WriteError, WriteOutcome,
};
use crate::chat::rooms::model::Member;
use crate::chat::rooms::{GATE, IS_ARCHIVED};
use crate::db::{Transaction, execute, fetch_scalars, json_rows};
use crate::kernel::ids::RoomKey;
use crate::kernel::{FieldError, MessageId, RoomId, Timestamp, UserId};
use crate::text::render;

/// How many different emoji a message may carry.
const MAX_EMOJI: usize = 20;

/// Replaces the text of a message.
pub(super) async fn edit(
    transaction: &mut Transaction,
    author: Author,
    text: &NewText,
    rendered: RenderedWithMentions,
    now: Timestamp,
) -> Result<WriteOutcome, ChangeError> {
    let Author { room, message: id, .. } = author;
    let RenderedWithMentions { html, markup, mut mentioned, is_here, previews, .. } = rendered;
    let body = text.body.as_str();
    let message = find_undeleted(transaction, room, id).await?;
    let is_same_markup = text.markup.is_none_or(|markup| markup == message.markup);
    if message.body == body && is_same_markup {
        return Ok(unchanged(message));
    }
    versions::keep(transaction, &message).await?;
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "update messages set body = $2, html = $3, edited_at = $4, room_rev_key = $5, markup = $6,
                             edits = edits + 1
         where id = $1",
        id,
        body,
        render::stored(&html, body),
        now,
        change,
        markup,
    )?;
    link_previews::follow_edit(transaction, id, &html, previews, now).await?;
    if let Some(quoted) = quotes::quoted_author(transaction, &message).await? {
        quotes::notify_quoted(&mut mentioned, quoted, message.author.id);
    }
    let room_seq_key = RoomKey::of_seq(room, message.seq);
    // Those who were online when a text mentioned them stay mentioned.
    let mentioned = mentions::replace(transaction, room_seq_key, mentioned, is_here).await?;
    let quotes_changed = quotes::refresh_first(transaction, room, id, now).await?;
    let outcome = changed(transaction, room, id).await?;
    Ok(WriteOutcome { mentioned, quotes_changed, ..outcome })
}

/// Deletes a message; a tombstone remains. Deleting a deleted message changes nothing.
pub(super) async fn delete(
    transaction: &mut Transaction,
    deleter: &Deleter,
    meta: ChangeMeta,
) -> Result<WriteOutcome, ChangeError> {
    let now = meta.now;
    let Deleter { room, message: id, reason } = deleter;
    let (room, id) = (*room, *id);
    let message = find_existing(transaction, room, id).await?;
    if message.is_deleted() {
        return Ok(unchanged(message));
    }
    mentions::remove(transaction, RoomKey::of_seq(room, message.seq)).await?;
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "update messages set body = '', html = '', deleted_at = $2, room_rev_key = $3, deleted_by = $4,
                             pinned_at = null, pinned_by = null, previews = 0, files = 0
         where id = $1",
        id,
        now,
        change,
        reason.deleted_by().as_str(),
    )?;
    execute!(transaction, "delete from reactions where message_id = $1", id)?;
    versions::delete(transaction, id).await?;
    link_previews::delete(transaction, id).await?;
    if !message.attachments.is_empty() {
        files::delete_of_messages(transaction, &[id], now).await?;
    }
    let unsaved = remove_saved(transaction, id, meta).await?;
    if let DeletionReason::Moderation { moderator, room_name, author, author_name } = reason {
        let action = Action::DeleteMessage {
            message: id,
            room: NamedRoom { id: room, name: room_name },
            author: NamedUser { id: *author, name: author_name },
        };
        audit::record(transaction, Some(*moderator), action, now).await?;
    }
    let quotes_changed = quotes::refresh_first(transaction, room, id, now).await?;
    let outcome = changed(transaction, room, id).await?;
    Ok(WriteOutcome { quotes_changed, unsaved, ..outcome })
}

/// Takes a deleted message off all lists of saved messages. Returns whose.
async fn remove_saved(
    transaction: &mut Transaction,
    message: MessageId,
    meta: ChangeMeta,
) -> Result<Vec<UserId>, sqlx::Error> {
    let users: Vec<UserId> = fetch_scalars!(
        transaction,
        "delete from saved_messages where message_id = $1 returning user_id",
        message,
    )?;
    for user in &users {
        changefeed::record(transaction, meta, Change::Saved(message, *user)).await?;
    }
    Ok(users)
}

/// Which of the rooms that the writes edit or react in take no more of that. What is there can still be deleted.
pub(super) async fn archived_rooms(
    transaction: &mut Transaction,
    writes: &[Write],
) -> Result<Vec<RoomId>, sqlx::Error> {
    let rooms: Vec<RoomId> = writes.iter().filter_map(Write::changed_room).collect();
    if rooms.is_empty() {
        return Ok(rooms);
    }
    fetch_scalars!(
        transaction,
        concat!(
            "select id from rooms where ",
            IS_ARCHIVED!("rooms.id"),
            " and id in (select cast(value as bigint) from jsonb_each($1))"
        ),
        json_rows(&rooms),
    )
}

/// Adds a reaction; one that exists already changes nothing. In a public room a user that is not a
/// member becomes one.
pub(super) async fn react(
    transaction: &mut Transaction,
    member: &Member,
    reaction: &Reaction,
    meta: ChangeMeta,
) -> Result<WriteOutcome, ChangeError> {
    let Reaction { room, message: id, user, ref emoji } = *reaction;
    let message = find_undeleted(transaction, room, id).await?;
    if has(&message, reaction) {
        return Ok(unchanged(message));
    }
    let has_emoji = message.reactions.iter().any(|reactions| reactions.emoji == emoji.as_str());
    if !has_emoji && message.reactions.len() >= MAX_EMOJI {
        return Err(WriteError::Invalid(FieldError::new("emoji", "emoji-many")).into());
    }
    let joined = joining::admit(transaction, member, meta).await?;
    let joined = joined.map_err(WriteError::JoinRefused)?;
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
    Ok(WriteOutcome { joined, ..changed(transaction, room, id).await? })
}

/// Removes a reaction; if there is none, nothing changes.
pub(super) async fn unreact(
    transaction: &mut Transaction,
    reaction: &Reaction,
) -> Result<WriteOutcome, ChangeError> {
    let Reaction { room, message: id, user, ref emoji } = *reaction;
    let message = find_existing(transaction, room, id).await?;
    if !has(&message, reaction) {
        return Ok(unchanged(message));
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
    Ok(changed(transaction, room, id).await?)
}

fn has(message: &Message, reaction: &Reaction) -> bool {
    message.reactions.iter().any(|reactions| {
        reactions.emoji == reaction.emoji.as_str() && reactions.users.contains(&reaction.user)
    })
}
