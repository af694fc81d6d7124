//! The record of a user.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{ensure, ensure_exact};
use crate::chat::accounts::model::{About, DisplayName, Email, Handle, StatusText};
use crate::db::{Transaction, execute};
use crate::export::jsonl::{Flag, InsertError, Number, Record, Text};
use crate::kernel::Emoji;
use crate::kernel::Timestamp;

/// A user, without the password.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub id: Number,
    pub name: Text,
    pub display_name: Text,
    pub email: Text,
    pub role: Text,
    pub bot: Flag,
    /// The picture is `avatars/NAME.jpg`.
    pub avatar: Option<Text>,
    pub created_at: Timestamp,
    pub deactivated_at: Option<Timestamp>,
    pub time_zone: Option<Text>,
    /// Earlier exports have none of the following.
    pub about: Option<Text>,
    /// One emoji; without it there is no status.
    pub status_emoji: Option<Text>,
    pub status_text: Option<Text>,
    pub status_until: Option<Timestamp>,
}

impl Record for User {
    const FILE: &'static str = "people.jsonl";
    const SELECT: &'static str = "
        select id, name, display_name, email, role, bot, avatar, created_at, deactivated_at, time_zone,
               about, status_emoji, status_text, status_until
        from users order by id";
    // An empty hash matches no password.
    const INSERT: &'static str = "
        insert into users (id, name, display_name, email, role, bot, avatar, created_at,
                           deactivated_at, time_zone, folded_name, skeleton, about, status_emoji,
                           status_text, status_until, password_hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, coalesce($13, ''), $14,
                coalesce($15, ''), $16, '')";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        let handle = self.check()?;
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.id,
            self.name,
            self.display_name,
            self.email,
            self.role,
            self.bot,
            self.avatar,
            self.created_at,
            self.deactivated_at,
            self.time_zone,
            handle.folded(),
            handle.skeleton(),
            self.about,
            self.status_emoji,
            self.status_text,
            self.status_until,
        )?)
    }
}

impl User {
    fn check(&self) -> Result<Handle, InsertError> {
        ensure(self.id.0 > 0, "id is 0")?;
        let handle = Handle::stored(&self.name)?;
        ensure_exact("name", &self.name, handle.as_str())?;
        let display_name = DisplayName::stored(&self.display_name)?;
        ensure_exact("display_name", &self.display_name, display_name.as_str())?;
        ensure_exact("email", &self.email, Email::parse(&self.email)?.as_str())?;
        let text = |text: &Option<Text>| text.as_deref().unwrap_or_default().to_owned();
        let about = text(&self.about);
        ensure_exact("about", &about, About::parse(&about)?.as_str())?;
        let status_text = text(&self.status_text);
        ensure_exact("status_text", &status_text, StatusText::parse(&status_text)?.as_str())?;
        if let Some(emoji) = self.status_emoji.as_deref() {
            ensure_exact("status_emoji", emoji, Emoji::parse(emoji)?.as_str())?;
        }
        // The value is used as a file name, so it must not contain a path.
        let is_name = |name: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            (1..=64).contains(&name.len()) && name.chars().all(is_plain)
        };
        let is_valid = self.avatar.as_deref().is_none_or(is_name);
        ensure(is_valid, "avatar is not the name of a picture")?;
        Ok(handle)
    }
}
