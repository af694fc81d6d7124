//! The SQL of the places that users give their rooms, and of archiving rooms.

use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedRoom};
use crate::chat::rooms::model::{Room, SectionName};
use crate::db::{Db, Transaction, execute};
use crate::kernel::{RoomId, UserId};

/// Returns false if nothing changed.
pub(in crate::chat::rooms) async fn set_favourite(
    db: &Db,
    user: UserId,
    room: RoomId,
    favourite: bool,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let changed = execute!(
        transaction,
        "update memberships set favourite = $3
         where user_id = $1 and room_id = $2 and favourite <> $3",
        user,
        room,
        i64::from(favourite),
    )?;
    finish(transaction, changed, user, room, meta).await
}

/// Returns false if nothing changed.
pub(in crate::chat::rooms) async fn set_section(
    db: &Db,
    user: UserId,
    room: RoomId,
    section: &SectionName,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let changed = execute!(
        transaction,
        "update memberships set section = $3
         where user_id = $1 and room_id = $2 and section <> $3",
        user,
        room,
        section.as_str(),
    )?;
    finish(transaction, changed, user, room, meta).await
}

async fn finish(
    mut transaction: Transaction,
    changed: u64,
    user: UserId,
    room: RoomId,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    if changed > 0 {
        changefeed::record(&mut transaction, meta, Change::Placed(room, user)).await?;
    }
    transaction.commit().await?;
    Ok(changed > 0)
}

/// Returns false if nothing changed: another user was faster, or the room was deleted.
pub(in crate::chat::rooms) async fn set_archived(
    db: &Db,
    actor: UserId,
    room: &Room,
    archived: bool,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    // A batch of messages locks its rooms first: it is stored before the room is archived, or refused.
    let changed = execute!(
        transaction,
        "update rooms set archived_at = $2
         where id = $1 and (archived_at is null) = ($2 is not null)
           and not exists (select 1 from deleted_rooms where room_id = $1)",
        room.id,
        archived.then_some(meta.now),
    )?;
    if changed == 0 {
        return Ok(false);
    }
    changefeed::record(&mut transaction, meta, Change::Room(room.id)).await?;
    let room = NamedRoom { id: room.id, name: &room.name };
    let action =
        if archived { Action::ArchiveRoom { room } } else { Action::UnarchiveRoom { room } };
    audit::record(&mut transaction, Some(actor), action, meta.now).await?;
    transaction.commit().await?;
    Ok(true)
}
