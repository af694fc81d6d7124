//! Memberships: who is in a room, who owns it when its owner is gone, how far its members have read.

use super::{
    ProgressRow, from_own_rooms, progress_columns, readable_rooms, select_progress, unread,
    unread_mentions,
};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::UserRow;
use crate::chat::accounts::model::User;
use crate::chat::rooms::model::{Progress, RoomStats};
use crate::db::{Db, Transaction, fetch_all_json, json_rows, reading, writing};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{RoomId, Seq, UserId};

/// Gives the rooms of somebody whose account is closed to whoever of the others has been in each
/// longest. Answers which rooms those are.
pub(in crate::chat::rooms) async fn reassign_owner(
    db: &Db,
    user: UserId,
    stamp: ChangeMeta,
) -> Result<Vec<RoomId>, sqlx::Error> {
    let mut change = db.begin().await?;
    let rooms: Vec<(i64,)> = writing!(change, |connection| {
        sqlx::query_as(
            "update rooms set owner_id =
               (select m.user_id from memberships m join users u on u.id = m.user_id
                where m.room_id = rooms.id and m.user_id <> $1 and u.deactivated_at is null
                order by m.joined_at, m.user_id limit 1)
             where owner_id = $1
               and exists (select 1 from users where id = $1 and deactivated_at is not null)
               and exists
               (select 1 from memberships m join users u on u.id = m.user_id
                where m.room_id = rooms.id and m.user_id <> $1 and u.deactivated_at is null)
             returning id",
        )
        .bind(user.0)
        .fetch_all(connection)
        .await?
    });
    let rooms: Vec<_> = rooms.into_iter().map(|(id,)| RoomId(id)).collect();
    for room in &rooms {
        changefeed::record(&mut change, stamp, Change::Room(*room)).await?;
    }
    change.commit().await?;
    Ok(rooms)
}

/// Moves a read marker forward, never back, and not beyond what there is. Answers where it stands;
/// `None` for somebody who is no member.
pub(in crate::chat::rooms) async fn mark_read(
    db: &Db,
    user: UserId,
    room: RoomId,
    (seq, stamp): (Seq, ChangeMeta),
) -> Result<Option<Progress>, sqlx::Error> {
    let mut change = db.begin().await?;
    writing!(change, |connection| {
        sqlx::query(
            "update memberships set last_read_seq = $3, read_at = $4, read_by = $5
             where user_id = $1 and room_id = $2 and last_read_seq < $3
               and $3 <= (select last_seq from rooms where id = $2)",
        )
        .bind(user.0)
        .bind(room.0)
        .bind(seq.0)
        .bind(stamp.now.0)
        .bind(stamp.process.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    let now: Option<ProgressRow> = writing!(change, |connection| {
        sqlx::query_as(select_progress!("and r.id = $2"))
            .bind(user.0)
            .bind(room.0)
            .fetch_optional(connection)
            .await?
    });
    change.commit().await?;
    Ok(now.map(Progress::from))
}

/// Who is in a room.
pub(in crate::chat::rooms) async fn members(
    db: &Db,
    room: RoomId,
) -> Result<Vec<UserId>, sqlx::Error> {
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

/// Who is in a room, by id.
pub(in crate::chat::rooms) async fn members_after(
    db: &Db,
    room: RoomId,
    after: UserId,
    limit: Limit,
) -> Result<Page<User>, sqlx::Error> {
    let rows: Vec<UserRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar
             from memberships m join users u on u.id = m.user_id
             where m.room_id = $1 and m.user_id > $2 and u.deactivated_at is null
             order by m.user_id limit $3",
        )
        .bind(room.0)
        .bind(after.0)
        .bind(limit.plus_one())
        .fetch_all(pool)
        .await?
    });
    Ok(Page::cut(rows.into_iter().map(User::from).collect(), limit))
}

/// Who is in a room, by name.
pub(in crate::chat::rooms) async fn users(db: &Db, room: RoomId) -> Result<Vec<User>, sqlx::Error> {
    let rows: Vec<UserRow> = fetch_all_json!(
        db,
        "u.id, u.name, u.display_name, u.bot, u.role, u.avatar",
        "from memberships m join users u on u.id = m.user_id
         where m.room_id = $1 and u.deactivated_at is null
         order by u.sort_key, u.id",
        |query| query.bind(room.0)
    );
    Ok(rows.into_iter().map(User::from).collect())
}

/// How many are in each of the rooms that this person may see, how many of them are among those who
/// are online, and who owns it.
pub(in crate::chat::rooms) async fn stats(
    db: &Db,
    user: UserId,
    online: &[UserId],
) -> Result<Vec<(RoomId, RoomStats)>, sqlx::Error> {
    let found: Vec<(i64, i64, i64, Option<String>)> = reading!(db, |pool| {
        sqlx::query_as(concat!(
            "select r.id, count(u.id), count(here.id), o.display_name
             from rooms r
             left join users o on o.id = r.owner_id and o.deactivated_at is null
             left join memberships m on m.room_id = r.id
             left join users u on u.id = m.user_id and u.deactivated_at is null
             left join (select cast(value as bigint) as id from jsonb_each($2)) here
               on here.id = u.id
             where r.id in (",
            readable_rooms!("$1"),
            ") group by r.id, o.display_name"
        ))
        .bind(user.0)
        .bind(json_rows(online))
        .fetch_all(pool)
        .await?
    });
    let count = |number: i64| usize::try_from(number).unwrap_or_default();
    let census = |(id, members, online, owner)| {
        (RoomId(id), RoomStats { members: count(members), online: count(online), owner })
    };
    Ok(found.into_iter().map(census).collect())
}

/// Lets nobody else come, go or post until this change ends: who owns a room depends on who is in it.
/// An update that changes nothing locks the row on either engine.
pub(super) async fn lock(change: &mut Transaction, room: RoomId) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("update rooms set rev = rev where id = $1")
            .bind(room.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

pub(super) async fn insert_member(
    change: &mut Transaction,
    user: UserId,
    room: RoomId,
    stamp: ChangeMeta,
) -> Result<(), sqlx::Error> {
    let joined = writing!(*change, |connection| {
        sqlx::query(
            "insert into memberships (user_id, room_id, last_read_seq, joined_at)
             select $1, id, last_seq, $3 from rooms where id = $2
             on conflict (user_id, room_id) do nothing",
        )
        .bind(user.0)
        .bind(room.0)
        .bind(stamp.now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    if joined > 0 {
        changefeed::record(change, stamp, Change::Joined(room, user)).await?;
    }
    Ok(())
}
