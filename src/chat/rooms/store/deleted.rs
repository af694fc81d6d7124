//! Deleted rooms: their former state, restoring and purging them.

use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit::{self, model::Action};
use crate::chat::names::{model::Subject, store as names};
use crate::chat::rooms::model::{RoomSummary, Visibility};
use crate::db::{Db, Transaction, reading, writing};
use crate::jobs::model::Job;
use crate::kernel::{RoomId, Timestamp, UserId};
use crate::limits::deletion::ROOM_RESTORABLE;
use crate::{changefeed, jobs};

/// A deleted room. `purging`: it can no longer be restored, and its messages are being deleted.
pub(in crate::chat::rooms) struct Tombstone {
    pub id: RoomId,
    pub name: String,
    pub visibility: Visibility,
    pub deleted_by: UserId,
    pub deleted_at: Timestamp,
    pub purging: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    room_id: i64,
    name: String,
    visibility: String,
    deleted_by: i64,
    deleted_at: i64,
    purged_at: Option<i64>,
}

impl From<Row> for Tombstone {
    fn from(row: Row) -> Self {
        Self {
            id: RoomId(row.room_id),
            name: row.name,
            visibility: Visibility::from_column(&row.visibility),
            deleted_by: UserId(row.deleted_by),
            deleted_at: Timestamp(row.deleted_at),
            purging: row.purged_at.is_some(),
        }
    }
}

macro_rules! select_deleted {
    ($rest:literal) => {
        concat!(
            "select d.room_id, r.name, d.visibility, d.deleted_by, d.deleted_at, d.purged_at
             from deleted_rooms d join rooms r on r.id = d.room_id ",
            $rest
        )
    };
}

pub(in crate::chat::rooms) async fn deleted(
    db: &Db,
    room: RoomId,
) -> Result<Option<Tombstone>, sqlx::Error> {
    let row: Option<Row> = reading!(db, |pool| {
        sqlx::query_as(select_deleted!("where d.room_id = $1"))
            .bind(room.0)
            .fetch_optional(pool)
            .await?
    });
    Ok(row.map(Tombstone::from))
}

/// The rooms that this user deleted and that are not being purged, the last deleted first.
pub(in crate::chat::rooms) async fn deleted_by(
    db: &Db,
    user: UserId,
) -> Result<Vec<Tombstone>, sqlx::Error> {
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(select_deleted!(
            "where d.deleted_by = $1 and d.purged_at is null order by d.deleted_at desc"
        ))
        .bind(user.0)
        .fetch_all(pool)
        .await?
    });
    Ok(rows.into_iter().map(Tombstone::from).collect())
}

/// All deleted rooms that are not being purged.
pub(in crate::chat::rooms) async fn all_deleted(db: &Db) -> Result<Vec<RoomId>, sqlx::Error> {
    let rows: Vec<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select room_id from deleted_rooms where purged_at is null")
            .fetch_all(pool)
            .await?
    });
    Ok(rows.into_iter().map(|(id,)| RoomId(id)).collect())
}

/// Whether the user could read the room until it was deleted.
pub(in crate::chat::rooms) async fn had_been_visible(
    db: &Db,
    room: RoomId,
    user: UserId,
) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as(
            "select room_id from deleted_rooms d where room_id = $1 and (visibility = 'public'
               or exists (select 1 from deleted_memberships m
                          where m.room_id = d.room_id and m.user_id = $2))",
        )
        .bind(room.0)
        .bind(user.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(found.is_some())
}

/// The state of a room, read under a lock: no one can join, leave or post until the transaction ends.
#[derive(sqlx::FromRow)]
struct LockedRoom {
    name: String,
    folded_name: String,
    visibility: String,
    lobby: i64,
    owner_id: Option<i64>,
    code: Option<String>,
}

async fn lock(
    transaction: &mut Transaction,
    room: RoomId,
) -> Result<Option<LockedRoom>, sqlx::Error> {
    Ok(writing!(*transaction, |connection| {
        sqlx::query_as(
            "update rooms set rev = rev where id = $1
             returning name, folded_name, visibility, lobby, owner_id, code",
        )
        .bind(room.0)
        .fetch_optional(connection)
        .await?
    }))
}

/// Runs one statement with the room id as its parameter.
async fn execute_for(
    transaction: &mut Transaction,
    sql: &'static str,
    room: RoomId,
) -> Result<u64, sqlx::Error> {
    Ok(writing!(*transaction, |connection| {
        sqlx::query(sql).bind(room.0).execute(connection).await?.rows_affected()
    }))
}

/// Deletes a room. Returns false if it is already deleted, or may not be deleted.
pub(in crate::chat::rooms) async fn delete(
    db: &Db,
    room: RoomId,
    actor: UserId,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let Some(before) = lock(&mut transaction, room).await? else { return Ok(false) };
    if before.lobby != 0 || before.visibility == "direct" {
        return Ok(false);
    }
    execute_for(
        &mut transaction,
        "update rooms set visibility = 'private', owner_id = null, code = null where id = $1",
        room,
    )
    .await?;
    let deleted = writing!(transaction, |connection| {
        sqlx::query(
            "insert into deleted_rooms
               (room_id, visibility, folded_name, code, owner_id, deleted_by, deleted_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (room_id) do nothing",
        )
        .bind(room.0)
        .bind(&before.visibility)
        .bind(&before.folded_name)
        .bind(&before.code)
        .bind(before.owner_id)
        .bind(actor.0)
        .bind(meta.now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    if deleted == 0 {
        return Ok(false);
    }
    execute_for(
        &mut transaction,
        "insert into deleted_memberships (room_id, user_id, last_read_seq, joined_at)
         select room_id, user_id, last_read_seq, joined_at from memberships where room_id = $1",
        room,
    )
    .await?;
    execute_for(&mut transaction, "delete from memberships where room_id = $1", room).await?;
    changefeed::record(&mut transaction, meta, Change::Room(room)).await?;
    jobs::enqueue(&mut transaction, Job::PurgeRoom(room), meta.now.plus(ROOM_RESTORABLE)).await?;
    let action = Action::DeleteRoom { room: (room, &before.name) };
    audit::record(&mut transaction, (Some(actor), meta.now), action).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Restores a deleted room. Returns false if it is not deleted, or is being purged.
pub(in crate::chat::rooms) async fn restore(
    db: &Db,
    room: RoomId,
    actor: UserId,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    type DeletedRow = (String, Option<String>, Option<i64>);
    let mut transaction = db.begin().await?;
    let Some(room_row) = lock(&mut transaction, room).await? else { return Ok(false) };
    let deleted_row: Option<DeletedRow> = writing!(transaction, |connection| {
        sqlx::query_as(
            "delete from deleted_rooms where room_id = $1 and purged_at is null
             returning visibility, code, owner_id",
        )
        .bind(room.0)
        .fetch_optional(connection)
        .await?
    });
    let Some((visibility, code, owner)) = deleted_row else { return Ok(false) };
    writing!(transaction, |connection| {
        sqlx::query("update rooms set visibility = $2, code = $3, owner_id = $4 where id = $1")
            .bind(room.0)
            .bind(visibility)
            .bind(code)
            .bind(owner)
            .execute(connection)
            .await?
            .rows_affected()
    });
    execute_for(
        &mut transaction,
        "insert into memberships (room_id, user_id, last_read_seq, joined_at)
         select room_id, user_id, last_read_seq, joined_at from deleted_memberships
         where room_id = $1",
        room,
    )
    .await?;
    execute_for(&mut transaction, "delete from deleted_memberships where room_id = $1", room)
        .await?;
    changefeed::record(&mut transaction, meta, Change::Room(room)).await?;
    // The account of the former owner may have been closed since the deletion.
    if let Some(owner) = owner {
        jobs::enqueue(&mut transaction, Job::ReassignRooms(UserId(owner)), meta.now).await?;
    }
    let action = Action::RestoreRoom { room: (room, &room_row.name) };
    audit::record(&mut transaction, (Some(actor), meta.now), action).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Ends the time in which a room can be restored, if it was deleted at `then` or before.
pub(in crate::chat::rooms) async fn begin_purge(
    db: &Db,
    room: RoomId,
    (now, deleted_before): (Timestamp, Timestamp),
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock(&mut transaction, room).await?;
    let started = writing!(transaction, |connection| {
        sqlx::query(
            "update deleted_rooms set purged_at = coalesce(purged_at, $2)
             where room_id = $1 and deleted_at <= $3",
        )
        .bind(room.0)
        .bind(now.0)
        .bind(deleted_before.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await?;
    Ok(started > 0)
}

/// Clears everything of a room except its id.
pub(in crate::chat::rooms) async fn finish_purge(db: &Db, room: RoomId) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    names::record(&mut transaction, Subject::Room(room), &[]).await?;
    execute_for(
        &mut transaction,
        "update rooms set name = '', folded_name = '', topic = '', last_seq = 0 where id = $1",
        room,
    )
    .await?;
    execute_for(
        &mut transaction,
        "update deleted_rooms set folded_name = '', code = null, owner_id = null where room_id = $1",
        room,
    )
    .await?;
    execute_for(&mut transaction, "delete from deleted_memberships where room_id = $1", room)
        .await?;
    transaction.commit().await
}

/// All rooms except direct messages, including deleted ones that can still be restored, by name.
pub(in crate::chat::rooms) async fn summaries(db: &Db) -> Result<Vec<RoomSummary>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i64,
        name: String,
        visibility: String,
        lobby: i64,
        owner: Option<String>,
        owner_name: Option<String>,
        members: i64,
        messages: i64,
        deleted_at: Option<i64>,
    }
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select r.id, r.name, coalesce(d.visibility, r.visibility) as visibility, r.lobby,
                    o.name as owner, o.display_name as owner_name,
                    (select count(*) from memberships m where m.room_id = r.id)
                      + (select count(*) from deleted_memberships g where g.room_id = r.id) as members,
                    r.last_seq as messages, d.deleted_at
             from rooms r
             left join deleted_rooms d on d.room_id = r.id
             left join users o on o.id = coalesce(d.owner_id, r.owner_id)
             where r.visibility <> 'direct' and d.purged_at is null
             order by r.lobby desc, r.folded_name, r.id",
        )
        .fetch_all(pool)
        .await?
    });
    let summary = |row: Row| RoomSummary {
        id: RoomId(row.id),
        name: row.name,
        visibility: Visibility::from_column(&row.visibility),
        lobby: row.lobby != 0,
        owner: row.owner.zip(row.owner_name),
        members: row.members,
        messages: row.messages,
        deleted_at: row.deleted_at.map(Timestamp),
    };
    Ok(rows.into_iter().map(summary).collect())
}
