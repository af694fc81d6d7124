//! Stored mentions. A mention is keyed by its message's room and `seq` (`pos`), so the unread mentions
//! of a user in a room are a key range.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;

use crate::chat::messages::mentions::{Audience, Handle, MentionIndex};
use crate::chat::messages::model::Write;
use crate::chat::messages::wide_mention::WideMention;
use crate::db::{
    BatchResults, Column, Db, PushGiven as _, StatementBatch, Transaction, execute, fetch_all,
    fetch_scalars, json_rows, push_statement,
};
use crate::kernel::ids::RoomKey;
use crate::kernel::{RoomId, UserId};

/// The words after an `@` in these writes with their rooms, each once.
fn names(writes: &[Write]) -> Vec<(RoomId, &str)> {
    let mut all = BTreeSet::new();
    for (room, names) in writes.iter().filter_map(Write::names) {
        all.extend(names.iter().map(|name| (room, name.as_str())));
    }
    all.into_iter().collect()
}

/// The rooms in which these writes mention many members at once.
fn wide(names: &[(RoomId, &str)]) -> BTreeSet<RoomId> {
    let is_wide = |(_, name): &&(RoomId, &str)| WideMention::parse(name).is_some();
    names.iter().filter(is_wide).map(|(room, _)| *room).collect()
}

/// Adds the queries whose results [`read`] reads. Closed accounts cannot be mentioned.
pub(super) fn push_lookups(statements: &mut StatementBatch, writes: &[Write]) {
    let names = names(writes);
    if names.is_empty() {
        return;
    }
    let columns = [
        ("room", Column::Numbers(names.iter().map(|(room, _)| room.0).collect())),
        ("name", Column::Texts(names.iter().map(|(_, name)| *name).collect())),
    ];
    push_statement!(statements, |query| {
        query
            .push(
                "select given.room, u.folded_name, u.id, u.name,
                   exists (select 1 from memberships m
                           where m.user_id = u.id and m.room_id in (given.room,
                             (select t.parent_room_id from threads t
                              where t.room_id = given.room))) as is_member
                 from ",
            )
            .push_given(&columns)
            .push(
                " join users u on u.folded_name = given.name
                 where u.deactivated_at is null",
            )
    });
    let rooms = wide(&names);
    if !rooms.is_empty() {
        let columns = [("room", Column::Numbers(rooms.iter().map(|room| room.0).collect()))];
        // The members as one text: thousands of rows would take longer.
        push_statement!(statements, |query| {
            query
                .push(
                    "select r.id, r.owner_id, r.wide_mentions_restricted = 1 as restricted,
                       (select string_agg(cast(m.user_id as text), ' ')
                        from memberships m join users u on u.id = m.user_id
                        where m.room_id = r.id and u.deactivated_at is null) as members
                     from ",
                )
                .push_given(&columns)
                .push(" join rooms r on r.id = given.room")
        });
    }
}

/// The handles among these words, as their users write them, by their normalized form.
pub(in crate::chat::messages) async fn handles(
    db: &Db,
    names: &[String],
) -> Result<HashMap<String, String>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct NameRow {
        folded_name: String,
        name: String,
    }
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let names: BTreeSet<[&str; 1]> = names.iter().map(|name| [name.as_str()]).collect();
    let rows: Vec<NameRow> = fetch_all!(
        db,
        "select folded_name, name from users where deactivated_at is null
         and folded_name in (select value ->> 0 from jsonb_each($1))",
        json_rows(&names.into_iter().collect::<Vec<_>>()),
    )?;
    Ok(rows.into_iter().map(|row| (row.folded_name, row.name)).collect())
}

/// What the words after an `@` in these writes mean, from the results of [`push_lookups`].
pub(super) fn read(
    results: &mut BatchResults,
    writes: &[Write],
) -> Result<MentionIndex, sqlx::Error> {
    #[derive(sqlx::FromRow, Deserialize)]
    struct HandleRow {
        room: RoomId,
        folded_name: String,
        id: UserId,
        name: String,
        is_member: bool,
    }
    #[derive(sqlx::FromRow, Deserialize)]
    struct AudienceRow {
        id: RoomId,
        owner_id: Option<UserId>,
        restricted: bool,
        members: Option<String>,
    }
    let names = names(writes);
    let mut index = MentionIndex::default();
    if names.is_empty() {
        return Ok(index);
    }
    for row in results.rows::<HandleRow>()? {
        let HandleRow { room, folded_name, id: user, name, is_member } = row;
        let handle = Handle { user, name, is_member };
        index.handles.entry(room).or_default().insert(folded_name, handle);
    }
    if wide(&names).is_empty() {
        return Ok(index);
    }
    for row in results.rows::<AudienceRow>()? {
        let members = row.members.unwrap_or_default();
        let members = members.split(' ').filter_map(|id| id.parse().map(UserId).ok()).collect();
        let audience = Audience { owner: row.owner_id, restricted: row.restricted, members };
        index.audiences.insert(row.id, audience);
    }
    Ok(index)
}

/// A user who is mentioned by the message at this key.
pub(super) struct Mention {
    pub user: UserId,
    pub room_seq_key: RoomKey,
}

/// Stores who is mentioned.
pub(super) fn store(statements: &mut StatementBatch, mentions: &[Mention]) {
    if mentions.is_empty() {
        return;
    }
    let columns = [
        ("reader", Column::Numbers(mentions.iter().map(|mention| mention.user.0).collect())),
        ("message", Column::Numbers(mentions.iter().map(|m| m.room_seq_key.get()).collect())),
    ];
    // There may be too many for `values`.
    push_statement!(statements, |query| {
        query
            .push("insert into mentions (user_id, room_seq_key) select reader, message from ")
            .push_given(&columns)
    });
}

/// Changes who is mentioned by a message to these users, and returns those who were not before. With `keeps`, those who
/// were stay mentioned. Writes the difference only: `@room` mentions thousands, and an edit seldom changes whom.
pub(super) async fn replace(
    transaction: &mut Transaction,
    room_seq_key: RoomKey,
    mut mentioned: Vec<UserId>,
    keeps: bool,
) -> Result<Vec<UserId>, sqlx::Error> {
    let before: Vec<UserId> = fetch_scalars!(
        transaction,
        "select user_id from mentions where room_seq_key = $1",
        room_seq_key,
    )?;
    let before: HashSet<UserId> = before.into_iter().collect();
    if !keeps {
        let now: HashSet<UserId> = mentioned.iter().copied().collect();
        let gone: Vec<UserId> = before.difference(&now).copied().collect();
        if !gone.is_empty() {
            execute!(
                transaction,
                "delete from mentions where room_seq_key = $1
                   and user_id in (select cast(value as bigint) from jsonb_each($2))",
                room_seq_key,
                json_rows(&gone),
            )?;
        }
    }
    mentioned.retain(|user| !before.contains(user));
    let mentions: Vec<_> =
        mentioned.iter().map(|user| Mention { user: *user, room_seq_key }).collect();
    let mut statements = StatementBatch::of(transaction);
    store(&mut statements, &mentions);
    statements.run(transaction).await?;
    Ok(mentioned)
}

/// Deletes a message's mentions.
pub(super) async fn remove(
    transaction: &mut Transaction,
    message: RoomKey,
) -> Result<(), sqlx::Error> {
    execute!(transaction, "delete from mentions where room_seq_key = $1", message)?;
    Ok(())
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
