//! The former versions of edited messages: the original, and the newest of the others.

use crate::chat::messages::model::{Markup, Message, Version};
use crate::db::{Db, Transaction, execute, fetch_all};
use crate::kernel::{MessageId, Timestamp};
use crate::limits::message::VERSIONS;

/// Keeps the text of a message that is about to be edited.
pub(super) async fn keep(
    transaction: &mut Transaction,
    message: &Message,
) -> Result<(), sqlx::Error> {
    let number = message.edits;
    execute!(
        transaction,
        "insert into message_edits (message_id, number, body, markup, at) values ($1, $2, $3, $4, $5)",
        message.id,
        number,
        &message.body,
        message.markup,
        message.edited_at.unwrap_or(message.created_at),
    )?;
    execute!(
        transaction,
        "delete from message_edits where message_id = $1 and number > 0 and number < $2",
        message.id,
        number + 2 - VERSIONS,
    )?;
    Ok(())
}

/// The former versions of a message, the oldest first.
pub(in crate::chat::messages) async fn versions(
    db: &Db,
    message: MessageId,
) -> Result<Vec<Version>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct VersionRow {
        body: String,
        markup: Markup,
        at: Timestamp,
    }
    let rows: Vec<VersionRow> = fetch_all!(
        db,
        "select body, markup, at from message_edits where message_id = $1 order by number",
        message,
    )?;
    let version = |VersionRow { body, markup, at }| Version { body, markup, at };
    Ok(rows.into_iter().map(version).collect())
}

/// The message is deleted, and with it all that it ever said.
pub(super) async fn delete(
    transaction: &mut Transaction,
    message: MessageId,
) -> Result<(), sqlx::Error> {
    execute!(transaction, "delete from message_edits where message_id = $1", message)?;
    Ok(())
}
