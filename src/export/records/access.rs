//! The records of secrets: credentials, room codes and idempotency keys. Only a full export has them.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{HIDDEN_ROOMS, ensure};
use crate::chat::messages::model::Nonce;
use crate::chat::rooms::model::Code;
use crate::db::{Transaction, execute};
use crate::export::jsonl::{InsertError, Number, Record, Sha256, Text};
use crate::kernel::Timestamp;

/// The password of a user.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Password {
    pub user_id: Number,
    /// Argon2id, as a PHC string.
    pub hash: Text,
}

impl Record for Password {
    const FILE: &'static str = "secrets/passwords.jsonl";
    const SELECT: &'static str = "
        select id as user_id, password_hash as hash from users where password_hash <> '' order by id";
    const INSERT: &'static str = "update users set password_hash = $2 where id = $1";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Ok(execute!(transaction, Self::INSERT, self.user_id, self.hash)?)
    }
}

/// The code of a room.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct RoomCode {
    pub room_id: Number,
    pub code: Text,
}

impl Record for RoomCode {
    const FILE: &'static str = "secrets/codes.jsonl";
    const SELECT: &'static str = "
        select id as room_id, code from rooms where code is not null order by id";
    const INSERT: &'static str = "update rooms set code = $2 where id = $1";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        let is_valid = Code::parse(&self.code).is_some_and(|code| code.as_str() == &*self.code);
        ensure(is_valid, "it is not a room code")?;
        Ok(execute!(transaction, Self::INSERT, self.room_id, self.code)?)
    }
}

/// A session of a user. Anonymous ones are not exported, nor is the data of any.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct Session {
    pub hash: Sha256,
    pub user_id: Number,
    pub agent: Text,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Record for Session {
    const FILE: &'static str = "secrets/sessions.jsonl";
    const SELECT: &'static str = "
        select hash, user_id, agent, created_at, expires_at from sessions
        where user_id is not null order by hash";
    const INSERT: &'static str = "
        insert into sessions (hash, user_id, agent, created_at, expires_at)
        values ($1, $2, $3, $4, $5)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.hash,
            self.user_id,
            self.agent,
            self.created_at,
            self.expires_at,
        )?)
    }
}

/// An API token.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct ApiToken {
    pub hash: Sha256,
    pub user_id: Number,
    pub label: Text,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

impl Record for ApiToken {
    const FILE: &'static str = "secrets/tokens.jsonl";
    const SELECT: &'static str = "
        select hash, user_id, label, created_at, expires_at, last_used_at from tokens order by hash";
    const INSERT: &'static str = "
        insert into tokens (hash, user_id, label, created_at, expires_at, last_used_at)
        values ($1, $2, $3, $4, $5, $6)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.hash,
            self.user_id,
            self.label,
            self.created_at,
            self.expires_at,
            self.last_used_at,
        )?)
    }
}

/// A link for choosing a password.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    pub hash: Sha256,
    pub user_id: Number,
    pub expires_at: Timestamp,
    pub made_by: Option<Number>,
}

impl Record for PasswordReset {
    const FILE: &'static str = "secrets/resets.jsonl";
    const SELECT: &'static str = "
        select hash, user_id, expires_at, made_by from password_resets order by hash";
    const INSERT: &'static str = "
        insert into password_resets (hash, user_id, expires_at, made_by) values ($1, $2, $3, $4)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Ok(execute!(
            transaction,
            Self::INSERT,
            self.hash,
            self.user_id,
            self.expires_at,
            self.made_by,
        )?)
    }
}

/// The nonce with which a message was posted.
#[derive(Serialize, Deserialize, FromRow)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyKey {
    pub nonce: Text,
    pub author_id: Number,
    pub message_id: Number,
}

impl Record for IdempotencyKey {
    const FILE: &'static str = "secrets/sends.jsonl";
    const SELECT: &'static str = concat!(
        "
        select nonce, author_id, message_id from idempotency_keys
        where message_id in (select id from messages
                             where room_seq_key >> 32 not in ",
        HIDDEN_ROOMS!(),
        ")
        order by nonce, author_id"
    );
    const INSERT: &'static str = "
        insert into idempotency_keys (nonce, author_id, message_id) values ($1, $2, $3)";

    async fn insert(self, transaction: &mut Transaction) -> Result<u64, InsertError> {
        Nonce::parse(&self.nonce)?;
        Ok(execute!(transaction, Self::INSERT, self.nonce, self.author_id, self.message_id,)?)
    }
}
