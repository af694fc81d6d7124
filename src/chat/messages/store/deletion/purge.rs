//! Deletes the messages of a deleted room without leaving tombstones.

use crate::chat::files::store as files;
use crate::chat::search;
use crate::db::{Db, execute, fetch_all, fetch_optional_scalar, json_rows};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, RoomId, Timestamp};
use crate::limits::deletion::PIECE;

/// A thread of a room that is being purged.
pub(in crate::chat::messages) async fn next_thread_to_purge(
    db: &Db,
    room: RoomId,
) -> Result<Option<RoomId>, sqlx::Error> {
    fetch_optional_scalar!(
        db,
        "select room_id from threads where parent_room_id = $1
           and exists (select 1 from deleted_rooms where room_id = $1 and purged_at is not null)
         order by room_id limit 1",
        room,
    )
}

/// Clears everything of a thread without messages except its id, which is never used again. Its room is being
/// purged.
pub(in crate::chat::messages) async fn forget_thread(
    db: &Db,
    thread: RoomId,
    parent: RoomId,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    for sql in [
        "delete from deleted_memberships where room_id = $1
           and exists (select 1 from deleted_rooms where room_id = $2 and purged_at is not null)",
        "delete from memberships where room_id = $1
           and exists (select 1 from deleted_rooms where room_id = $2 and purged_at is not null)",
        "delete from drafts where room_id = $1
           and exists (select 1 from deleted_rooms where room_id = $2 and purged_at is not null)",
        "delete from thread_authors where room_id = $1
           and exists (select 1 from deleted_rooms where room_id = $2 and purged_at is not null)",
        "delete from threads where room_id = $1
           and exists (select 1 from deleted_rooms where room_id = $2 and purged_at is not null)",
        "update rooms set last_seq = 0 where id = $1
           and exists (select 1 from deleted_rooms where room_id = $2 and purged_at is not null)",
    ] {
        execute!(transaction, sql, thread, parent)?;
    }
    transaction.commit().await
}

/// Deletes one batch of the oldest messages of a room that is being purged, or of a thread of it. `parent` is
/// the room. Returns false if none are left.
pub(in crate::chat::messages) async fn purge_batch(
    db: &Db,
    room: RoomId,
    parent: RoomId,
    now: Timestamp,
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
        parent,
        i64::from(PIECE),
    )?;
    if rows.is_empty() {
        return Ok(false);
    }
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    let keys: Vec<RoomKey> = rows.iter().map(|row| row.room_seq_key).collect();
    search::store::forget(&mut transaction, &ids).await?;
    files::delete_of_messages(&mut transaction, &ids, now).await?;
    for sql in [
        "delete from reactions where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from message_edits where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from idempotency_keys where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from saved_messages where message_id in (select cast(value as bigint) from jsonb_each($1))",
        "delete from message_previews where message_id in (select cast(value as bigint) from jsonb_each($1))",
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
