//! Deleting what was said in a room that is deleted, without a trace.

use crate::chat::search;
use crate::db::{Db, Transaction, json_rows, writing};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId, Timestamp};
use crate::limits::deletion::PIECE;

/// Deletes the oldest messages of a room that is being purged. False when there is none left.
pub(in crate::chat::messages) async fn purge_piece(
    db: &Db,
    room: RoomId,
) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    let found: Vec<(i64, i64)> = writing!(change, |connection| {
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
    let (ids, places): (Vec<i64>, Vec<i64>) = found.into_iter().unzip();
    let messages: Vec<MessageId> = ids.iter().copied().map(MessageId).collect();
    search::store::forget(&mut change, &messages).await?;
    for sql in [
        "delete from reactions where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from sends where message_id in (select cast(value as bigint) from jsonb_each($1))",
    ] {
        each(&mut change, sql, &ids).await?;
    }
    for sql in [
        "delete from mentions where pos in (select cast(value as bigint) from jsonb_each($1))",
        "delete from messages where pos in (select cast(value as bigint) from jsonb_each($1))",
    ] {
        each(&mut change, sql, &places).await?;
    }
    change.commit().await?;
    Ok(true)
}

async fn each(
    change: &mut Transaction,
    sql: &'static str,
    numbers: &[i64],
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query(sql).bind(json_rows(numbers)).execute(connection).await?.rows_affected()
    });
    Ok(())
}

/// Lets a job go on with it.
pub(in crate::chat::messages) async fn purge_later(
    db: &Db,
    room: RoomId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.begin().await?;
    jobs::enqueue(&mut change, Job::PurgeRoom(room), now).await?;
    change.commit().await
}
