//! Deletes the messages of a deleted room without leaving tombstones.

use crate::chat::search;
use crate::db::{Db, Transaction, json_rows, writing};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId, Timestamp};
use crate::limits::deletion::PIECE;

/// Deletes one batch of the oldest messages of a room that is being purged. Returns false if none are
/// left.
pub(in crate::chat::messages) async fn purge_batch(
    db: &Db,
    room: RoomId,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let found: Vec<(i64, i64)> = writing!(transaction, |connection| {
        sqlx::query_as(
            "select id, pos from messages where pos > $1 and pos <= $2
               and exists (select 1 from deleted_rooms where room_id = $3 and purged_at is not null)
             order by pos limit $4",
        )
        .bind(RoomKey::first(room).get())
        .bind(RoomKey::last(room).get())
        .bind(room.0)
        .bind(i64::from(PIECE))
        .fetch_all(connection)
        .await?
    });
    if found.is_empty() {
        return Ok(false);
    }
    let (ids, keys): (Vec<i64>, Vec<i64>) = found.into_iter().unzip();
    let messages: Vec<MessageId> = ids.iter().copied().map(MessageId).collect();
    search::store::forget(&mut transaction, &messages).await?;
    for sql in [
        "delete from reactions where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from sends where message_id in (select cast(value as bigint) from jsonb_each($1))",
    ] {
        execute_for(&mut transaction, sql, &ids).await?;
    }
    for sql in [
        "delete from mentions where pos in (select cast(value as bigint) from jsonb_each($1))",
        "delete from messages where pos in (select cast(value as bigint) from jsonb_each($1))",
    ] {
        execute_for(&mut transaction, sql, &keys).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Runs a statement with a list of numbers as its parameter.
async fn execute_for(
    transaction: &mut Transaction,
    sql: &'static str,
    numbers: &[i64],
) -> Result<(), sqlx::Error> {
    writing!(*transaction, |connection| {
        sqlx::query(sql).bind(json_rows(numbers)).execute(connection).await?.rows_affected()
    });
    Ok(())
}

/// Enqueues a job for the rest.
pub(in crate::chat::messages) async fn purge_later(
    db: &Db,
    room: RoomId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    jobs::enqueue(&mut transaction, Job::PurgeRoom(room), now).await?;
    transaction.commit().await
}
