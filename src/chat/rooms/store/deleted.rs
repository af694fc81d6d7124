//! Deleted rooms: their former state, restoring and purging them.

use super::sql::{GATE, SELECT_DELETED};
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedRoom};
use crate::chat::names::model::{NameFilter, Subject};
use crate::chat::names::store::{self as names, fetch_list_page};
use crate::chat::rooms::model::{RoomSummary, Visibility};
use crate::db::{
    Db, Transaction, execute, fetch_all, fetch_all_json, fetch_optional, fetch_scalar,
    fetch_scalars, positional_row,
};
use crate::jobs::model::Job;
use crate::kernel::paging::{ListPage, PageStart};
use crate::kernel::{RoomId, Timestamp, UserId};
use crate::limits::deletion::ROOM_RESTORABLE;
use crate::{changefeed, jobs};

/// A deleted room. `purging`: it can no longer be restored, and its messages are being deleted.
#[derive(sqlx::FromRow)]
pub(in crate::chat::rooms) struct Tombstone {
    pub id: RoomId,
    pub name: String,
    pub visibility: Visibility,
    pub deleted_by: UserId,
    pub deleted_at: Timestamp,
    pub purging: bool,
}

pub(in crate::chat::rooms) async fn deleted(
    db: &Db,
    room: RoomId,
) -> Result<Option<Tombstone>, sqlx::Error> {
    fetch_optional!(db, SELECT_DELETED!("where d.room_id = $1"), room)
}

/// The rooms that this user deleted and that are not being purged, the last deleted first.
pub(in crate::chat::rooms) async fn deleted_by(
    db: &Db,
    user: UserId,
) -> Result<Vec<Tombstone>, sqlx::Error> {
    fetch_all!(
        db,
        SELECT_DELETED!(
            "where d.deleted_by = $1 and d.purged_at is null order by d.deleted_at desc"
        ),
        user,
    )
}

/// All deleted rooms that are not being purged.
pub(in crate::chat::rooms) async fn all_deleted(db: &Db) -> Result<Vec<RoomId>, sqlx::Error> {
    fetch_scalars!(db, "select room_id from deleted_rooms where purged_at is null")
}

/// Whether the user could read the room until it, or that of the thread, was deleted.
pub(in crate::chat::rooms) async fn had_been_visible(
    db: &Db,
    room: RoomId,
    user: UserId,
) -> Result<bool, sqlx::Error> {
    fetch_scalar!(
        db,
        concat!(
            "select exists (select 1 from deleted_rooms d where room_id = ",
            GATE!("$1"),
            " and (visibility = 'public'
             or exists (select 1 from deleted_memberships m
                        where m.room_id = d.room_id and m.user_id = $2)))"
        ),
        room,
        user,
    )
}

/// The state of a room, read under a lock: no one can join, leave or post until the transaction ends.
#[derive(sqlx::FromRow)]
struct LockedRoom {
    name: String,
    folded_name: String,
    visibility: Visibility,
    lobby: bool,
    owner_id: Option<UserId>,
    code: Option<String>,
}

async fn lock(
    transaction: &mut Transaction,
    room: RoomId,
) -> Result<Option<LockedRoom>, sqlx::Error> {
    fetch_optional!(
        transaction,
        "update rooms set rev = rev where id = $1
         returning name, folded_name, visibility, lobby = 1 as lobby, owner_id, code",
        room,
    )
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
    if before.lobby || before.visibility.is_permanent() {
        return Ok(false);
    }
    execute!(
        transaction,
        "update rooms set visibility = 'private', owner_id = null, code = null where id = $1",
        room,
    )?;
    let deleted = execute!(
        transaction,
        "insert into deleted_rooms
           (room_id, visibility, folded_name, code, owner_id, deleted_by, deleted_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (room_id) do nothing",
        room,
        before.visibility,
        &before.folded_name,
        &before.code,
        before.owner_id,
        actor,
        meta.now,
    )?;
    if deleted == 0 {
        return Ok(false);
    }
    execute!(
        transaction,
        "insert into deleted_memberships
           (room_id, user_id, last_read_seq, joined_at, favourite, section)
         select room_id, user_id, last_read_seq, joined_at, favourite, section from memberships
         where room_id = $1 or room_id in (select room_id from threads where parent_room_id = $1)",
        room,
    )?;
    execute!(
        transaction,
        "delete from memberships
         where room_id = $1 or room_id in (select room_id from threads where parent_room_id = $1)",
        room,
    )?;
    changefeed::record(&mut transaction, meta, Change::Room(room)).await?;
    jobs::enqueue(&mut transaction, Job::PurgeRoom(room), meta.now.plus(ROOM_RESTORABLE)).await?;
    let action = Action::DeleteRoom { room: NamedRoom { id: room, name: &before.name } };
    audit::record(&mut transaction, Some(actor), action, meta.now).await?;
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
    #[derive(sqlx::FromRow)]
    struct FormerState {
        visibility: Visibility,
        code: Option<String>,
        owner_id: Option<UserId>,
    }
    let mut transaction = db.begin().await?;
    let Some(locked) = lock(&mut transaction, room).await? else { return Ok(false) };
    let former: Option<FormerState> = fetch_optional!(
        transaction,
        "delete from deleted_rooms where room_id = $1 and purged_at is null
         returning visibility, code, owner_id",
        room,
    )?;
    let Some(FormerState { visibility, code, owner_id }) = former else { return Ok(false) };
    execute!(
        transaction,
        "update rooms set visibility = $2, code = $3, owner_id = $4 where id = $1",
        room,
        visibility,
        &code,
        owner_id,
    )?;
    execute!(
        transaction,
        "insert into memberships (room_id, user_id, last_read_seq, joined_at, favourite, section)
         select room_id, user_id, last_read_seq, joined_at, favourite, section
         from deleted_memberships
         where room_id = $1 or room_id in (select room_id from threads where parent_room_id = $1)",
        room,
    )?;
    execute!(
        transaction,
        "delete from deleted_memberships
         where room_id = $1 or room_id in (select room_id from threads where parent_room_id = $1)",
        room,
    )?;
    changefeed::record(&mut transaction, meta, Change::Room(room)).await?;
    // The account of the former owner may have been closed since the deletion.
    if let Some(owner) = owner_id {
        jobs::enqueue(&mut transaction, Job::ReassignRooms(owner), meta.now).await?;
    }
    let action = Action::RestoreRoom { room: NamedRoom { id: room, name: &locked.name } };
    audit::record(&mut transaction, Some(actor), action, meta.now).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Ends the time in which a room can be restored. Returns false if it was deleted after
/// `deleted_before`.
pub(in crate::chat::rooms) async fn begin_purge(
    db: &Db,
    room: RoomId,
    now: Timestamp,
    deleted_before: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock(&mut transaction, room).await?;
    let started = execute!(
        transaction,
        "update deleted_rooms set purged_at = coalesce(purged_at, $2)
         where room_id = $1 and deleted_at <= $3",
        room,
        now,
        deleted_before,
    )?;
    transaction.commit().await?;
    Ok(started > 0)
}

/// Clears everything of a room except its id.
pub(in crate::chat::rooms) async fn finish_purge(db: &Db, room: RoomId) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    names::record(&mut transaction, Subject::Room(room), &[]).await?;
    execute!(
        transaction,
        "update rooms set name = '', folded_name = '', topic = '', last_seq = 0 where id = $1",
        room,
    )?;
    execute!(
        transaction,
        "update deleted_rooms set folded_name = '', code = null, owner_id = null where room_id = $1",
        room,
    )?;
    execute!(transaction, "delete from deleted_memberships where room_id = $1", room)?;
    execute!(transaction, "delete from drafts where room_id = $1", room)?;
    transaction.commit().await
}

positional_row! {
    /// The columns of `SUMMARY_COLUMNS!`.
    struct SummaryRow {
        id: RoomId,
        name: String,
        visibility: Visibility,
        lobby: bool,
        owner: Option<String>,
        owner_name: Option<String>,
        members: i64,
        messages: i64,
        deleted_at: Option<Timestamp>,
        sort_key: String,
    }
}

/// The columns of a [`SummaryRow`].
macro_rules! SUMMARY_COLUMNS {
    () => {
        "r.id, r.name, coalesce(d.visibility, r.visibility), r.lobby = 1, o.name, o.display_name,
         (select count(*) from memberships m where m.room_id = r.id)
           + (select count(*) from deleted_memberships g where g.room_id = r.id),
         r.last_seq, d.deleted_at, coalesce(r.sort_key, '')"
    };
}

/// The `from` clause of `SUMMARY_COLUMNS!`, to be followed by a further condition.
macro_rules! FROM_SUMMARIES {
    ($rest:literal) => {
        concat!(
            "from rooms r
             left join deleted_rooms d on d.room_id = r.id
             left join users o on o.id = coalesce(d.owner_id, r.owner_id)
             where r.visibility not in ('direct', 'group', 'thread') and d.purged_at is null ",
            $rest
        )
    };
}

impl From<SummaryRow> for RoomSummary {
    fn from(row: SummaryRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            visibility: row.visibility,
            lobby: row.lobby,
            owner: row.owner.zip(row.owner_name),
            members: row.members,
            messages: row.messages,
            deleted_at: row.deleted_at,
            sort_key: row.sort_key,
        }
    }
}

/// A page of all rooms except direct messages and groups, including deleted ones that can still be restored: the
/// lobby first, then by name.
pub(in crate::chat::rooms) async fn summary_page(
    db: &Db,
    filter: &NameFilter,
    start: &PageStart,
) -> Result<ListPage<RoomSummary>, sqlx::Error> {
    let rows: Vec<SummaryRow> = fetch_list_page!(
        db,
        start,
        SUMMARY_COLUMNS!(),
        FROM_SUMMARIES!("and r.filter_text like $1 escape '\\'"),
        order by ("(case when r.lobby = 1 then '' else r.sort_key end)", "r.id")
          from "$2", "$3", "$4",
        filter.pattern(),
    )?;
    let rows = rows.into_iter().map(RoomSummary::from).collect();
    Ok(ListPage::cut(rows, start, RoomSummary::position))
}

/// One of these rooms.
pub(in crate::chat::rooms) async fn summary(
    db: &Db,
    room: RoomId,
) -> Result<Option<RoomSummary>, sqlx::Error> {
    let rows: Vec<SummaryRow> =
        fetch_all_json!(db, SUMMARY_COLUMNS!(), FROM_SUMMARIES!("and r.id = $1"), room)?;
    Ok(rows.into_iter().next().map(RoomSummary::from))
}
