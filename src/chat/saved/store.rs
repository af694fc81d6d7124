//! The SQL of saved messages.

use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::rooms::{GATE, READABLE_ROOMS};
use crate::db::{Db, execute, fetch_scalar, fetch_scalars, json_rows};
use crate::kernel::paging::Limit;
use crate::kernel::{MessageId, UserId};
use crate::limits::user::SAVED;

/// What became of a message to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saving {
    Now,
    Before,
    /// It is deleted.
    Gone,
    /// The user has saved too many.
    Refused,
}

/// Saves a message. Two at the same time may exceed the limit once.
pub(super) async fn add(
    db: &Db,
    user: UserId,
    message: MessageId,
    meta: ChangeMeta,
) -> Result<Saving, sqlx::Error> {
    let mut transaction = db.begin().await?;
    // The no-op update locks the message: one that is being deleted at the same time is not saved afterwards.
    let exists = execute!(
        transaction,
        "update messages set deleted_at = null where id = $1 and deleted_at is null",
        message,
    )?;
    if exists == 0 {
        return Ok(Saving::Gone);
    }
    let is_saved: bool = fetch_scalar!(
        transaction,
        "select exists (select 1 from saved_messages where user_id = $1 and message_id = $2)",
        user,
        message,
    )?;
    if is_saved {
        return Ok(Saving::Before);
    }
    let added = execute!(
        transaction,
        "insert into saved_messages (user_id, message_id, saved_at)
         select $1, $2, $3 where (select count(*) from saved_messages where user_id = $1) < $4
         on conflict (user_id, message_id) do nothing",
        user,
        message,
        meta.now,
        SAVED,
    )?;
    if added == 0 {
        return Ok(Saving::Refused);
    }
    changefeed::record(&mut transaction, meta, Change::Saved(message, user)).await?;
    transaction.commit().await?;
    Ok(Saving::Now)
}

/// Returns false if it was not saved.
pub(super) async fn remove(
    db: &Db,
    user: UserId,
    message: MessageId,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let removed = execute!(
        transaction,
        "delete from saved_messages where user_id = $1 and message_id = $2",
        user,
        message,
    )?;
    if removed > 0 {
        changefeed::record(&mut transaction, meta, Change::Saved(message, user)).await?;
    }
    transaction.commit().await?;
    Ok(removed > 0)
}

/// The messages that the user has saved and may read, the last saved first; with `before` those that were saved before
/// that one. One more than the limit, if there are more.
pub(super) async fn page(
    db: &Db,
    user: UserId,
    before: Option<MessageId>,
    limit: Limit,
) -> Result<Vec<MessageId>, sqlx::Error> {
    fetch_scalars!(
        db,
        concat!(
            "select s.message_id from saved_messages s join messages m on m.id = s.message_id
             where s.user_id = $1 and m.deleted_at is null
               and ($2 is null or (s.saved_at, s.message_id) <
                 (select l.saved_at, l.message_id from saved_messages l
                  where l.user_id = $1 and l.message_id = $2))
               and ",
            GATE!("(m.room_seq_key >> 32)"),
            " in (",
            READABLE_ROOMS!("$1"),
            ") order by s.saved_at desc, s.message_id desc limit $3"
        ),
        user,
        before,
        limit.plus_one(),
    )
}

/// Which of these messages the user has saved.
pub(super) async fn among(
    db: &Db,
    user: UserId,
    messages: &[MessageId],
) -> Result<Vec<MessageId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select message_id from saved_messages where user_id = $1
           and message_id in (select cast(value as bigint) from jsonb_each($2))
         order by message_id",
        user,
        json_rows(messages),
    )
}
