//! What is pinned to a room.

use super::changing::{
    ChangeError, changed, find_existing, find_undeleted, next_change, unchanged,
};
use super::sql::{FROM_MESSAGES, MESSAGE_COLUMNS, SELECT_MESSAGES};
use super::{MessageRow, joining};
use crate::changefeed::model::ChangeMeta;
use crate::chat::messages::model::{Message, WriteError, WriteOutcome};
use crate::chat::rooms::model::Member;
use crate::db::{Db, Transaction, execute, fetch_all, fetch_scalar, fetch_scalars};
use crate::kernel::ids::RoomKey;
use crate::kernel::{FieldError, MessageId, RoomId};
use crate::limits::room::PINS;

/// Pins a message to its room. In a public room a user that is not a member becomes one, as with a post.
pub(super) async fn pin(
    transaction: &mut Transaction,
    member: &Member,
    id: MessageId,
    meta: ChangeMeta,
) -> Result<WriteOutcome, ChangeError> {
    let room = member.room();
    let message = find_undeleted(transaction, room, id).await?;
    if message.is_pinned() {
        return Ok(unchanged(message));
    }
    let pins: i64 = fetch_scalar!(
        transaction,
        "select count(*) from messages
         where room_seq_key > $1 and room_seq_key <= $2 and pinned_at is not null",
        RoomKey::first(room),
        RoomKey::last(room),
    )?;
    if pins >= PINS {
        return Err(WriteError::Invalid(FieldError::new("pin", "pins-many")).into());
    }
    let joined = joining::admit(transaction, member, meta).await?;
    let joined = joined.map_err(WriteError::JoinRefused)?;
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "update messages set pinned_at = $2, pinned_by = $3, room_rev_key = $4 where id = $1",
        id,
        meta.now,
        member.user().id,
        change,
    )?;
    Ok(WriteOutcome { joined, ..changed(transaction, room, id).await? })
}

/// Takes a pin away. Without one nothing changes.
pub(super) async fn unpin(
    transaction: &mut Transaction,
    member: &Member,
    id: MessageId,
) -> Result<WriteOutcome, ChangeError> {
    let room = member.room();
    let message = find_existing(transaction, room, id).await?;
    if !message.is_pinned() {
        return Ok(unchanged(message));
    }
    let change = next_change(transaction, room).await?;
    execute!(
        transaction,
        "update messages set pinned_at = null, pinned_by = null, room_rev_key = $2 where id = $1",
        id,
        change,
    )?;
    Ok(changed(transaction, room, id).await?)
}

/// The pinned messages of a room, the one that was pinned last first.
pub(in crate::chat::messages) async fn pinned(
    db: &Db,
    room: RoomId,
) -> Result<Vec<Message>, sqlx::Error> {
    let rows: Vec<MessageRow> = fetch_all!(
        db,
        SELECT_MESSAGES!(
            "where m.room_seq_key > $1 and m.room_seq_key <= $2 and m.pinned_at is not null
             order by m.pinned_at desc, m.room_seq_key desc"
        ),
        RoomKey::first(room),
        RoomKey::last(room),
    )?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// Which messages of a room are pinned. An index answers it.
pub(in crate::chat::messages) async fn pinned_ids(
    db: &Db,
    room: RoomId,
) -> Result<Vec<MessageId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select id from messages
         where room_seq_key > $1 and room_seq_key <= $2 and pinned_at is not null",
        RoomKey::first(room),
        RoomKey::last(room),
    )
}
