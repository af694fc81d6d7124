//! Tombstone rooms: what they were, and putting them back.

use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit::{self, model::Action};
use crate::chat::names::{model::Subject, store as names};
use crate::chat::rooms::model::{RoomSummary, Visibility};
use crate::db::{Db, Transaction, reading, writing};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::{RoomId, Timestamp, UserId};
use crate::limits::deletion::ROOM_RESTORABLE;

/// A room that is deleted, and maybe being purged.
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

/// Those that somebody deleted, the last one first.
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

/// Those that can still be restored.
pub(in crate::chat::rooms) async fn all_deleted(db: &Db) -> Result<Vec<RoomId>, sqlx::Error> {
    let rows: Vec<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select room_id from deleted_rooms where purged_at is null")
            .fetch_all(pool)
            .await?
    });
    Ok(rows.into_iter().map(|(id,)| RoomId(id)).collect())
}

/// Whether somebody could read a room until it was deleted.
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

/// What a room is, read under a lock: nobody comes, goes or posts until the change ends.
#[derive(sqlx::FromRow)]
struct Standing {
    name: String,
    folded_name: String,
    visibility: String,
    lobby: i64,
    owner_id: Option<i64>,
    code: Option<String>,
}

async fn lock(change: &mut Transaction, room: RoomId) -> Result<Option<Standing>, sqlx::Error> {
    Ok(writing!(*change, |connection| {
        sqlx::query_as(
            "update rooms set rev = rev where id = $1
             returning name, folded_name, visibility, lobby, owner_id, code",
        )
        .bind(room.0)
        .fetch_optional(connection)
        .await?
    }))
}

/// Runs one statement about a room.
async fn about(
    change: &mut Transaction,
    sql: &'static str,
    room: RoomId,
) -> Result<u64, sqlx::Error> {
    Ok(writing!(*change, |connection| {
        sqlx::query(sql).bind(room.0).execute(connection).await?.rows_affected()
    }))
}

/// Deletes a room. False when it is deleted already, or one that is not deleted.
pub(in crate::chat::rooms) async fn delete(
    db: &Db,
    room: RoomId,
    actor: UserId,
    stamp: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    let Some(was) = lock(&mut change, room).await? else { return Ok(false) };
    if was.lobby != 0 || was.visibility == "direct" {
        return Ok(false);
    }
    about(
        &mut change,
        "update rooms set visibility = 'private', owner_id = null, code = null where id = $1",
        room,
    )
    .await?;
    let deleted = writing!(change, |connection| {
        sqlx::query(
            "insert into deleted_rooms
               (room_id, visibility, folded_name, code, owner_id, deleted_by, deleted_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (room_id) do nothing",
        )
        .bind(room.0)
        .bind(&was.visibility)
        .bind(&was.folded_name)
        .bind(&was.code)
        .bind(was.owner_id)
        .bind(actor.0)
        .bind(stamp.now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    if deleted == 0 {
        return Ok(false);
    }
    about(
        &mut change,
        "insert into deleted_memberships (room_id, user_id, last_read_seq, joined_at)
         select room_id, user_id, last_read_seq, joined_at from memberships where room_id = $1",
        room,
    )
    .await?;
    about(&mut change, "delete from memberships where room_id = $1", room).await?;
    changefeed::record(&mut change, stamp, Change::Room(room)).await?;
    jobs::enqueue(&mut change, Job::PurgeRoom(room), stamp.now.plus(ROOM_RESTORABLE)).await?;
    let action = Action::DeleteRoom { room: (room, &was.name) };
    audit::record(&mut change, (Some(actor), stamp.now), action).await?;
    change.commit().await?;
    Ok(true)
}

/// Puts a deleted room back. False when there is none, or it is being purged.
pub(in crate::chat::rooms) async fn restore(
    db: &Db,
    room: RoomId,
    actor: UserId,
    stamp: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    type DeletedRow = (String, Option<String>, Option<i64>);
    let mut change = db.begin().await?;
    let Some(now) = lock(&mut change, room).await? else { return Ok(false) };
    let was: Option<DeletedRow> = writing!(change, |connection| {
        sqlx::query_as(
            "delete from deleted_rooms where room_id = $1 and purged_at is null
             returning visibility, code, owner_id",
        )
        .bind(room.0)
        .fetch_optional(connection)
        .await?
    });
    let Some((visibility, code, owner)) = was else { return Ok(false) };
    writing!(change, |connection| {
        sqlx::query("update rooms set visibility = $2, code = $3, owner_id = $4 where id = $1")
            .bind(room.0)
            .bind(visibility)
            .bind(code)
            .bind(owner)
            .execute(connection)
            .await?
            .rows_affected()
    });
    about(
        &mut change,
        "insert into memberships (room_id, user_id, last_read_seq, joined_at)
         select room_id, user_id, last_read_seq, joined_at from deleted_memberships
         where room_id = $1",
        room,
    )
    .await?;
    about(&mut change, "delete from deleted_memberships where room_id = $1", room).await?;
    changefeed::record(&mut change, stamp, Change::Room(room)).await?;
    // The account of its owner may have been closed meanwhile.
    if let Some(owner) = owner {
        jobs::enqueue(&mut change, Job::ReassignRooms(UserId(owner)), stamp.now).await?;
    }
    let action = Action::RestoreRoom { room: (room, &now.name) };
    audit::record(&mut change, (Some(actor), stamp.now), action).await?;
    change.commit().await?;
    Ok(true)
}

/// Ends the time in which a room can be restored, if it was deleted before `then`.
pub(in crate::chat::rooms) async fn begin_purge(
    db: &Db,
    room: RoomId,
    (now, then): (Timestamp, Timestamp),
) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    lock(&mut change, room).await?;
    let begun = writing!(change, |connection| {
        sqlx::query(
            "update deleted_rooms set purged_at = coalesce(purged_at, $2)
             where room_id = $1 and deleted_at <= $3",
        )
        .bind(room.0)
        .bind(now.0)
        .bind(then.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await?;
    Ok(begun > 0)
}

/// Leaves nothing of a room but its number.
pub(in crate::chat::rooms) async fn finish_purge(db: &Db, room: RoomId) -> Result<(), sqlx::Error> {
    let mut change = db.begin().await?;
    names::record(&mut change, Subject::Room(room), &[]).await?;
    about(
        &mut change,
        "update rooms set name = '', folded_name = '', topic = '', last_seq = 0 where id = $1",
        room,
    )
    .await?;
    about(
        &mut change,
        "update deleted_rooms set folded_name = '', code = null, owner_id = null where room_id = $1",
        room,
    )
    .await?;
    about(&mut change, "delete from deleted_memberships where room_id = $1", room).await?;
    change.commit().await
}

/// Every room but direct conversations, with those that can still be restored, by name.
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
