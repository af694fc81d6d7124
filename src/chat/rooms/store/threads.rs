//! Threads: rooms that are reached through a message. Who may read the room of that message may read them,
//! and only its members follow them: leaving it ends that.

use super::memberships::{insert_member, lock};
use super::sql::{FROM_ROOMS, NAMING_USER, ROOM_COLUMNS, ROOM_JOINS, UNREAD, UNREAD_MENTIONS};
use super::{Joined, RoomRow, insert_joined};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::User;
use crate::chat::accounts::{USER_COLUMNS, UserRow};
use crate::chat::rooms::model::{JoinMethod, ParentMessage, Room};
use crate::db::{
    Db, Transaction, execute, fetch_all, fetch_all_json, fetch_optional_scalar, fetch_scalar,
    fetch_scalars, json_rows,
};
use crate::kernel::paging::{Limit, Page};
use crate::kernel::{MessageId, RoomId, UserId};
use crate::limits::threads::LISTED;

/// What became of a user who wants to follow a thread.
pub(in crate::chat::rooms) struct Followed {
    /// In the room that the thread belongs to. If that refuses them, they do not follow the thread.
    pub parent: Joined,
    /// Whether they follow the thread now and did not before.
    pub is_new: bool,
}

/// Creates the thread of a message that has none. The caller has locked the message's room.
pub(in crate::chat) async fn create_thread(
    transaction: &mut Transaction,
    head: ParentMessage,
    meta: ChangeMeta,
) -> Result<RoomId, sqlx::Error> {
    let room: RoomId = fetch_scalar!(
        transaction,
        "insert into rooms (name, folded_name, visibility, created_at)
         values ('', '', 'thread', $1) returning id",
        meta.now,
    )?;
    execute!(
        transaction,
        "insert into threads (room_id, parent_room_id, head_id) values ($1, $2, $3)",
        room,
        head.room,
        head.message,
    )?;
    Ok(room)
}

/// Locks rooms until the transaction ends, in ascending order of id: so a room is locked before its threads,
/// which are younger, and two transactions never wait for each other.
pub(in crate::chat) async fn lock_rooms(
    transaction: &mut Transaction,
    rooms: impl IntoIterator<Item = RoomId>,
) -> Result<(), sqlx::Error> {
    let mut rooms: Vec<RoomId> = rooms.into_iter().collect();
    rooms.sort_unstable();
    rooms.dedup();
    for room in rooms {
        lock(transaction, room).await?;
    }
    Ok(())
}

/// Makes members of a room follow one of its threads, with all replies up to now as read, and returns those
/// who did not follow it before. Leaves out who is no member of the room or whose account is closed. The
/// caller has locked the room, so that no one leaves it and keeps following.
pub(in crate::chat) async fn add_followers(
    transaction: &mut Transaction,
    thread: RoomId,
    parent: RoomId,
    users: &[UserId],
    meta: ChangeMeta,
) -> Result<Vec<User>, sqlx::Error> {
    let added: Vec<UserId> = fetch_scalars!(
        transaction,
        "insert into memberships (user_id, room_id, last_read_seq, joined_at)
         select p.user_id, r.id, r.last_seq, $4
         from memberships p join users u on u.id = p.user_id join rooms r on r.id = $1
         where p.room_id = $2 and u.deactivated_at is null
           and p.user_id in (select cast(value as bigint) from jsonb_each($3))
         on conflict (user_id, room_id) do nothing returning user_id",
        thread,
        parent,
        json_rows(users),
        meta.now,
    )?;
    if added.is_empty() {
        return Ok(Vec::new());
    }
    for user in &added {
        changefeed::record(transaction, meta, Change::Joined(thread, *user)).await?;
    }
    let rows: Vec<UserRow> = fetch_all!(
        transaction,
        concat!(
            "select ",
            USER_COLUMNS!(),
            " from users u
             where u.id in (select cast(value as bigint) from jsonb_each($1)) order by u.id"
        ),
        json_rows(&added),
    )?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Makes the user follow a thread. In a public room they become a member of it, as with a reply.
pub(in crate::chat::rooms) async fn follow(
    db: &Db,
    user: UserId,
    thread: RoomId,
    parent: RoomId,
    meta: ChangeMeta,
) -> Result<Followed, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let joined = insert_joined(&mut transaction, user, parent, &JoinMethod::Public, meta).await?;
    if let Joined::Refused(_) = joined {
        return Ok(Followed { parent: joined, is_new: false });
    }
    lock(&mut transaction, thread).await?;
    let is_new = insert_member(&mut transaction, user, thread, meta).await?;
    transaction.commit().await?;
    Ok(Followed { parent: joined, is_new })
}

/// Ends that a user follows the threads of a room, and returns these threads. The caller has locked the room.
pub(super) async fn unfollow_all(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    meta: ChangeMeta,
) -> Result<Vec<RoomId>, sqlx::Error> {
    let threads: Vec<RoomId> = fetch_scalars!(
        transaction,
        "delete from memberships
         where user_id = $1 and room_id in (select room_id from threads where parent_room_id = $2)
         returning room_id",
        user,
        room,
    )?;
    for thread in &threads {
        changefeed::record(transaction, meta, Change::Left(*thread, user)).await?;
    }
    Ok(threads)
}

/// The thread of a message.
pub(in crate::chat::rooms) async fn thread_of(
    db: &Db,
    head: MessageId,
) -> Result<Option<RoomId>, sqlx::Error> {
    fetch_optional_scalar!(db, "select room_id from threads where head_id = $1", head)
}

/// Those of the rooms that are threads of this room.
pub(in crate::chat::rooms) async fn threads_among(
    db: &Db,
    parent: RoomId,
    rooms: &[RoomId],
) -> Result<Vec<RoomId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select room_id from threads where parent_room_id = $1
           and room_id in (select cast(value as bigint) from jsonb_each($2))",
        parent,
        json_rows(rooms),
    )
}

/// The last active threads of this room that the user follows: as many as are listed.
pub(in crate::chat::rooms) async fn followed_in(
    db: &Db,
    user: UserId,
    parent: RoomId,
) -> Result<Vec<RoomId>, sqlx::Error> {
    fetch_scalars!(
        db,
        "select m.room_id from memberships m join threads t on t.room_id = m.room_id
         where m.user_id = $1 and t.parent_room_id = $2
         order by coalesce(t.last_reply_at, 0) desc, t.room_id desc limit $3",
        user,
        parent,
        LISTED,
    )
}

/// The users who follow a thread.
pub(in crate::chat) async fn followers(
    db: &Db,
    thread: RoomId,
) -> Result<Vec<UserId>, sqlx::Error> {
    fetch_scalars!(db, "select user_id from memberships where room_id = $1", thread)
}

/// The threads that the user follows, the last active first, from the one after `after` on.
pub(in crate::chat::rooms) async fn followed(
    db: &Db,
    user: UserId,
    after: Option<RoomId>,
    limit: Limit,
) -> Result<Page<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = fetch_all_json!(
        db,
        ROOM_COLUMNS!(),
        FROM_ROOMS!(
            "where r.id in (select room_id from memberships where user_id = $1) and r.visibility = 'thread'
               and not exists (select 1 from threads a where a.room_id = $2
                 and (coalesce(a.last_reply_at, 0) < coalesce(t.last_reply_at, 0)
                   or (coalesce(a.last_reply_at, 0) = coalesce(t.last_reply_at, 0) and a.room_id <= t.room_id)))
             order by coalesce(t.last_reply_at, 0) desc, r.id desc limit $3"
        ),
        user,
        after,
        limit.plus_one(),
    )?;
    Ok(Page::cut(rows.into_iter().map(Room::from).collect(), limit))
}
