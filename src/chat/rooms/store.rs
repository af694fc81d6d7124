//! The SQL of rooms and memberships.

use super::model::{Room, Visibility};
use crate::db::{Db, reading, writing};
use crate::kernel::{Rev, RoomId, Seq, Timestamp, UserId};

#[derive(sqlx::FromRow)]
struct RoomRow {
    id: i64,
    name: String,
    topic: String,
    visibility: String,
    lobby: i64,
    owner_id: Option<i64>,
    code: Option<String>,
    last_seq: i64,
    rev: i64,
    last_read_seq: Option<i64>,
}

impl From<RoomRow> for Room {
    fn from(row: RoomRow) -> Self {
        Self {
            id: RoomId(row.id),
            name: row.name,
            topic: row.topic,
            visibility: Visibility::from_column(&row.visibility),
            lobby: row.lobby != 0,
            owner_id: row.owner_id.map(UserId),
            code: row.code.filter(|_| row.last_read_seq.is_some()),
            last_seq: Seq(row.last_seq),
            rev: Rev(row.rev),
            last_read_seq: row.last_read_seq.map(Seq),
        }
    }
}

/// Makes the lobby if there is none.
pub(super) async fn ensure_lobby(
    db: &Db,
    name: &str,
    folded: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query(
            "insert into rooms (name, folded_name, visibility, lobby, created_at)
             select $1, $2, 'public', 1, $3
             where not exists (select 1 from rooms where lobby = 1)",
        )
        .bind(name)
        .bind(folded)
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}

/// The room, whatever it is, with how this person stands to it.
pub(super) async fn find(db: &Db, user: UserId, room: RoomId) -> Result<Option<Room>, sqlx::Error> {
    let row: Option<RoomRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select r.id, r.name, r.topic, r.visibility, r.lobby, r.owner_id, r.code, r.last_seq,
                    r.rev, m.last_read_seq
             from rooms r
             left join memberships m on m.room_id = r.id and m.user_id = $1
             where r.id = $2",
        )
        .bind(user.0)
        .bind(room.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(Room::from))
}

/// The public rooms and those this person is in: the lobby first, then by name.
pub(super) async fn list(db: &Db, user: UserId) -> Result<Vec<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select r.id, r.name, r.topic, r.visibility, r.lobby, r.owner_id, r.code, r.last_seq,
                    r.rev, m.last_read_seq
             from rooms r
             left join memberships m on m.room_id = r.id and m.user_id = $1
             where r.visibility = 'public' or m.user_id is not null
             order by r.lobby desc, r.folded_name, r.id",
        )
        .bind(user.0)
        .fetch_all(pool)
        .await?
    });
    Ok(rows.into_iter().map(Room::from).collect())
}

/// The lobby's id.
pub(super) async fn lobby(db: &Db) -> Result<RoomId, sqlx::Error> {
    let (id,): (i64,) = reading!(db, |pool| {
        sqlx::query_as("select id from rooms where lobby = 1").fetch_one(pool).await?
    });
    Ok(RoomId(id))
}

/// Makes somebody a member, having read everything so far. False when they were one already.
pub(super) async fn join(
    db: &Db,
    user: UserId,
    room: RoomId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut change = db.change().await?;
    let joined = writing!(change, |connection| {
        sqlx::query(
            "insert into memberships (user_id, room_id, last_read_seq, joined_at)
             select $1, id, last_seq, $3 from rooms where id = $2
             on conflict (user_id, room_id) do nothing",
        )
        .bind(user.0)
        .bind(room.0)
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await?;
    Ok(joined > 0)
}

/// Who is in a room.
pub(super) async fn members(db: &Db, room: RoomId) -> Result<Vec<UserId>, sqlx::Error> {
    let rows: Vec<(i64,)> = reading!(db, |pool| {
        sqlx::query_as(
            "select m.user_id from memberships m join users u on u.id = m.user_id
             where m.room_id = $1 and u.deactivated_at is null",
        )
        .bind(room.0)
        .fetch_all(pool)
        .await?
    });
    Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
}

/// Who is in which of the rooms that this person may see.
pub(super) async fn memberships(
    db: &Db,
    user: UserId,
) -> Result<Vec<(RoomId, UserId)>, sqlx::Error> {
    let rows: Vec<(i64, i64)> = reading!(db, |pool| {
        sqlx::query_as(
            "select m.room_id, m.user_id
             from memberships m
             join rooms r on r.id = m.room_id
             join users u on u.id = m.user_id
             where u.deactivated_at is null
               and (r.visibility = 'public'
                    or exists (select 1 from memberships mine
                               where mine.room_id = m.room_id and mine.user_id = $1))",
        )
        .bind(user.0)
        .fetch_all(pool)
        .await?
    });
    Ok(rows.into_iter().map(|(room, user)| (RoomId(room), UserId(user))).collect())
}
