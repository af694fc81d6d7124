//! The SQL of drafts.

use serde::{Deserialize, Serialize};

use super::model::{DraftState, NewDraft, StoredDraft};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::messages::model::Nonce;
use crate::chat::rooms::{GATE, READABLE_ROOMS};
use crate::db::{
    BatchResults, Db, StatementBatch, Transaction, execute, fetch_all, fetch_one, fetch_optional,
    fetch_optional_scalar, json_rows, push_statement,
};
use crate::kernel::{RoomId, UserId};
use crate::limits::user::{DRAFT_BYTES, DRAFTS};

/// What became of a draft.
#[derive(Debug)]
pub(super) enum Kept {
    Now(DraftState),
    /// It was stored already, or its nonce was used: the text was sent.
    Before,
    /// The user has too many drafts.
    Refused,
}

/// Whether the user may read the room of a draft.
macro_rules! IS_READABLE {
    ($user:literal) => {
        concat!(GATE!("drafts.room_id"), " in (", READABLE_ROOMS!($user), ")")
    };
}

/// Stores a draft, or deletes it if the text is blank. A draft without a nonce keeps its own, or gets the fresh one.
pub(super) async fn put(
    db: &Db,
    user: UserId,
    room: RoomId,
    draft: &NewDraft,
    fresh: &str,
    meta: ChangeMeta,
) -> Result<Kept, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if let Some(nonce) = &draft.nonce
        && !is_unused(&mut transaction, user, nonce).await?
    {
        return Ok(Kept::Before);
    }
    let changed = if draft.text.is_blank() {
        delete(&mut transaction, user, room).await?
    } else if make_space(&mut transaction, user, room, draft).await? {
        let stored = upsert(&mut transaction, user, room, draft, fresh, meta).await?;
        stored.map(DraftState::Stored)
    } else {
        return Ok(Kept::Refused);
    };
    let Some(state) = changed else { return Ok(Kept::Before) };
    changefeed::record(&mut transaction, meta, Change::Draft(room, user)).await?;
    transaction.commit().await?;
    Ok(Kept::Now(state))
}

/// Whether no message of the user was stored with this nonce. The insertion waits for a transaction that is just
/// storing one: else the draft of a sent text could stay.
async fn is_unused(
    transaction: &mut Transaction,
    user: UserId,
    nonce: &Nonce,
) -> Result<bool, sqlx::Error> {
    let inserted = execute!(
        transaction,
        "insert into idempotency_keys (nonce, author_id, message_id) values ($1, $2, 0)
         on conflict (nonce, author_id) do nothing",
        nonce.as_str(),
        user,
    )?;
    execute!(
        transaction,
        "delete from idempotency_keys where nonce = $1 and author_id = $2 and message_id = 0",
        nonce.as_str(),
        user,
    )?;
    Ok(inserted > 0)
}

/// Whether the user's drafts stay within the limits with this one. Those for rooms that they may not read any more are
/// kept for the day they come back, but give way. Two drafts at the same time may exceed the limits once.
async fn make_space(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    draft: &NewDraft,
) -> Result<bool, sqlx::Error> {
    if has_space(transaction, user, room, draft).await? {
        return Ok(true);
    }
    execute!(
        transaction,
        concat!("delete from drafts where user_id = $1 and not ", IS_READABLE!("$1")),
        user,
    )?;
    has_space(transaction, user, room, draft).await
}

async fn has_space(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    draft: &NewDraft,
) -> Result<bool, sqlx::Error> {
    let (others, bytes): (i64, i64) = fetch_one!(
        transaction,
        "select count(*), cast(coalesce(sum(octet_length(body)), 0) as bigint) from drafts
         where user_id = $1 and room_id <> $2",
        user,
        room,
    )?;
    let own = i64::try_from(draft.text.as_str().len()).unwrap_or(i64::MAX);
    Ok(others < DRAFTS && bytes.saturating_add(own) <= DRAFT_BYTES)
}

/// Returns `None` if there was no draft.
async fn delete(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
) -> Result<Option<DraftState>, sqlx::Error> {
    let deleted: Option<Option<String>> = fetch_optional_scalar!(
        transaction,
        "delete from drafts where user_id = $1 and room_id = $2 returning nonce",
        user,
        room,
    )?;
    Ok(deleted.map(|nonce| DraftState::Gone { nonce }))
}

/// Returns the draft; `None` if nothing changed.
async fn upsert(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    draft: &NewDraft,
    fresh: &str,
    meta: ChangeMeta,
) -> Result<Option<StoredDraft>, sqlx::Error> {
    fetch_optional!(
        transaction,
        "insert into drafts (user_id, room_id, body, reply_to, nonce, updated_at)
         values ($1, $2, $3, $4, coalesce($5, $7), $6)
         on conflict (user_id, room_id) do update set
           body = excluded.body, reply_to = excluded.reply_to,
           nonce = coalesce($5, drafts.nonce), updated_at = excluded.updated_at
         where drafts.body <> excluded.body or drafts.nonce <> coalesce($5, drafts.nonce)
           or drafts.reply_to is distinct from excluded.reply_to
         returning room_id, body, reply_to, nonce, updated_at",
        user,
        room,
        draft.text.as_str(),
        draft.reply_to,
        draft.nonce.as_ref().map(Nonce::as_str),
        meta.now,
        fresh,
    )
}

/// The user's draft for a room, if they may read the room.
pub(super) async fn find(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<Option<StoredDraft>, sqlx::Error> {
    fetch_optional!(
        db,
        concat!(
            "select room_id, body, reply_to, nonce, updated_at from drafts
             where user_id = $1 and room_id = $2 and ",
            IS_READABLE!("$1")
        ),
        user,
        room,
    )
}

/// The user's drafts for rooms that they may read, the newest first.
pub(super) async fn list(db: &Db, user: UserId) -> Result<Vec<StoredDraft>, sqlx::Error> {
    fetch_all!(
        db,
        concat!(
            "select room_id, body, reply_to, nonce, updated_at from drafts
             where user_id = $1 and ",
            IS_READABLE!("$1"),
            " order by updated_at desc, room_id"
        ),
        user,
    )
}

/// A message that is being stored. Its nonce identifies the draft that it was, in whichever room: the first reply of a
/// thread is posted to the room of the head.
#[derive(Debug, Serialize)]
pub(in crate::chat) struct Sent<'a> {
    pub user: UserId,
    pub nonce: &'a str,
}

/// The draft that a message was.
#[derive(Clone, Debug, sqlx::FromRow, Deserialize)]
pub(in crate::chat) struct SentDraft {
    #[sqlx(rename = "user_id")]
    #[serde(rename = "user_id")]
    pub user: UserId,
    #[sqlx(rename = "room_id")]
    #[serde(rename = "room_id")]
    pub room: RoomId,
    pub nonce: String,
}

/// Adds the query for the drafts that these messages were. [`read_sent`] reads its result.
pub(in crate::chat) fn push_sent(statements: &mut StatementBatch, sent: &[Sent<'_>]) {
    push_statement!(statements, |query| {
        query
            .push("select d.user_id, d.room_id, d.nonce from jsonb_each(")
            .push_bind(json_rows(sent))
            .push(
                ") sent
                 join drafts d on d.user_id = cast(sent.value ->> 'user' as bigint)
                 where d.nonce = sent.value ->> 'nonce'",
            )
    });
}

pub(in crate::chat) fn read_sent(
    results: &mut BatchResults,
) -> Result<Vec<SentDraft>, sqlx::Error> {
    results.rows()
}

/// Deletes the drafts that these messages were, records it, and returns them: in one statement, which only `PostgreSQL`
/// takes.
pub(in crate::chat) async fn delete_sent(
    transaction: &mut Transaction,
    sent: &[Sent<'_>],
    meta: ChangeMeta,
) -> Result<Vec<SentDraft>, sqlx::Error> {
    if sent.is_empty() {
        return Ok(Vec::new());
    }
    let deleted: Vec<SentDraft> = fetch_all!(
        transaction,
        "with gone as
           (delete from drafts d using jsonb_each($1) sent
            where d.user_id = cast(sent.value ->> 'user' as bigint) and d.nonce = sent.value ->> 'nonce'
            returning d.user_id, d.room_id, d.nonce),
         recorded as
           (insert into changes (process, kind, room_id, user_id, recorded_at)
            select $2, $3, room_id, user_id, $4 from gone)
         select user_id, room_id, nonce from gone",
        json_rows(sent),
        meta.process.0,
        Change::DRAFT,
        meta.now,
    )?;
    if !deleted.is_empty() {
        transaction.records_change();
    }
    Ok(deleted)
}

/// Adds the statements that delete these drafts and record it.
pub(in crate::chat) fn push_deletions(
    transaction: &mut Transaction,
    statements: &mut StatementBatch,
    drafts: &[SentDraft],
    meta: ChangeMeta,
) {
    for SentDraft { user, room, .. } in drafts {
        push_statement!(statements, |query| {
            query.push("delete from drafts where user_id = ").push_bind(*user);
            query.push(" and room_id = ").push_bind(*room)
        });
        let change = Change::Draft(*room, *user);
        changefeed::push_record(transaction, statements, meta, change);
    }
}
