//! Joining and leaving rooms. Whether a user may join is checked in the transaction that makes them a
//! member, with the room locked, so a removal or a replaced code that was committed first counts.

use super::memberships::{insert_member, lock};
use super::sql::GATE;
use super::threads::unfollow_all;
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::User;
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedRoom, NamedUser};
use crate::chat::rooms::model::{
    Code, JoinMethod, JoinRefusal, JoinState, Moderator, Visibility, may_join,
};
use crate::db::{Db, Transaction, execute, fetch_optional, fetch_scalar};
use crate::kernel::{RoomId, UserId};

/// The result of an attempt to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chat) enum Joined {
    /// The user became a member, with all messages up to now as read.
    Now,
    Before,
    Refused(JoinRefusal),
}

/// The result of an attempt to remove a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::chat::rooms) enum Removed {
    /// They follow these threads of the room no longer.
    Now(Vec<RoomId>),
    Before,
    NoMember,
}

/// Makes the user a member if this method admits them.
pub(in crate::chat::rooms) async fn join(
    db: &Db,
    user: UserId,
    room: RoomId,
    method: &JoinMethod,
    meta: ChangeMeta,
) -> Result<Joined, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let joined = insert_joined(&mut transaction, user, room, method, meta).await?;
    transaction.commit().await?;
    Ok(joined)
}

/// The same as part of a larger transaction.
pub(in crate::chat) async fn insert_joined(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    method: &JoinMethod,
    meta: ChangeMeta,
) -> Result<Joined, sqlx::Error> {
    lock(transaction, room).await?;
    let Some(row) = join_state(transaction, user, room, method).await? else {
        return Ok(Joined::Refused(JoinRefusal::Shut));
    };
    if row.is_member {
        return Ok(Joined::Before);
    }
    let state = JoinState::from(row);
    if let Err(refusal) = may_join(&state, method) {
        return Ok(Joined::Refused(refusal));
    }
    if state.removed {
        delete_removal(transaction, user, room).await?;
    }
    insert_member(transaction, user, room, meta).await?;
    Ok(Joined::Now)
}

/// Whether the user is a member, and the state that decides if they are not.
#[derive(sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
struct JoinStateRow {
    is_member: bool,
    visibility: Visibility,
    code: Option<String>,
    host: bool,
    removed: bool,
    inhabited: bool,
}

impl From<JoinStateRow> for JoinState {
    fn from(row: JoinStateRow) -> Self {
        Self {
            visibility: row.visibility,
            code: row.code.as_deref().and_then(Code::from_column),
            host: row.host,
            removed: row.removed,
            inhabited: row.inhabited,
        }
    }
}

/// `None` if there is no room.
async fn join_state(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    method: &JoinMethod,
) -> Result<Option<JoinStateRow>, sqlx::Error> {
    let host = match method {
        JoinMethod::Invitation(host) => Some(*host),
        JoinMethod::Public | JoinMethod::Code(_) => None,
    };
    fetch_optional!(
        transaction,
        "select r.visibility, r.code,
           exists (select 1 from memberships where room_id = r.id and user_id = $1) as is_member,
           exists (select 1 from memberships where room_id = r.id and user_id = $3) as host,
           exists (select 1 from removals where room_id = r.id and user_id = $1) as removed,
           exists (select 1 from memberships m join users u on u.id = m.user_id
                   where m.room_id = r.id and u.deactivated_at is null) as inhabited
         from rooms r where r.id = $2",
        user,
        room,
        host,
    )
}

/// Ends a membership. If the owner leaves, the member who joined first becomes the owner. Returns the threads
/// of the room that the user follows no longer; `None` if they were not a member.
pub(in crate::chat::rooms) async fn leave(
    db: &Db,
    user: UserId,
    room: RoomId,
    meta: ChangeMeta,
) -> Result<Option<Vec<RoomId>>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock(&mut transaction, room).await?;
    let left = end_membership(&mut transaction, user, room, meta).await?;
    transaction.commit().await?;
    Ok(left)
}

/// Removes a member: stores the removal, and replaces the room code.
pub(in crate::chat::rooms) async fn remove(
    db: &Db,
    moderator: &Moderator,
    member: &User,
    code: &Code,
    meta: ChangeMeta,
) -> Result<Removed, sqlx::Error> {
    let user = member.id;
    let room = moderator.room().id;
    let mut transaction = db.begin().await?;
    lock(&mut transaction, room).await?;
    let Some(threads) = end_membership(&mut transaction, user, room, meta).await? else {
        let removed_before = is_removed(db, user, room).await?;
        return Ok(if removed_before { Removed::Before } else { Removed::NoMember });
    };
    execute!(
        transaction,
        "insert into removals (room_id, user_id, removed_at) values ($1, $2, $3)
         on conflict (room_id, user_id) do nothing",
        room,
        user,
        meta.now,
    )?;
    super::directory::write_code(&mut transaction, room, code, meta).await?;
    let action = Action::RemoveMember {
        user: NamedUser { id: user, name: &member.name },
        room: NamedRoom { id: room, name: &moderator.room().name },
    };
    audit::record(&mut transaction, Some(moderator.user().id), action, meta.now).await?;
    transaction.commit().await?;
    Ok(Removed::Now(threads))
}

/// Deletes the membership, lets the user follow the room's threads no longer, and, if they owned the room,
/// chooses a new owner. Returns these threads; `None` if there was no membership.
async fn end_membership(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    meta: ChangeMeta,
) -> Result<Option<Vec<RoomId>>, sqlx::Error> {
    let left = execute!(
        transaction,
        "delete from memberships where user_id = $1 and room_id = $2",
        user,
        room,
    )?;
    if left == 0 {
        return Ok(None);
    }
    let threads = unfollow_all(transaction, user, room, meta).await?;
    changefeed::record(transaction, meta, Change::Left(room, user)).await?;
    let reassigned = execute!(
        transaction,
        "update rooms set owner_id =
           (select m.user_id from memberships m join users u on u.id = m.user_id
            where m.room_id = $2 and u.deactivated_at is null
            order by m.joined_at, m.user_id limit 1)
         where id = $2 and owner_id = $1",
        user,
        room,
    )?;
    if reassigned > 0 {
        changefeed::record(transaction, meta, Change::Room(room)).await?;
    }
    Ok(Some(threads))
}

async fn delete_removal(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
) -> Result<(), sqlx::Error> {
    execute!(transaction, "delete from removals where room_id = $1 and user_id = $2", room, user,)?;
    Ok(())
}

/// Whether the user was removed from the room, or that of the thread, and not invited since.
pub(in crate::chat::rooms) async fn is_removed(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<bool, sqlx::Error> {
    fetch_scalar!(
        db,
        concat!(
            "select exists (select 1 from removals where room_id = ",
            GATE!("$1"),
            " and user_id = $2)"
        ),
        room,
        user,
    )
}
