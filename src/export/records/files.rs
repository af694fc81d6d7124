//! The records of the files of messages, and of their contents, whose bytes are beside the records.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{HIDDEN_ROOMS, ensure, ensure_exact};
use crate::chat::files::model::{AltText, Content, ContentHash, FileId, FileName, MediaType};
use crate::db::{Transaction, execute};
use crate::export::jsonl::{InsertError, Number, Record, Text};
use crate::kernel::Timestamp;

/// The bytes of files and of their previews: `files/HASH` in the export. Files with the same bytes share one.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct FileContent {
    /// Its SHA-256, hexadecimal.
    pub hash: Text,
    pub size: Number,
}

/// A query for the files of exported messages.
macro_rules! FROM_FILES {
    () => {
        concat!(
            "from files f join messages m on m.id = f.message_id
             where m.deleted_at is null and m.room_seq_key >> 32 not in ",
            HIDDEN_ROOMS!()
        )
    };
}

impl Record for FileContent {
    const FILE: &'static str = "contents.jsonl";
    const SELECT: &'static str = concat!(
        "select hash, size from contents where hash in (select f.hash ",
        FROM_FILES!(),
        " union select f.preview_hash ",
        FROM_FILES!(),
        ") order by hash"
    );
    const INSERT: &'static str = "insert into contents (hash, size) values ($1, $2)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        let content = self.content()?;
        Ok(execute!(transaction, Self::INSERT, content.hash.as_str(), self.size)?)
    }
}

impl FileContent {
    /// Whose bytes these are.
    ///
    /// # Errors
    /// If the hash or the size cannot be one.
    pub(in crate::export) fn content(&self) -> Result<Content, InsertError> {
        let hash = ContentHash::parse(&self.hash).zip(u64::try_from(self.size.0).ok());
        hash.map(|(hash, size)| Content { hash, size })
            .ok_or_else(|| InsertError::Invalid("hash or size is not that of a content".to_owned()))
    }
}

/// A file of a message.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct MessageFile {
    pub message_id: Number,
    /// Its place among the files of the message, from 0.
    pub position: Number,
    pub id: Text,
    pub owner_id: Number,
    pub name: Text,
    /// What it shows, in words.
    pub alt: Text,
    pub media_type: Text,
    pub width: Option<Number>,
    pub height: Option<Number>,
    pub duration_ms: Option<Number>,
    /// Its bytes when it was sent, before metadata was removed.
    pub sent_size: Number,
    pub hash: Text,
    pub preview_hash: Option<Text>,
    pub created_at: Timestamp,
}

impl Record for MessageFile {
    const FILE: &'static str = "files.jsonl";
    const SELECT: &'static str = concat!(
        "select f.message_id, f.position, f.id, f.owner_id, f.name, f.alt, f.media_type, f.width, f.height,
                f.duration_ms, f.sent_size, f.hash, f.preview_hash, f.created_at ",
        FROM_FILES!(),
        " order by f.message_id, f.position"
    );
    const INSERT: &'static str = "
        insert into files (message_id, position, id, owner_id, name, alt, kind, media_type, width, height,
                           duration_ms, sent_size, hash, preview_hash, created_at, size, room_id)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, c.size,
          coalesce((select t.parent_room_id from threads t where t.room_id = m.room_seq_key >> 32),
                   m.room_seq_key >> 32)
        from messages m join contents c on c.hash = $13 where m.id = $1 and m.deleted_at is null";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        ensure(FileId::parse(&self.id).is_some(), "id is not the id of a file")?;
        ensure_exact("name", &self.name, FileName::parse(&self.name).as_str())?;
        ensure_exact("alt", &self.alt, AltText::parse(&self.alt).as_str())?;
        let media_type = MediaType::parse(&self.media_type);
        ensure_exact("media_type", &self.media_type, media_type.as_str())?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.message_id,
            self.position,
            self.id,
            self.owner_id,
            self.name,
            self.alt,
            media_type.kind_name(),
            self.media_type,
            self.width,
            self.height,
            self.duration_ms,
            self.sent_size,
            self.hash,
            self.preview_hash,
            self.created_at,
        )?)
    }
}
