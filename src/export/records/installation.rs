//! The records of settings, of custom emoji and of the audit log.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{ensure, ensure_exact};
use crate::chat::emoji::model::{EmojiImage, EmojiName};
use crate::db::{Transaction, execute};
use crate::export::jsonl::{Base64, InsertError, Number, Record, Text};
use crate::kernel::Timestamp;

/// A setting of the installation.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub name: Text,
    pub value: Text,
}

impl Record for Setting {
    const FILE: &'static str = "settings.jsonl";
    const SELECT: &'static str = "
        select name, value from settings
        where name not in ('collation', 'epoch', 'oldest_version', 'search_below', 'search_words')
        order by name";
    const INSERT: &'static str = "
        insert into settings (name, value) values ($1, $2)
        on conflict (name) do update set value = excluded.value";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        for own in ["epoch", "oldest_version"] {
            ensure(*self.name != *own, &format!("{own} cannot be imported"))?;
        }
        Ok(execute!(transaction, Self::INSERT, self.name, self.value)?)
    }
}

/// A custom emoji.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct CustomEmoji {
    pub name: Text,
    /// A PNG.
    pub image: Base64,
    pub created_at: Timestamp,
}

impl Record for CustomEmoji {
    const FILE: &'static str = "emoji.jsonl";
    const SELECT: &'static str = "select name, image, created_at from emoji order by name";
    const INSERT: &'static str = "
        insert into emoji (name, version, image, created_at) values ($1, $2, $3, $4)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        ensure_exact("name", &self.name, EmojiName::parse(&self.name)?.as_str())?;
        let image = EmojiImage::stored(self.image.into())
            .ok_or(InsertError::Invalid("image is not a small PNG".to_owned()))?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.name,
            image.version(),
            image.as_bytes(),
            self.created_at,
        )?)
    }
}

/// An entry of the audit log.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    pub id: Number,
    pub at: Timestamp,
    pub actor_id: Option<Number>,
    pub action: Text,
    pub subject_kind: Text,
    pub subject_id: Option<Number>,
    pub subject_name: Option<Text>,
    /// A JSON object.
    pub detail: Text,
}

impl Record for AuditEntry {
    const FILE: &'static str = "audit.jsonl";
    const SELECT: &'static str = "
        select id, at, actor_id, action, subject_kind, subject_id, subject_name, detail
        from audit order by id";
    const INSERT: &'static str = "
        insert into audit (id, at, actor_id, action, subject_kind, subject_id, subject_name, detail)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        let detail = serde_json::from_str::<serde_json::Map<_, _>>(&self.detail);
        ensure(detail.is_ok(), "detail is not a JSON object")?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.id,
            self.at,
            self.actor_id,
            self.action,
            self.subject_kind,
            self.subject_id,
            self.subject_name,
            self.detail,
        )?)
    }
}
