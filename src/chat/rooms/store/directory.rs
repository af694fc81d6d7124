//! Creating, finding and changing rooms.

use super::memberships::{insert_member, lock};
use super::{
    ProgressRow, RoomRow, from_own_rooms, from_rooms, progress_columns, room_columns,
    select_progress, select_room, unread, unread_mentions,
};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit::{self, model::Action};
use crate::chat::names::model::Subject;
use crate::chat::names::store as names;
use crate::chat::rooms::model::{Code, NewRoom, Progress, Room, RoomName, RoomTopic, Visibility};
use crate::db::{Db, Transaction, fetch_all_json, is_unique_violation, reading, writing};
use crate::kernel::{RoomId, Timestamp, UserId};

/// Creates the lobby if there is none. Returns when it was created.
pub(in crate::chat::rooms) async fn ensure_lobby(
    db: &Db,
    name: &str,
    normalized: &str,
    now: Timestamp,
) -> Result<Timestamp, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let created: Option<(i64,)> = writing!(transaction, |connection| {
        sqlx::query_as(
            "insert into rooms (name, folded_name, visibility, lobby, created_at)
             select $1, $2, 'public', 1, $3
             where not exists (select 1 from rooms where lobby = 1)
             on conflict (lobby) where lobby = 1 do nothing returning id",
        )
        .bind(name)
        .bind(normalized)
        .bind(now.0)
        .fetch_optional(connection)
        .await?
    });
    if let Some((id,)) = created {
        names::record(&mut transaction, Subject::Room(RoomId(id)), &[name]).await?;
    }
    let (created_at,): (i64,) = writing!(transaction, |connection| {
        sqlx::query_as("select created_at from rooms where lobby = 1").fetch_one(connection).await?
    });
    transaction.commit().await?;
    Ok(Timestamp(created_at))
}

/// Creates a room with its owner as the first member. `None` if its name is taken among public rooms.
pub(in crate::chat::rooms) async fn add(
    db: &Db,
    new: &NewRoom,
    owner: UserId,
    code: &Code,
    meta: ChangeMeta,
) -> Result<Option<RoomId>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if new.visibility == Visibility::Public {
        // The lock serializes all name checks, so that two similar names cannot be taken at the same
        // time.
        names::lock(&mut transaction).await?;
        if names::is_like_a_public_room(&mut transaction, new.name.as_str(), None).await? {
            return Ok(None);
        }
    }
    let added: Option<(i64,)> = writing!(transaction, |connection| {
        sqlx::query_as(
            "insert into rooms
               (name, folded_name, topic, visibility, owner_id, code, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (folded_name) where visibility = 'public' do nothing
             returning id",
        )
        .bind(new.name.as_str())
        .bind(new.name.folded())
        .bind(new.topic.as_str())
        .bind(new.visibility.as_str())
        .bind(owner.0)
        .bind(code.as_str())
        .bind(meta.now.0)
        .fetch_optional(connection)
        .await?
    });
    let Some((id,)) = added else { return Ok(None) };
    names::record(&mut transaction, Subject::Room(RoomId(id)), &[new.name.as_str()]).await?;
    insert_member(&mut transaction, owner, RoomId(id), meta).await?;
    if new.visibility == Visibility::Public {
        changefeed::record(&mut transaction, meta, Change::Room(RoomId(id))).await?;
    }
    transaction.commit().await?;
    Ok(Some(RoomId(id)))
}

/// The direct message of two users, created if there is none. True if it is new.
pub(in crate::chat::rooms) async fn ensure_direct(
    db: &Db,
    (one, two): (UserId, UserId),
    meta: ChangeMeta,
) -> Result<(RoomId, bool), sqlx::Error> {
    let pair = format!("{}:{}", one.0.min(two.0), one.0.max(two.0));
    let mut transaction = db.begin().await?;
    if let Some(room) = find_pair(&mut transaction, &pair).await? {
        return Ok((room, false));
    }
    let added: Option<(i64,)> = writing!(transaction, |connection| {
        sqlx::query_as(
            "insert into rooms (name, folded_name, visibility, created_at)
             values ('', $1, 'direct', $2)
             on conflict (folded_name) where visibility = 'direct' do nothing
             returning id",
        )
        .bind(&pair)
        .bind(meta.now.0)
        .fetch_optional(connection)
        .await?
    });
    let Some((id,)) = added else {
        // Another process created it first and has committed: the insert waited for that.
        let room = find_pair(&mut transaction, &pair).await?.ok_or(sqlx::Error::RowNotFound)?;
        return Ok((room, false));
    };
    insert_member(&mut transaction, one, RoomId(id), meta).await?;
    insert_member(&mut transaction, two, RoomId(id), meta).await?;
    transaction.commit().await?;
    Ok((RoomId(id), true))
}

async fn find_pair(
    transaction: &mut Transaction,
    pair: &str,
) -> Result<Option<RoomId>, sqlx::Error> {
    let found: Option<(i64,)> = writing!(*transaction, |connection| {
        sqlx::query_as("select id from rooms where folded_name = $1 and visibility = 'direct'")
            .bind(pair)
            .fetch_optional(connection)
            .await?
    });
    Ok(found.map(|(id,)| RoomId(id)))
}

/// The direct message of two users, if there is one.
pub(in crate::chat::rooms) async fn find_direct(
    db: &Db,
    one: UserId,
    two: UserId,
) -> Result<Option<RoomId>, sqlx::Error> {
    let pair = format!("{}:{}", one.0.min(two.0), one.0.max(two.0));
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select id from rooms where folded_name = $1 and visibility = 'direct'")
            .bind(&pair)
            .fetch_optional(pool)
            .await?
    });
    Ok(found.map(|(id,)| RoomId(id)))
}

/// Any room, with the membership of this user. It checks no permission.
pub(in crate::chat::rooms) async fn find(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<Option<Room>, sqlx::Error> {
    let row: Option<RoomRow> = reading!(db, |pool| {
        sqlx::query_as(select_room!("where r.id = $2"))
            .bind(user.0)
            .bind(room.0)
            .fetch_optional(pool)
            .await?
    });
    Ok(row.map(Room::from))
}

/// The room with this code, if it has a member with an open account. A room whose members have all left
/// belongs to no one, so its code no longer works.
pub(in crate::chat::rooms) async fn find_by_code(
    db: &Db,
    user: UserId,
    code: &Code,
) -> Result<Option<Room>, sqlx::Error> {
    let row: Option<RoomRow> = reading!(db, |pool| {
        sqlx::query_as(select_room!(
            "where r.code = $2
               and exists (select 1 from memberships x join users v on v.id = x.user_id
                           where x.room_id = r.id and v.deactivated_at is null)"
        ))
        .bind(user.0)
        .bind(code.as_str())
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(Room::from))
}

/// The public rooms and those the user is a member of: the lobby first, then by name.
pub(in crate::chat::rooms) async fn list(db: &Db, user: UserId) -> Result<Vec<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = fetch_all_json!(
        db,
        room_columns!(),
        from_rooms!(
            "where r.visibility = 'public' or m.user_id is not null
             order by r.lobby desc, coalesce(o.sort_key, r.sort_key), r.id"
        ),
        |query| query.bind(user.0)
    );
    Ok(rows.into_iter().map(Room::from).collect())
}

/// The rooms the user is a member of.
pub(in crate::chat::rooms) async fn memberships(
    db: &Db,
    user: UserId,
) -> Result<Vec<RoomId>, sqlx::Error> {
    let rows: Vec<(i64,)> = fetch_all_json!(
        db,
        "room_id",
        "from memberships where user_id = $1 order by room_id",
        |query| query.bind(user.0)
    );
    Ok(rows.into_iter().map(|(id,)| RoomId(id)).collect())
}

/// The rooms the user is a member of, with their progress.
pub(in crate::chat::rooms) async fn my_room(
    db: &Db,
    user: UserId,
) -> Result<Vec<Progress>, sqlx::Error> {
    let rows: Vec<ProgressRow> =
        fetch_all_json!(db, progress_columns!(), from_own_rooms!("order by r.id"), |query| query
            .bind(user.0));
    Ok(rows.into_iter().map(Progress::from).collect())
}

/// The same for one room.
pub(in crate::chat::rooms) async fn progress(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<Option<Progress>, sqlx::Error> {
    let row: Option<ProgressRow> = reading!(db, |pool| {
        sqlx::query_as(select_progress!("and r.id = $2"))
            .bind(user.0)
            .bind(room.0)
            .fetch_optional(pool)
            .await?
    });
    Ok(row.map(Progress::from))
}

/// The lobby's id.
pub(in crate::chat::rooms) async fn lobby(db: &Db) -> Result<RoomId, sqlx::Error> {
    let (id,): (i64,) = reading!(db, |pool| {
        sqlx::query_as("select id from rooms where lobby = 1").fetch_one(pool).await?
    });
    Ok(RoomId(id))
}

/// Changes name and topic. Returns false if the new name is taken among public rooms, or the room is
/// gone.
pub(in crate::chat::rooms) async fn update(
    db: &Db,
    (actor, room): (UserId, &Room),
    (name, topic): (Option<&RoomName>, Option<&RoomTopic>),
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let normalized = name.map(RoomName::folded);
    let mut transaction = db.begin().await?;
    if let Some(name) = name {
        names::lock(&mut transaction).await?;
        if is_public(&mut transaction, room.id).await?
            && names::is_like_a_public_room(&mut transaction, name.as_str(), Some(room.id)).await?
        {
            return Ok(false);
        }
        names::record(&mut transaction, Subject::Room(room.id), &[name.as_str()]).await?;
    }
    let updated = writing!(transaction, |connection| {
        sqlx::query(
            "update rooms set name = coalesce($1, name), folded_name = coalesce($2, folded_name),
                              topic = coalesce($3, topic)
             where id = $4",
        )
        .bind(name.map(RoomName::as_str))
        .bind(&normalized)
        .bind(topic.map(RoomTopic::as_str))
        .bind(room.id.0)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    });
    match updated {
        Err(error) if is_unique_violation(&error) => Ok(false),
        Err(error) => Err(error),
        // No row: the room is gone.
        Ok(0) => Ok(false),
        Ok(_) => {
            if let Some(new_name) = name.map(RoomName::as_str) {
                let action = Action::RenameRoom { room: (room.id, &room.name), new_name };
                audit::record(&mut transaction, (Some(actor), meta.now), action).await?;
            }
            changefeed::record(&mut transaction, meta, Change::Room(room.id)).await?;
            transaction.commit().await.map(|()| true)
        }
    }
}

async fn is_public(transaction: &mut Transaction, room: RoomId) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = writing!(*transaction, |connection| {
        sqlx::query_as("select id from rooms where id = $1 and visibility = 'public'")
            .bind(room.0)
            .fetch_optional(connection)
            .await?
    });
    Ok(found.is_some())
}

pub(in crate::chat::rooms) async fn set_code(
    db: &Db,
    room: RoomId,
    code: &Code,
    meta: ChangeMeta,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    write_code(&mut transaction, room, code, meta).await?;
    transaction.commit().await
}

pub(super) async fn write_code(
    transaction: &mut Transaction,
    room: RoomId,
    code: &Code,
    meta: ChangeMeta,
) -> Result<(), sqlx::Error> {
    changefeed::record(transaction, meta, Change::Room(room)).await?;
    writing!(*transaction, |connection| {
        sqlx::query("update rooms set code = $1 where id = $2")
            .bind(code.as_str())
            .bind(room.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// Makes a member the owner. Returns false if the user is not a member.
pub(in crate::chat::rooms) async fn set_owner(
    db: &Db,
    room: RoomId,
    owner: UserId,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock(&mut transaction, room).await?;
    changefeed::record(&mut transaction, meta, Change::Room(room)).await?;
    let changed = writing!(transaction, |connection| {
        sqlx::query(
            "update rooms set owner_id = $1 where id = $2
               and exists (select 1 from memberships where room_id = $2 and user_id = $1)",
        )
        .bind(owner.0)
        .bind(room.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await?;
    Ok(changed > 0)
}
