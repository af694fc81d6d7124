//! Joining and leaving a room. Whether somebody may join is asked in the transaction that makes them a
//! member, with the room locked: a removal or a renewed code that comes first counts.

use super::memberships::{insert_member, lock};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::User;
use crate::chat::audit;
use crate::chat::audit::model::Action;
use crate::chat::rooms::model::{
    Code, JoinMethod, JoinRefusal, JoinState, Moderator, Visibility, may_join,
};
use crate::db::{Db, Transaction, reading, writing};
use crate::kernel::{RoomId, UserId};

/// What became of an attempt to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Joined {
    /// They are a member from now on, and have read everything so far.
    Now,
    Before,
    Refused(JoinRefusal),
}

/// What became of an attempt to remove a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat::rooms) enum Removed {
    Now,
    Before,
    NoMember,
}

/// Makes somebody a member if this door lets them in.
pub(in crate::chat::rooms) async fn join(
    db: &Db,
    user: UserId,
    room: RoomId,
    door: &JoinMethod,
    stamp: ChangeMeta,
) -> Result<Joined, sqlx::Error> {
    let mut change = db.begin().await?;
    let joined = insert_joined(&mut change, (user, room), door, stamp).await?;
    change.commit().await?;
    Ok(joined)
}

/// The same as part of a larger change.
pub(in crate::chat) async fn insert_joined(
    change: &mut Transaction,
    (user, room): (UserId, RoomId),
    door: &JoinMethod,
    stamp: ChangeMeta,
) -> Result<Joined, sqlx::Error> {
    lock(change, room).await?;
    let Some((member, standing)) = join_state(change, user, room, door).await? else {
        return Ok(Joined::Refused(JoinRefusal::Shut));
    };
    if member {
        return Ok(Joined::Before);
    }
    if let Err(refusal) = may_join(&standing, door) {
        return Ok(Joined::Refused(refusal));
    }
    if standing.removed {
        delete_removal(change, user, room).await?;
    }
    insert_member(change, user, room, stamp).await?;
    Ok(Joined::Now)
}

/// Whether they are a member, and what counts if they are none.
async fn join_state(
    change: &mut Transaction,
    user: UserId,
    room: RoomId,
    door: &JoinMethod,
) -> Result<Option<(bool, JoinState)>, sqlx::Error> {
    let host = match door {
        JoinMethod::Invitation(host) => Some(host.0),
        JoinMethod::Public | JoinMethod::Code(_) => None,
    };
    let row: Option<(String, Option<String>, i64, i64, i64, i64)> =
        writing!(*change, |connection| {
            sqlx::query_as(
                "select r.visibility, r.code,
               (select count(*) from memberships where room_id = r.id and user_id = $1),
               (select count(*) from memberships where room_id = r.id and user_id = $3),
               (select count(*) from removals where room_id = r.id and user_id = $1),
               (select count(*) from (select 1 from memberships m join users u on u.id = m.user_id
                  where m.room_id = r.id and u.deactivated_at is null limit 1) somebody)
             from rooms r where r.id = $2",
            )
            .bind(user.0)
            .bind(room.0)
            .bind(host)
            .fetch_optional(connection)
            .await?
        });
    Ok(row.map(|(visibility, code, member, host, removed, inhabited)| {
        let standing = JoinState {
            visibility: Visibility::from_column(&visibility),
            code: code.as_deref().and_then(Code::from_column),
            host: host > 0,
            removed: removed > 0,
            inhabited: inhabited > 0,
        };
        (member > 0, standing)
    }))
}

/// Ends a membership; an owner's room goes to whoever has been in it longest. False when there was
/// none.
pub(in crate::chat::rooms) async fn leave(
    db: &Db,
    user: UserId,
    room: RoomId,
    stamp: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    lock(&mut change, room).await?;
    let left = end_membership(&mut change, user, room, stamp).await?;
    change.commit().await?;
    Ok(left)
}

/// Ends a membership against its owner's wish: it is remembered, and the room gets another code.
pub(in crate::chat::rooms) async fn remove(
    db: &Db,
    moderator: &Moderator,
    person: &User,
    code: &Code,
    stamp: ChangeMeta,
) -> Result<Removed, sqlx::Error> {
    let (user, room) = (person.id, moderator.room().id);
    let mut change = db.begin().await?;
    lock(&mut change, room).await?;
    if !end_membership(&mut change, user, room, stamp).await? {
        let before = is_removed(db, user, room).await?;
        return Ok(if before { Removed::Before } else { Removed::NoMember });
    }
    writing!(change, |connection| {
        sqlx::query(
            "insert into removals (room_id, user_id, removed_at) values ($1, $2, $3)
             on conflict (room_id, user_id) do nothing",
        )
        .bind(room.0)
        .bind(user.0)
        .bind(stamp.now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    super::directory::write_code(&mut change, room, code, stamp).await?;
    let (user, room) = ((user, person.name.as_str()), (room, moderator.room().name.as_str()));
    let act = (Some(moderator.user().id), stamp.now);
    audit::record(&mut change, act, Action::RemoveMember { user, room }).await?;
    change.commit().await?;
    Ok(Removed::Now)
}

async fn end_membership(
    change: &mut Transaction,
    user: UserId,
    room: RoomId,
    stamp: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let left = writing!(*change, |connection| {
        sqlx::query("delete from memberships where user_id = $1 and room_id = $2")
            .bind(user.0)
            .bind(room.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    if left == 0 {
        return Ok(false);
    }
    changefeed::record(change, stamp, Change::Left(room, user)).await?;
    let passed_on = writing!(*change, |connection| {
        sqlx::query(
            "update rooms set owner_id =
               (select m.user_id from memberships m join users u on u.id = m.user_id
                where m.room_id = $2 and u.deactivated_at is null
                order by m.joined_at, m.user_id limit 1)
             where id = $2 and owner_id = $1",
        )
        .bind(user.0)
        .bind(room.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    if passed_on > 0 {
        changefeed::record(change, stamp, Change::Room(room)).await?;
    }
    Ok(true)
}

async fn delete_removal(
    change: &mut Transaction,
    user: UserId,
    room: RoomId,
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("delete from removals where room_id = $1 and user_id = $2")
            .bind(room.0)
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// Whether somebody was removed from a room and not invited since.
pub(in crate::chat::rooms) async fn is_removed(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<bool, sqlx::Error> {
    let (found,): (i64,) = reading!(db, |pool| {
        sqlx::query_as("select count(*) from removals where room_id = $1 and user_id = $2")
            .bind(room.0)
            .bind(user.0)
            .fetch_one(pool)
            .await?
    });
    Ok(found > 0)
}
