//! Replies that were sent to the room, too: the copy is a message of its own there. Both change together.

use std::collections::HashMap;

use super::uncount;
use crate::changefeed::model::ChangeMeta;
use crate::chat::messages::mentions::RenderedWithMentions;
use crate::chat::messages::model::{
    Author, Deleter, DeletionReason, Message, NewMember, NewText, WriteOutcome,
};
use crate::chat::messages::store::changing::{ChangeError, settle};
use crate::chat::messages::store::edits;
use crate::chat::messages::store::lookups::RoomNumbers;
use crate::chat::rooms::add_followers;
use crate::chat::rooms::model::{ParentMessage, Visibility};
use crate::db::{Transaction, fetch_all, json_rows};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId};

/// The other one of a reply and its copy in the room.
#[derive(Clone, Copy)]
pub(in crate::chat::messages::store) struct Twin {
    pub room: RoomId,
    pub message: MessageId,
}

/// By message.
pub(in crate::chat::messages::store) type Twins = HashMap<MessageId, Twin>;

/// The twins of messages.
pub(in crate::chat::messages::store) async fn find(
    transaction: &mut Transaction,
    messages: &[MessageId],
) -> Result<Twins, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct TwinRow {
        message: MessageId,
        twin: MessageId,
        room_seq_key: RoomKey,
    }
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<TwinRow> = fetch_all!(
        transaction,
        "select c.id as message, o.id as twin, o.room_seq_key
         from messages c join messages o on o.id = c.twin_of
         where c.id in (select cast(value as bigint) from jsonb_each($1))
         union all
         select c.twin_of, c.id, c.room_seq_key from messages c
         where c.twin_of in (select cast(value as bigint) from jsonb_each($1))",
        json_rows(messages),
    )?;
    let twin =
        |row: TwinRow| (row.message, Twin { room: row.room_seq_key.room(), message: row.twin });
    Ok(rows.into_iter().map(twin).collect())
}

/// The copy of a reply for the room. The nonce names the reply, and so do mentions: who is mentioned hears of
/// it once.
pub(in crate::chat::messages::store) fn copy_for_room(
    reply: &Message,
    parent: ParentMessage,
    id: MessageId,
    numbers: &mut RoomNumbers,
) -> WriteOutcome {
    numbers.last_seq = numbers.last_seq.next();
    numbers.rev = numbers.rev.next();
    WriteOutcome::new(
        Message {
            id,
            room: parent.room,
            seq: numbers.last_seq,
            rev: numbers.rev,
            reply_to: None,
            quote: None,
            nonce: None,
            twin_of: Some(reply.id),
            ..reply.clone()
        },
        true,
    )
}

/// Edits a message, and its twin with it. Who is mentioned now and can read a thread follows it.
pub(in crate::chat::messages::store) async fn edit(
    transaction: &mut Transaction,
    author: Author,
    text: &NewText,
    rendered: RenderedWithMentions,
    twin: Option<Twin>,
    meta: ChangeMeta,
) -> Result<WriteOutcome, ChangeError> {
    let is_reply = author.searched != author.room;
    let of = |is_copy: bool| {
        let RenderedWithMentions { markup, is_here, previews, .. } = rendered;
        let mentioned = if is_copy { Vec::new() } else { rendered.mentioned.clone() };
        let html = rendered.html.clone();
        let outsiders = Vec::new();
        RenderedWithMentions { html, markup, mentioned, outsiders, is_here, previews }
    };
    let is_copy = twin.is_some() && !is_reply;
    let mut edited = edits::edit(transaction, author, text, of(is_copy), meta.now).await?;
    // Also without a change: the search forgot both, and indexes what is in the outcome.
    if let Some(Twin { room, message }) = twin {
        let author = Author { room, message, ..author };
        let also = edits::edit(transaction, author, text, of(!is_copy), meta.now).await;
        edited.also.extend(settle(also)?.ok());
    }
    follow_mentioned(transaction, author.searched, &mut edited, meta).await?;
    Ok(edited)
}

async fn follow_mentioned(
    transaction: &mut Transaction,
    parent: RoomId,
    edited: &mut WriteOutcome,
    meta: ChangeMeta,
) -> Result<(), sqlx::Error> {
    let texts = std::iter::once((edited.message.room, edited.mentioned.clone()));
    let also = edited.also.iter().map(|also| (also.message.room, also.mentioned.clone()));
    let texts: Vec<_> = texts.chain(also).collect();
    for (thread, mentioned) in texts {
        if thread == parent || mentioned.is_empty() {
            continue;
        }
        let followers = add_followers(transaction, thread, parent, &mentioned, meta).await?;
        edited.joined.extend(followers.into_iter().map(|user| NewMember {
            room: thread,
            visibility: Visibility::Thread,
            user,
        }));
    }
    Ok(())
}

/// Deletes a message, and its twin with it.
pub(in crate::chat::messages::store) async fn delete(
    transaction: &mut Transaction,
    deleter: &Deleter,
    twin: Option<Twin>,
    meta: ChangeMeta,
) -> Result<WriteOutcome, ChangeError> {
    let mut deleted = edits::delete(transaction, deleter, meta).await?;
    if !deleted.changed {
        return Ok(deleted);
    }
    if let Some(Twin { room, message }) = twin {
        // The audit log has one record for both.
        let reason = match deleter.reason {
            DeletionReason::Author => DeletionReason::Author,
            DeletionReason::Erasure | DeletionReason::Moderation { .. } => DeletionReason::Erasure,
        };
        let deleter = Deleter { room, message, reason };
        let also = edits::delete(transaction, &deleter, meta).await;
        deleted.also.extend(settle(also)?.ok());
    }
    uncount(transaction, &deleted.message).await?;
    for also in &deleted.also {
        uncount(transaction, &also.message).await?;
    }
    Ok(deleted)
}
