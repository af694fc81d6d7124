//! Files of messages: given to a message in the transaction that stores it, and deleted in the one that deletes it.

use std::collections::HashMap;

use super::contents::{lock, mark_unused};
use super::{FILE_COLUMNS, FileRow, rows};
use crate::chat::files::model::{Attachment, ContentHash, FileId, StoredFile};
use crate::db::{StatementBatch, Transaction, fetch_all, json_rows, push_statement};
use crate::kernel::{MessageId, RoomId, Timestamp};

/// Of these files those that are in no message. Their rows are locked: they stay so until the commit.
pub(in crate::chat) async fn lock_unposted(
    transaction: &mut Transaction,
    ids: &[&FileId],
) -> Result<HashMap<FileId, StoredFile>, sqlx::Error> {
    let rows: Vec<FileRow> = fetch_all!(
        transaction,
        concat!(
            "update files set position = position
             where id in (select value ->> 0 from jsonb_each($1)) and message_id is null
             returning ",
            FILE_COLUMNS!()
        ),
        json_rows(&rows(ids)),
    )?;
    let files = rows.into_iter().map(StoredFile::from);
    Ok(files.map(|file| (file.id.clone(), file)).collect())
}

/// Adds the statements that give files to new messages. `number` is how many files a message has, which the copy of a
/// reply has too.
pub(in crate::chat) fn push_attachments(
    statements: &mut StatementBatch,
    (room, message): (RoomId, MessageId),
    attachments: &[Attachment],
) {
    let number = i64::try_from(attachments.len()).unwrap_or(i64::MAX);
    push_statement!(statements, |query| {
        query
            .push("update messages set files = ")
            .push_bind(number)
            .push(" where id = ")
            .push_bind(message)
    });
    for (position, attachment) in (0_i64..).zip(attachments) {
        if attachment.message == message {
            push_statement!(statements, |query| {
                query
                    .push("update files set message_id = ")
                    .push_bind(message)
                    .push(", position = ")
                    .push_bind(position)
                    .push(
                        ", room_id = coalesce((select parent_room_id from threads where room_id = ",
                    )
                    .push_bind(room)
                    .push("), ")
                    .push_bind(room)
                    .push(")")
                    .push(" where message_id is null and id = ")
                    .push_bind(attachment.id.as_str())
            });
        }
    }
}

/// Deletes the files of messages.
pub(in crate::chat) async fn delete_of_messages(
    transaction: &mut Transaction,
    messages: &[MessageId],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let hashes: Vec<(ContentHash, Option<ContentHash>)> = fetch_all!(
        transaction,
        "delete from files where message_id in (select cast(value as bigint) from jsonb_each($1))
         returning hash, preview_hash",
        json_rows(messages),
    )?;
    let hashes = sorted(hashes);
    lock(transaction, &hashes).await?;
    mark_unused(transaction, &hashes, now).await
}

/// In an order in which all transactions lock them.
pub(super) fn sorted(hashes: Vec<(ContentHash, Option<ContentHash>)>) -> Vec<ContentHash> {
    let mut all: Vec<ContentHash> = hashes
        .into_iter()
        .flat_map(|(hash, preview)| std::iter::once(hash).chain(preview))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}
