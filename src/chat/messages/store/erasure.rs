//! Stores the progress of deleting all messages of a user.

use crate::db::{Db, reading, writing};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};
use crate::limits::deletion::{PIECE, WINDOW};

/// The next messages to delete, the newest first.
pub(in crate::chat::messages) struct ErasureStep {
    pub messages: Vec<(RoomId, MessageId)>,
    /// When these are deleted, only messages with a smaller id are left.
    pub then_before: MessageId,
}

/// The next batch of messages to delete, or `None` if none are left.
pub(in crate::chat::messages) async fn next_to_erase(
    db: &Db,
    user: UserId,
) -> Result<Option<ErasureStep>, sqlx::Error> {
    let progress: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select before from erasures where user_id = $1 and finished_at is null")
            .bind(user.0)
            .fetch_optional(pool)
            .await?
    });
    let Some((before,)) = progress else { return Ok(None) };
    let from = (before - WINDOW).max(0);
    let rows: Vec<(i64, i64)> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, pos from messages
             where id < $1 and id >= $2 and author_id = $3 and deleted_at is null
             order by id desc limit $4",
        )
        .bind(before)
        .bind(from)
        .bind(user.0)
        .bind(i64::from(PIECE))
        .fetch_all(pool)
        .await?
    });
    let full = rows.len() == usize::from(PIECE);
    let last = rows.last().map_or(from, |(id, _)| *id);
    let messages = rows.into_iter().map(|(id, pos)| (RoomKey::stored(pos).room(), MessageId(id)));
    let then_before = MessageId(if full { last } else { from });
    Ok(Some(ErasureStep { messages: messages.collect(), then_before }))
}

/// Records the progress: the number of deleted messages, and that only ids below `before` are left. At
/// `before` <= 1 the erasure is finished.
pub(in crate::chat::messages) async fn record_erased(
    db: &Db,
    user: UserId,
    (deleted, before): (usize, MessageId),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query(
            "update erasures set before = $2, deleted = deleted + $3,
                                 finished_at = case when $2 <= 1 then $4 end
             where user_id = $1 and finished_at is null",
        )
        .bind(user.0)
        .bind(before.0)
        .bind(i64::try_from(deleted).unwrap_or(i64::MAX))
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await
}

/// Enqueues a job for the rest.
pub(in crate::chat::messages) async fn erase_later(
    db: &Db,
    user: UserId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    jobs::enqueue(&mut transaction, Job::EraseMessages(user), now).await?;
    transaction.commit().await
}
