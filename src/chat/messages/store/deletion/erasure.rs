//! Stores the progress of deleting all messages of a user.

use crate::db::{Db, execute, fetch_all, fetch_optional_scalar};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};
use crate::limits::deletion::{PIECE, WINDOW};

/// The next messages to delete, the newest first.
pub(in crate::chat::messages) struct ErasureStep {
    pub messages: Vec<MessageToErase>,
    /// When these are deleted, only messages with a smaller id are left.
    pub then_before: MessageId,
}

#[derive(sqlx::FromRow)]
pub(in crate::chat::messages) struct MessageToErase {
    pub id: MessageId,
    room_seq_key: RoomKey,
}

impl MessageToErase {
    pub fn room(&self) -> RoomId {
        self.room_seq_key.room()
    }
}

/// The next batch of messages to delete, or `None` if none are left.
pub(in crate::chat::messages) async fn next_to_erase(
    db: &Db,
    user: UserId,
) -> Result<Option<ErasureStep>, sqlx::Error> {
    let before: Option<MessageId> = fetch_optional_scalar!(
        db,
        "select before from erasures where user_id = $1 and finished_at is null",
        user,
    )?;
    let Some(before) = before else { return Ok(None) };
    let from = MessageId((before.0 - WINDOW).max(0));
    let messages: Vec<MessageToErase> = fetch_all!(
        db,
        "select id, room_seq_key from messages
         where id < $1 and id >= $2 and author_id = $3 and deleted_at is null
         order by id desc limit $4",
        before,
        from,
        user,
        i64::from(PIECE),
    )?;
    let last_of_full = messages.get(usize::from(PIECE) - 1);
    let then_before = last_of_full.map_or(from, |last| last.id);
    Ok(Some(ErasureStep { messages, then_before }))
}

/// Records the progress: the number of deleted messages, and that only ids below `before` are left. At
/// `before` <= 1 the erasure is finished.
pub(in crate::chat::messages) async fn record_erased(
    db: &Db,
    user: UserId,
    deleted: usize,
    before: MessageId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update erasures set before = $2, deleted = deleted + $3,
                             finished_at = case when $2 <= 1 then $4 end
         where user_id = $1 and finished_at is null",
        user,
        before,
        i64::try_from(deleted).unwrap_or(i64::MAX),
        now,
    )?;
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
