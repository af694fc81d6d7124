//! What every change of a message does: find it, take the room's next `rev`, and return it in its new state.

use super::MessageRow;
use super::sql::{FROM_MESSAGES, MESSAGE_COLUMNS, SELECT_MESSAGES};
use crate::chat::messages::model::{Message, WriteError, WriteOutcome};
use crate::db::{Transaction, execute, fetch_optional, fetch_scalar};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, Rev, RoomId};

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeError {
    /// It is refused. The other writes of the batch go on.
    #[error(transparent)]
    Refused(#[from] WriteError),
    /// The whole batch fails.
    #[error(transparent)]
    Failed(#[from] sqlx::Error),
}

/// Makes a refusal the outcome of its write.
pub(super) fn settle<T>(
    result: Result<T, ChangeError>,
) -> Result<Result<T, WriteError>, sqlx::Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(ChangeError::Refused(error)) => Ok(Err(error)),
        Err(ChangeError::Failed(error)) => Err(error),
    }
}

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

/// A message that is to be changed.
pub(super) async fn find_existing(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Message, ChangeError> {
    Ok(find(transaction, room, id).await?.ok_or(WriteError::NotFound)?)
}

/// The same, if it may not be deleted.
pub(super) async fn find_undeleted(
    transaction: &mut Transaction,
    room: RoomId,
    id: MessageId,
) -> Result<Message, ChangeError> {
    let message = find_existing(transaction, room, id).await?;
    if message.is_deleted() {
        return Err(WriteError::Deleted.into());
    }
    Ok(message)
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
) -> Result<WriteOutcome, sqlx::Error> {
    let message = find(transaction, room, id).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(WriteOutcome::new(message, true))
}
