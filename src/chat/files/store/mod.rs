//! The SQL of files: `uploads` are on their way, `attaching` gives files to messages, `contents` says which bytes are in
//! use, `listing` what a room has, `pieces` what storage has of uploads.

mod attaching;
mod check;
mod contents;
mod listing;
mod pieces;
mod uploads;
mod usage;

pub(in crate::chat) use self::attaching::{delete_of_messages, lock_unposted, push_attachments};
pub use self::check::StorageCheck;
pub(super) use self::check::{
    check_later, has_contents, in_folder, last_check, messages_with, note_folder, start_check,
    unreadable,
};
pub(super) use self::contents::{Reservation, begin_deletion, end_deletion, next_unused, reserve};
pub(in crate::chat) use self::listing::messages_with_files;
pub(super) use self::listing::{posted, recent};
pub(super) use self::pieces::{add_piece, last_piece, pieces, restart};
pub(super) use self::uploads::{
    Admission, Arrival, Finished, announced, begin, discard_unposted, expired, extend, find,
    finish, owned, set_alt, set_poster, unposted, waiting,
};

pub use self::usage::{KindUsage, RoomUsage, TotalUsage, UserUsage};
pub(super) use self::usage::{stored, total_usage, usage_of_kinds, usage_of_rooms, usage_of_users};
use super::model::{
    AltText, Content, ContentHash, FileId, FileName, MediaType, StoredFile, UploadError,
};
use crate::db::column_type;
use crate::kernel::{MessageId, Timestamp, UserId};

column_type!(FileId as String, |id| id.as_str().to_owned(), |text| {
    Ok(Self::parse(&text).ok_or("not the id of a file")?)
});
column_type!(ContentHash as String, |hash| hash.as_str().to_owned(), |text| {
    Ok(Self::parse(&text).ok_or("not a hash")?)
});

impl From<sqlx::Error> for UploadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Service(error.into())
    }
}

/// The columns of a [`FileRow`].
macro_rules! FILE_COLUMNS {
    () => {
        "id, owner_id, message_id, name, alt, media_type, width, height, duration_ms, size, sent_size,
         hash, preview_hash, created_at"
    };
}
use FILE_COLUMNS;

#[derive(sqlx::FromRow)]
struct FileRow {
    id: FileId,
    owner_id: UserId,
    message_id: Option<MessageId>,
    name: String,
    alt: String,
    media_type: String,
    width: Option<i64>,
    height: Option<i64>,
    duration_ms: Option<i64>,
    size: i64,
    sent_size: i64,
    hash: ContentHash,
    preview_hash: Option<ContentHash>,
    created_at: Timestamp,
}

impl From<FileRow> for StoredFile {
    fn from(row: FileRow) -> Self {
        let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        Self {
            id: row.id,
            owner: row.owner_id,
            message: row.message_id,
            name: FileName::stored(&row.name),
            alt: AltText::parse(&row.alt),
            media_type: MediaType::parse(&row.media_type),
            width: small(row.width),
            height: small(row.height),
            duration_ms: row.duration_ms.and_then(|number| u64::try_from(number).ok()),
            sent_size: unsigned(row.sent_size),
            content: Content { hash: row.hash, size: unsigned(row.size) },
            preview: row.preview_hash,
            created_at: row.created_at,
        }
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Texts as rows of one column, for `jsonb_each`.
fn rows<T>(texts: &[T]) -> Vec<[&T; 1]> {
    texts.iter().map(|text| [text]).collect()
}
