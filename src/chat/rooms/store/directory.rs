//! Creating, finding and changing rooms.

use super::RoomRow;
use super::memberships::{insert_member, lock};
use super::sql::{
    FROM_ROOMS, NAMING_USER, ROOM_COLUMNS, ROOM_JOINS, SELECT_ROOM, UNREAD, UNREAD_MENTIONS,
};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedRoom};
use crate::chat::names::model::{NameFilter, Subject};
use crate::chat::names::store::{self as names, fetch_list_page};
use crate::chat::rooms::model::{
    Code, FixedMembers, NewRoom, Room, RoomChange, RoomName, RoomTopic, Visibility,
};
use crate::db::{
    Db, Transaction, execute, fetch_all_json, fetch_optional, fetch_optional_scalar, fetch_scalar,
    is_unique_violation, json_rows,
};
use crate::kernel::paging::{ListPage, PageStart};
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// Creates the lobby if there is none. Returns when it was created.
pub(in crate::chat::rooms) async fn ensure_lobby(
    db: &Db,
    name: &str,
    normalized: &str,
    now: Timestamp,
) -> Result<Timestamp, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let created: Option<RoomId> = fetch_optional_scalar!(
        transaction,
        "insert into rooms (name, folded_name, visibility, lobby, created_at)
         select $1, $2, 'public', 1, $3
         where not exists (select 1 from rooms where lobby = 1)
         on conflict (lobby) where lobby = 1 do nothing returning id",
        name,
        normalized,
        now,
    )?;
    if let Some(room) = created {
        names::record(&mut transaction, Subject::Room(room), &[name]).await?;
    }
    let created_at = fetch_scalar!(transaction, "select created_at from rooms where lobby = 1")?;
    transaction.commit().await?;
    Ok(created_at)
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
    let added: Option<RoomId> = fetch_optional_scalar!(
        transaction,
        "insert into rooms
           (name, folded_name, topic, visibility, owner_id, code, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (folded_name) where visibility = 'public' do nothing
         returning id",
        new.name.as_str(),
        new.name.folded(),
        new.topic.as_str(),
        new.visibility,
        owner,
        code.as_str(),
        meta.now,
    )?;
    let Some(room) = added else { return Ok(None) };
    names::record(&mut transaction, Subject::Room(room), &[new.name.as_str()]).await?;
    insert_member(&mut transaction, owner, room, meta).await?;
    if new.visibility == Visibility::Public {
        changefeed::record(&mut transaction, meta, Change::Room(room)).await?;
    }
    transaction.commit().await?;
    Ok(Some(room))
}

/// A query for the direct message or group with the key `$1` and the visibility `$2`.
macro_rules! SELECT_FIXED {
    () => {
        "select id from rooms
         where folded_name = $1 and visibility = $2 and visibility in ('direct', 'group')"
    };
}

/// The direct message or group with these members, created if there is none. True if it is new.
pub(in crate::chat::rooms) async fn ensure_fixed(
    db: &Db,
    members: &FixedMembers,
    meta: ChangeMeta,
) -> Result<(RoomId, bool), sqlx::Error> {
    let mut transaction = db.begin().await?;
    let found =
        fetch_optional_scalar!(transaction, SELECT_FIXED!(), members.key(), members.visibility())?;
    if let Some(room) = found {
        return Ok((room, false));
    }
    let added: Option<RoomId> = fetch_optional_scalar!(
        transaction,
        "insert into rooms (name, folded_name, visibility, created_at)
         values ('', $1, $2, $3) on conflict do nothing returning id",
        members.key(),
        members.visibility(),
        meta.now,
    )?;
    let Some(room) = added else {
        // Another process created it first and has committed: the insert waited for that.
        let found = fetch_optional_scalar!(
            transaction,
            SELECT_FIXED!(),
            members.key(),
            members.visibility()
        )?;
        return Ok((found.ok_or(sqlx::Error::RowNotFound)?, false));
    };
    for member in members.ids() {
        insert_member(&mut transaction, member, room, meta).await?;
    }
    transaction.commit().await?;
    Ok((room, true))
}

/// The direct message or group with these members, if there is one.
pub(in crate::chat::rooms) async fn find_fixed(
    db: &Db,
    members: &FixedMembers,
) -> Result<Option<RoomId>, sqlx::Error> {
    fetch_optional_scalar!(db, SELECT_FIXED!(), members.key(), members.visibility())
}

/// Any room, with the membership of this user. It checks no permission.
pub(in crate::chat::rooms) async fn find(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<Option<Room>, sqlx::Error> {
    let row: Option<RoomRow> = fetch_optional!(db, SELECT_ROOM!("where r.id = $2"), user, room)?;
    Ok(row.map(Room::from))
}

/// The room of a message, as [`find`] has it.
pub(in crate::chat::rooms) async fn find_by_message(
    db: &Db,
    user: UserId,
    message: MessageId,
) -> Result<Option<Room>, sqlx::Error> {
    let row: Option<RoomRow> = fetch_optional!(
        db,
        SELECT_ROOM!("where r.id = (select n.room_seq_key >> 32 from messages n where n.id = $2)"),
        user,
        message,
    )?;
    Ok(row.map(Room::from))
}

/// The room with this code, if it has a member with an open account. A room whose members have all left
/// belongs to no one, so its code no longer works.
pub(in crate::chat::rooms) async fn find_by_code(
    db: &Db,
    user: UserId,
    code: &Code,
) -> Result<Option<Room>, sqlx::Error> {
    let row: Option<RoomRow> = fetch_optional!(
        db,
        SELECT_ROOM!(
            "where r.code = $2
               and exists (select 1 from memberships x join users v on v.id = x.user_id
                           where x.room_id = r.id and v.deactivated_at is null)"
        ),
        user,
        code.as_str(),
    )?;
    Ok(row.map(Room::from))
}

/// The public rooms and those the user is a member of: the lobby first, then by name.
pub(in crate::chat::rooms) async fn list(db: &Db, user: UserId) -> Result<Vec<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = fetch_all_json!(
        db,
        ROOM_COLUMNS!(),
        FROM_ROOMS!(
            "where r.visibility = 'public' or (m.user_id is not null and r.visibility <> 'thread')
             order by r.lobby desc, coalesce(o.sort_key, r.sort_key), r.id"
        ),
        user,
    )?;
    Ok(rows.into_iter().map(Room::from).collect())
}

/// The rooms the user is a member of: the lobby first, then by name. Its cost does not depend on the
/// number of other rooms.
pub(in crate::chat::rooms) async fn own(db: &Db, user: UserId) -> Result<Vec<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = fetch_all_json!(
        db,
        ROOM_COLUMNS!(),
        FROM_ROOMS!(
            "where r.id in (select room_id from memberships where user_id = $1) and r.visibility <> 'thread'
             order by r.lobby desc, coalesce(o.sort_key, r.sort_key), r.id"
        ),
        user,
    )?;
    Ok(rows.into_iter().map(Room::from).collect())
}

/// Those of these rooms that exist, with the membership of this user. It checks no permission.
pub(in crate::chat::rooms) async fn among(
    db: &Db,
    user: UserId,
    rooms: &[RoomId],
) -> Result<Vec<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = fetch_all_json!(
        db,
        ROOM_COLUMNS!(),
        FROM_ROOMS!("where r.id in (select cast(value as bigint) from jsonb_each($2))"),
        user,
        json_rows(rooms),
    )?;
    Ok(rows.into_iter().map(Room::from).collect())
}

/// The first rooms that both users are members of, without direct messages and groups: the lobby first,
/// then by name.
pub(in crate::chat::rooms) async fn common(
    db: &Db,
    user: UserId,
    other: UserId,
) -> Result<Vec<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = fetch_all_json!(
        db,
        ROOM_COLUMNS!(),
        FROM_ROOMS!(
            "where r.id in (select mine.room_id from memberships mine
                            join memberships theirs on theirs.room_id = mine.room_id
                            where mine.user_id = $1 and theirs.user_id = $2)
               and r.visibility in ('public', 'private')
             order by r.lobby desc, r.sort_key, r.id limit 20"
        ),
        user,
        other,
    )?;
    Ok(rows.into_iter().map(Room::from).collect())
}

/// A page of the public rooms and those the user is a member of, without direct messages and groups: the lobby
/// first, then by name.
pub(in crate::chat::rooms) async fn page(
    db: &Db,
    user: UserId,
    filter: &NameFilter,
    start: &PageStart,
) -> Result<ListPage<Room>, sqlx::Error> {
    let rows: Vec<RoomRow> = fetch_list_page!(
        db,
        start,
        ROOM_COLUMNS!(),
        FROM_ROOMS!(
            "where (r.visibility = 'public' or m.user_id is not null)
               and r.visibility not in ('direct', 'group', 'thread')
               and r.filter_text like $2 escape '\\'"
        ),
        order by ("(case when r.lobby = 1 then '' else r.sort_key end)", "r.id")
          from "$3", "$4", "$5",
        user,
        filter.pattern(),
    )?;
    let rows = rows.into_iter().map(Room::from).collect();
    Ok(ListPage::cut(rows, start, Room::position))
}

/// The lobby's id.
pub(in crate::chat::rooms) async fn lobby(db: &Db) -> Result<RoomId, sqlx::Error> {
    fetch_scalar!(db, "select id from rooms where lobby = 1")
}

/// Changes a room. Returns false if the new name is taken among public rooms, or the room is
/// gone.
pub(in crate::chat::rooms) async fn update(
    db: &Db,
    actor: UserId,
    room: &Room,
    change: &RoomChange,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    // An unchanged name is not recorded in the audit log.
    let name = change.name.as_ref().filter(|name| name.as_str() != room.name);
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
    let updated = execute!(
        transaction,
        "update rooms set name = coalesce($1, name), folded_name = coalesce($2, folded_name),
                          topic = coalesce($3, topic),
                          wide_mentions_restricted = coalesce($4, wide_mentions_restricted),
                          link_previews = coalesce($5, link_previews)
         where id = $6",
        name.map(RoomName::as_str),
        name.map(RoomName::folded),
        change.topic.as_ref().map(RoomTopic::as_str),
        change.wide_mentions_restricted.map(i64::from),
        change.link_previews.map(i64::from),
        room.id,
    );
    match updated {
        Err(error) if is_unique_violation(&error) => Ok(false),
        Err(error) => Err(error),
        // No row: the room is gone.
        Ok(0) => Ok(false),
        Ok(_) => {
            if let Some(new_name) = name.map(RoomName::as_str) {
                let action = Action::RenameRoom {
                    room: NamedRoom { id: room.id, name: &room.name },
                    new_name,
                };
                audit::record(&mut transaction, Some(actor), action, meta.now).await?;
            }
            changefeed::record(&mut transaction, meta, Change::Room(room.id)).await?;
            transaction.commit().await.map(|()| true)
        }
    }
}

async fn is_public(transaction: &mut Transaction, room: RoomId) -> Result<bool, sqlx::Error> {
    fetch_scalar!(
        transaction,
        "select exists (select 1 from rooms where id = $1 and visibility = 'public')",
        room,
    )
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
    execute!(transaction, "update rooms set code = $1 where id = $2", code.as_str(), room,)?;
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
    let changed = execute!(
        transaction,
        "update rooms set owner_id = $1 where id = $2
           and exists (select 1 from memberships where room_id = $2 and user_id = $1)",
        owner,
        room,
    )?;
    transaction.commit().await?;
    Ok(changed > 0)
}
