//! Stored mentions. A mention is keyed by its message's room and `seq` (`pos`), so the unread mentions
//! of a user in a room are a key range.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::chat::messages::mentions::{Handle, HandleIndex};
use crate::chat::messages::model::Write;
use crate::db::{
    BatchResults, Db, StatementBatch, Transaction, fetch_all, fetch_scalars, json_rows,
    push_statement,
};
use crate::kernel::UserId;
use crate::kernel::ids::RoomKey;

/// The words after an `@` in these writes, each once.
fn names(writes: &[Write]) -> Vec<[&str; 1]> {
    let names: BTreeSet<&str> = writes.iter().flat_map(Write::names).map(String::as_str).collect();
    names.into_iter().map(|name| [name]).collect()
}

/// Adds the query whose result [`read`] reads. Closed accounts cannot be mentioned.
pub(super) fn push_lookups(statements: &mut StatementBatch, writes: &[Write]) {
    let names = names(writes);
    if !names.is_empty() {
        push_statement!(statements, |query| {
            query
                .push("select folded_name, id, name from users where deactivated_at is null")
                .push(" and folded_name in (select value ->> 0 from jsonb_each(")
                .push_bind(json_rows(&names))
                .push("))")
        });
    }
}

/// The handles in these writes, from the result of [`push_lookups`].
pub(super) fn read(
    results: &mut BatchResults,
    writes: &[Write],
) -> Result<HandleIndex, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct HandleRow {
        folded_name: String,
        id: UserId,
        name: String,
    }
    if names(writes).is_empty() {
        return Ok(HandleIndex::default());
    }
    let rows: Vec<HandleRow> = results.rows()?;
    let handle = |row: HandleRow| (row.folded_name, Handle { user: row.id, name: row.name });
    Ok(rows.into_iter().map(handle).collect())
}

/// A user who is mentioned by the message at this key.
#[derive(Serialize)]
pub(super) struct Mention {
    pub user: UserId,
    pub room_seq_key: RoomKey,
}

/// Stores who is mentioned.
pub(super) fn store(statements: &mut StatementBatch, mentions: &[Mention]) {
    if mentions.is_empty() {
        return;
    }
    push_statement!(statements, |query| {
        query
            .push(
                "insert into mentions (user_id, room_seq_key)
                 select cast(value ->> 'user' as bigint), cast(value ->> 'room_seq_key' as bigint)
                 from jsonb_each(",
            )
            .push_bind(json_rows(mentions))
            .push(")")
    });
}

/// Deletes a message's mentions and returns the users they were for.
pub(super) async fn remove(
    transaction: &mut Transaction,
    message: RoomKey,
) -> Result<Vec<UserId>, sqlx::Error> {
    fetch_scalars!(
        transaction,
        "delete from mentions where room_seq_key = $1 returning user_id",
        message
    )
}

/// The users mentioned by the messages at these keys.
pub(in crate::chat::messages) async fn mentioned(
    db: &Db,
    keys: &[RoomKey],
) -> Result<HashMap<RoomKey, Vec<UserId>>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct MentionRow {
        room_seq_key: RoomKey,
        user_id: UserId,
    }
    let rows: Vec<MentionRow> = fetch_all!(
        db,
        "select room_seq_key, user_id from mentions
         where room_seq_key in (select cast(value as bigint) from jsonb_each($1)) order by room_seq_key, user_id",
        json_rows(keys),
    )?;
    let mut mentioned: HashMap<RoomKey, Vec<UserId>> = HashMap::new();
    for MentionRow { room_seq_key, user_id } in rows {
        mentioned.entry(room_seq_key).or_default().push(user_id);
    }
    Ok(mentioned)
}
