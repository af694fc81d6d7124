//! Files of messages: given to a message in the transaction that stores it, and deleted in the one that deletes it.

use std::collections::HashMap;

use super::contents::{lock, mark_unused};
use super::{FILE_COLUMNS, FileRow, rows};
use crate::chat::files::model::{Attachment, ContentHash, FileId, StoredFile};
use crate::db::{
    Column, PushGiven as _, StatementBatch, Transaction, fetch_all, json_rows, push_statement,
};
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

/// Adds the statement that gives files to new messages. The copy of a reply shows those of the reply.
pub(in crate::chat) fn push_attachments(
    statements: &mut StatementBatch,
    messages: &[(RoomId, &[Attachment], MessageId)],
) {
    let mut all: Vec<(RoomId, i64, &Attachment)> = Vec::new();
    for (room, attachments, message) in messages {
        let own = (0_i64..).zip(*attachments).filter(|(_, file)| file.message == *message);
        all.extend(own.map(|(place, file)| (*room, place, file)));
    }
    if all.is_empty() {
        return;
    }
    let columns = [
        ("file", Column::Texts(all.iter().map(|(_, _, file)| file.id.as_str()).collect())),
        ("message", Column::Numbers(all.iter().map(|(_, _, file)| file.message.0).collect())),
        ("place", Column::Numbers(all.iter().map(|(_, place, _)| *place).collect())),
        ("room", Column::Numbers(all.iter().map(|(room, ..)| room.0).collect())),
    ];
    push_statement!(statements, |query| {
        query
            .push(
                "update files set message_id = given.message, position = given.place,
                   room_id = coalesce((select t.parent_room_id from threads t where t.room_id = given.room),
                                      given.room)
                 from ",
            )
            .push_given(&columns)
            .push(" where files.id = given.file and files.message_id is null")
    });
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
