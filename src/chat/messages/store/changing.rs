//! What every change of a message does: find it, take the room's next `rev`, and return it in its new state.

use super::sql::{FROM_MESSAGES, MESSAGE_COLUMNS, SELECT_MESSAGES};
use super::{MessageRow, Outcome};
use crate::chat::messages::model::{Message, WriteError, WriteOutcome};
use crate::db::{Transaction, execute, fetch_optional, fetch_scalar};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, RoomId};

/// A message, if it is in this room.
pub(super) async fn find(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Option<Message>, sqlx::Error> {
    let row: Option<MessageRow> =
        fetch_optional!(transaction, SELECT_MESSAGES!("where m.id = $1"), id)?;
    Ok(row.map(Message::from).filter(|message| message.room == room))
}

/// A message that exists and is not deleted.
pub(super) async fn find_undeleted(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Result<Message, WriteError>, sqlx::Error> {
    Ok(match find(transaction, room, id).await? {
        None => Err(WriteError::NotFound),
        Some(message) if message.is_deleted() => Err(WriteError::Deleted),
        Some(message) => Ok(message),
    })
}

/// Increments the room's `rev` and returns it as the value of a message's `change` column.
pub(super) async fn next_change(
    transaction: &mut Transaction,
    room: RoomId,
) -> Result<RoomKey, sqlx::Error> {
    let rev: Rev = fetch_scalar!(
        transaction,
        "update rooms set rev = rev + 1 where id = $1 returning rev",
        room,
    )?;
    Ok(RoomKey::of_rev(room, rev))
}

/// Gives a message the new `rev` without any other change.
pub(super) async fn touch(
    transaction: &mut Transaction,
    id: MessageId,
    change: RoomKey,
) -> Result<(), sqlx::Error> {
    execute!(transaction, "update messages set room_rev_key = $2 where id = $1", id, change)?;
    Ok(())
}

pub(super) fn unchanged(message: Message) -> WriteOutcome {
    WriteOutcome::new(message, false)
}

/// The message after the change.
pub(super) async fn changed(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Outcome, sqlx::Error> {
    let message = find(transaction, room, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Ok(WriteOutcome::new(message, true)))
}
