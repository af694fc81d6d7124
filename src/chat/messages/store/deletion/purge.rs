//! Deletes the messages of a deleted room without leaving tombstones.

use crate::chat::search;
use crate::db::{Db, execute, fetch_all, json_rows};
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
    #[derive(sqlx::FromRow)]
    struct PurgedRow {
        id: MessageId,
        room_seq_key: RoomKey,
    }
    let mut transaction = db.begin().await?;
    let rows: Vec<PurgedRow> = fetch_all!(
        transaction,
        "select id, room_seq_key from messages where room_seq_key > $1 and room_seq_key <= $2
           and exists (select 1 from deleted_rooms where room_id = $3 and purged_at is not null)
         order by room_seq_key limit $4",
        RoomKey::first(room),
        RoomKey::last(room),
        room,
        i64::from(PIECE),
    )?;
    if rows.is_empty() {
        return Ok(false);
    }
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    let keys: Vec<RoomKey> = rows.iter().map(|row| row.room_seq_key).collect();
    search::store::forget(&mut transaction, &ids).await?;
    for sql in [
        "delete from reactions where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from message_edits where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from idempotency_keys where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from saved_messages where message_id in (select cast(value as bigint) from jsonb_each($1))",
    ] {
        execute!(transaction, sql, json_rows(&ids))?;
    }
    for sql in [
        "delete from mentions where room_seq_key in (select cast(value as bigint) from jsonb_each($1))",
        "delete from messages where room_seq_key in (select cast(value as bigint) from jsonb_each($1))",
    ] {
        execute!(transaction, sql, json_rows(&keys))?;
    }
    transaction.commit().await?;
    Ok(true)
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
