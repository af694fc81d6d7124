//! Replies show a part of the message that they reply to. After that one changed they take a new `rev`, so that all
//! clients read them again: the first of them in the same transaction, the others in a job.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Outcome;
use super::changing::{ChangeError, find, find_existing};
use crate::chat::messages::model::{Message, Write, WriteOutcome};
use crate::db::{
    Db, Transaction, execute, fetch_optional_scalar, fetch_scalar, fetch_scalars, json_rows,
};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, RoomId, Timestamp, UserId};
use crate::limits::message::QUOTES_AT_ONCE;

/// The author of the message replied to, even of a deleted one.
pub(super) async fn quoted_author(
    transaction: &mut Transaction,
    reply: &Message,
) -> Result<Option<UserId>, sqlx::Error> {
    let Some(quoted) = reply.reply_to else { return Ok(None) };
    fetch_optional_scalar!(transaction, "select author_id from messages where id = $1", quoted)
}

/// A reply notifies the author of the message that it quotes, as a mention does.
pub(super) fn notify_quoted(mentioned: &mut Vec<UserId>, quoted: UserId, author: UserId) {
    if quoted != author && !mentioned.contains(&quoted) {
        mentioned.push(quoted);
    }
}

/// Gives the newest replies to a message that has just changed a new `rev`, and adds a job for the others. Returns the
/// last `rev` if there are replies.
pub(super) async fn refresh_first(
    transaction: &mut Transaction,
    room: RoomId,
    quoted: MessageId,
    now: Timestamp,
) -> Result<Option<Rev>, sqlx::Error> {
    let (rev, more) = refresh_some(transaction, room, quoted).await?;
    if more {
        jobs::enqueue(transaction, Job::RefreshQuotes(quoted), now).await?;
    }
    Ok(rev)
}

/// Refreshes further replies, for the job.
pub(super) async fn refresh_next(
    transaction: &mut Transaction,
    room: RoomId,
    quoted: MessageId,
) -> Result<WriteOutcome, ChangeError> {
    let message = find_existing(transaction, room, quoted).await?;
    let (quotes_changed, _) = refresh_some(transaction, room, quoted).await?;
    let outcome = WriteOutcome::new(message, quotes_changed.is_some());
    Ok(WriteOutcome { quotes_changed, ..outcome })
}

/// Returns the last `rev` that it gave, and whether replies are left. A reply is stale while its `rev` is lower than
/// that of the message which it quotes.
async fn refresh_some(
    transaction: &mut Transaction,
    room: RoomId,
    quoted: MessageId,
) -> Result<(Option<Rev>, bool), sqlx::Error> {
    let mut stale: Vec<RoomKey> = fetch_scalars!(
        transaction,
        "select m.room_seq_key from messages m join messages q on q.id = m.reply_to
         where m.reply_to = $1 and m.deleted_at is null and m.room_rev_key < q.room_rev_key
           and m.room_seq_key >> 32 = $2
         order by m.room_seq_key desc limit $3",
        quoted,
        room,
        QUOTES_AT_ONCE + 1,
    )?;
    let at_once = usize::try_from(QUOTES_AT_ONCE).unwrap_or(usize::MAX);
    let more = stale.len() > at_once;
    stale.truncate(at_once);
    let count = i64::try_from(stale.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok((None, false));
    }
    let last: Rev = fetch_scalar!(
        transaction,
        "update rooms set rev = rev + $2 where id = $1 returning rev",
        room,
        count,
    )?;
    let changes: Vec<(RoomKey, RoomKey)> =
        (last.0 - count + 1..).map(|rev| RoomKey::of_rev(room, Rev(rev))).zip(stale).collect();
    execute!(
        transaction,
        "update messages set room_rev_key = changes.change
         from (select cast(value ->> 0 as bigint) as change, cast(value ->> 1 as bigint) as message
               from jsonb_each($1)) changes
         where room_seq_key = changes.message",
        json_rows(&changes),
    )?;
    Ok((Some(last), more))
}

/// Whether a message has replies that show what it was before.
pub(in crate::chat::messages) async fn has_stale(
    db: &Db,
    quoted: MessageId,
) -> Result<bool, sqlx::Error> {
    fetch_scalar!(
        db,
        "select exists (select 1 from messages m join messages q on q.id = m.reply_to
                        where m.reply_to = $1 and m.deleted_at is null and m.room_rev_key < q.room_rev_key
                          and m.room_seq_key >> 32 = q.room_seq_key >> 32)",
        quoted,
    )
}

/// Enqueues a job for the rest.
pub(in crate::chat::messages) async fn refresh_later(
    db: &Db,
    quoted: MessageId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    jobs::enqueue(&mut transaction, Job::RefreshQuotes(quoted), now).await?;
    transaction.commit().await
}

/// Reads the posts of a batch again whose quote another write of the same batch changed: the old text must not be
/// published after that.
pub(super) async fn reread(
    transaction: &mut Transaction,
    writes: &[Write],
    outcomes: &mut [Outcome],
) -> Result<(), sqlx::Error> {
    let changed: BTreeSet<MessageId> = writes.iter().filter_map(Write::edited_message).collect();
    let posts = writes.iter().zip(outcomes).filter(|(write, _)| write.as_post().is_some());
    for outcome in posts.filter_map(|(_, outcome)| outcome.as_mut().ok()) {
        let Message { room, id, reply_to, .. } = *outcome.message;
        if reply_to.is_some_and(|quoted| changed.contains(&quoted)) {
            let message = find(transaction, room, id).await?.ok_or(sqlx::Error::RowNotFound)?;
            outcome.message = Arc::new(message);
        }
    }
    Ok(())
}
