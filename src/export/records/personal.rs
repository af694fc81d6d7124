//! The records of what users keep for themselves. Drafts were never sent, so only a full export has them.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{HIDDEN_ROOMS, ensure};
use crate::chat::messages::model::Nonce;
use crate::db::{Transaction, execute};
use crate::export::jsonl::{InsertError, Number, Record, Text};
use crate::kernel::Timestamp;
use crate::limits::user::DRAFT_CHARACTERS;

/// A message that a user has saved.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct SavedMessage {
    pub user_id: Number,
    pub message_id: Number,
    pub saved_at: Timestamp,
}

impl Record for SavedMessage {
    const FILE: &'static str = "saved.jsonl";
    const SELECT: &'static str = concat!(
        "
        select user_id, message_id, saved_at from saved_messages
        where message_id in (select id from messages
                             where room_seq_key >> 32 not in ",
        HIDDEN_ROOMS!(),
        ")
        order by user_id, saved_at, message_id"
    );
    const INSERT: &'static str = "
        insert into saved_messages (user_id, message_id, saved_at) values ($1, $2, $3)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Ok(execute!(transaction, Self::INSERT, self.user_id, self.message_id, self.saved_at)?)
    }
}

/// Text in a composer that was not sent.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    pub user_id: Number,
    pub room_id: Number,
    pub body: Text,
    pub reply_to: Option<Number>,
    pub nonce: Option<Text>,
    pub updated_at: Timestamp,
}

impl Record for Draft {
    const FILE: &'static str = "secrets/drafts.jsonl";
    const SELECT: &'static str = concat!(
        "
        select user_id, room_id, body, reply_to, nonce, updated_at from drafts
        where room_id not in ",
        HIDDEN_ROOMS!(),
        "
        order by user_id, room_id"
    );
    const INSERT: &'static str = "
        insert into drafts (user_id, room_id, body, reply_to, nonce, updated_at)
        values ($1, $2, $3, $4, $5, $6)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        ensure(self.body.chars().count() <= DRAFT_CHARACTERS, "body is too long")?;
        if let Some(nonce) = &self.nonce {
            Nonce::parse(nonce)?;
        }
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.user_id,
            self.room_id,
            self.body,
            self.reply_to,
            self.nonce,
            self.updated_at,
        )?)
    }
}
