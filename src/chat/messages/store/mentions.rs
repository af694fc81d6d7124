//! Stored mentions. A mention is keyed by its message's room and `seq` (`pos`), so the unread mentions
//! of a user in a room are a key range.

use std::collections::{BTreeSet, HashMap};

use crate::chat::messages::mentions::HandleIndex;
use crate::chat::messages::model::Write;
use crate::db::{
    BatchResults, Db, StatementBatch, Transaction, json_rows, push_statement, reading, writing,
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
    if names(writes).is_empty() {
        return Ok(HandleIndex::default());
    }
    let users: Vec<(String, i64, String)> = results.rows()?;
    Ok(HandleIndex::new(
        users.into_iter().map(|(normalized, id, name)| (normalized, UserId(id), name)),
    ))
}

/// Stores which users are mentioned by the messages at these keys.
pub(super) fn store(statements: &mut StatementBatch, mentions: &[(UserId, RoomKey)]) {
    if mentions.is_empty() {
        return;
    }
    let mentions: Vec<(i64, i64)> =
        mentions.iter().map(|(user, pos)| (user.0, pos.get())).collect();
    push_statement!(statements, |query| {
        query
            .push(
                "insert into mentions (user_id, pos)
                 select cast(value ->> 0 as bigint), cast(value ->> 1 as bigint)
                 from jsonb_each(",
            )
            .push_bind(json_rows(&mentions))
            .push(")")
    });
}

/// Deletes a message's mentions and returns the users they were for.
pub(super) async fn remove(
    transaction: &mut Transaction,
    pos: RoomKey,
) -> Result<Vec<UserId>, sqlx::Error> {
    let removed: Vec<(i64,)> = writing!(*transaction, |connection| {
        sqlx::query_as("delete from mentions where pos = $1 returning user_id")
            .bind(pos.get())
            .fetch_all(connection)
            .await?
    });
    Ok(removed.into_iter().map(|(user,)| UserId(user)).collect())
}

/// The users mentioned by the messages at these keys.
pub(in crate::chat::messages) async fn mentioned(
    db: &Db,
    keys: &[RoomKey],
) -> Result<HashMap<RoomKey, Vec<UserId>>, sqlx::Error> {
    let keys: Vec<i64> = keys.iter().map(|key| key.get()).collect();
    let found: Vec<(i64, i64)> = reading!(db, |pool| {
        sqlx::query_as(
            "select pos, user_id from mentions
             where pos in (select cast(value as bigint) from jsonb_each($1)) order by pos, user_id",
        )
        .bind(json_rows(&keys))
        .fetch_all(pool)
        .await?
    });
    let mut mentioned: HashMap<RoomKey, Vec<UserId>> = HashMap::new();
    for (pos, user) in found {
        mentioned.entry(RoomKey::stored(pos)).or_default().push(UserId(user));
    }
    Ok(mentioned)
}
