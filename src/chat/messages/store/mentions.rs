//! Whom messages mention. A row belongs to a message's place, so that what is unread of them is a range.

use std::collections::{BTreeSet, HashMap};

use crate::chat::messages::mentions::HandleIndex;
use crate::chat::messages::model::Write;
use crate::db::{
    BatchResults, Db, StatementBatch, Transaction, json_rows, push_statement, reading, writing,
};
use crate::kernel::UserId;
use crate::kernel::ids::RoomKey;

/// The names that may be somebody's, each once.
fn names(writes: &[Write]) -> Vec<[&str; 1]> {
    let names: BTreeSet<&str> = writes.iter().flat_map(Write::names).map(String::as_str).collect();
    names.into_iter().map(|name| [name]).collect()
}

/// Asks for what [`read`] reads. Closed accounts are not mentioned.
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

/// Who is called by the names in these writes, from the answer to what [`ask`] asked.
pub(super) fn read(
    answers: &mut BatchResults,
    writes: &[Write],
) -> Result<HandleIndex, sqlx::Error> {
    if names(writes).is_empty() {
        return Ok(HandleIndex::default());
    }
    let people: Vec<(String, i64, String)> = answers.rows()?;
    Ok(HandleIndex::new(people.into_iter().map(|(folded, id, name)| (folded, UserId(id), name))))
}

/// Notes who is mentioned at which places of messages.
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

/// Forgets whom a message mentioned, and says who that was.
pub(super) async fn remove(
    change: &mut Transaction,
    pos: RoomKey,
) -> Result<Vec<UserId>, sqlx::Error> {
    let forgotten: Vec<(i64,)> = writing!(*change, |connection| {
        sqlx::query_as("delete from mentions where pos = $1 returning user_id")
            .bind(pos.get())
            .fetch_all(connection)
            .await?
    });
    Ok(forgotten.into_iter().map(|(user,)| UserId(user)).collect())
}

/// Who is mentioned at these places.
pub(in crate::chat::messages) async fn mentioned(
    db: &Db,
    places: &[RoomKey],
) -> Result<HashMap<RoomKey, Vec<UserId>>, sqlx::Error> {
    let places: Vec<i64> = places.iter().map(|place| place.get()).collect();
    let found: Vec<(i64, i64)> = reading!(db, |pool| {
        sqlx::query_as(
            "select pos, user_id from mentions
             where pos in (select cast(value as bigint) from jsonb_each($1)) order by pos, user_id",
        )
        .bind(json_rows(&places))
        .fetch_all(pool)
        .await?
    });
    let mut mentioned: HashMap<RoomKey, Vec<UserId>> = HashMap::new();
    for (pos, user) in found {
        mentioned.entry(RoomKey::stored(pos)).or_default().push(UserId(user));
    }
    Ok(mentioned)
}
