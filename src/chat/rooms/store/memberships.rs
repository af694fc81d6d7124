//! Memberships: the standing of a user, reassigning owners, read markers, counts.

use super::sql::{ROOM_JOINS, SELECT_PROGRESS};
use super::{ProgressRow, parent_message};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::rooms::model::{Progress, RoomStats, Standing, Visibility};
use crate::db::{
    Db, Transaction, execute, fetch_all, fetch_optional, fetch_scalars, json_rows, positional_row,
};
use crate::kernel::{MessageId, Rev, RoomId, Seq, Timestamp, UserId};

positional_row! {
    struct StandingRow {
        created_at: Timestamp,
        rev: Rev,
        last_seq: Seq,
        is_member: bool,
        parent_room: Option<RoomId>,
        head: Option<MessageId>,
        visibility: Visibility,
        is_member_of_gate: bool,
    }
}

/// The standing of a user in a room. It checks no permission.
pub(in crate::chat::rooms) async fn standing(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<Option<Standing>, sqlx::Error> {
    let row: Option<StandingRow> = fetch_optional!(
        db,
        concat!(
            "select r.created_at, r.rev, r.last_seq, m.user_id is not null, t.parent_room_id, t.head_id,
                    case when t.room_id is null then r.visibility else coalesce(p.visibility, 'private') end,
                    case when t.room_id is null then m.user_id is not null else pm.user_id is not null end
             from rooms r",
            ROOM_JOINS!(),
            "where r.id = $2"
        ),
        user,
        room,
    )?;
    Ok(row.map(|row| Standing {
        room,
        created_at: row.created_at,
        rev: row.rev,
        last_seq: row.last_seq,
        is_member: row.is_member,
        parent: parent_message(row.parent_room, row.head),
        visibility: row.visibility,
        is_member_of_gate: row.is_member_of_gate,
    }))
}

/// For each room of a closed account, makes the remaining member who joined first the owner. Returns
/// these rooms.
pub(in crate::chat::rooms) async fn reassign_owner(
    db: &Db,
    user: UserId,
    meta: ChangeMeta,
) -> Result<Vec<RoomId>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let rooms: Vec<RoomId> = fetch_scalars!(
        transaction,
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
        user,
    )?;
    for room in &rooms {
        changefeed::record(&mut transaction, meta, Change::Room(*room)).await?;
    }
    transaction.commit().await?;
    Ok(rooms)
}

/// Moves a read marker forward, never back, and not beyond the last message. Returns the progress after
/// that; `None` if the user is not a member.
pub(in crate::chat::rooms) async fn mark_read(
    db: &Db,
    user: UserId,
    room: RoomId,
    seq: Seq,
    meta: ChangeMeta,
) -> Result<Option<Progress>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update memberships set last_read_seq = $3, read_at = $4, read_by = $5
         where user_id = $1 and room_id = $2 and last_read_seq < $3
           and $3 <= (select last_seq from rooms where id = $2)",
        user,
        room,
        seq,
        meta.now,
        meta.process.0,
    )?;
    let progress: Option<ProgressRow> =
        fetch_optional!(transaction, SELECT_PROGRESS!("and r.id = $2"), user, room)?;
    transaction.commit().await?;
    Ok(progress.map(Progress::from))
}

/// Moves a read marker, but not beyond the last message. Returns the progress after that; `None` if the user is not a
/// member.
pub(in crate::chat::rooms) async fn mark_unread(
    db: &Db,
    user: UserId,
    room: RoomId,
    seq: Seq,
    meta: ChangeMeta,
) -> Result<Option<Progress>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let moved = execute!(
        transaction,
        "update memberships set last_read_seq = $3
         where user_id = $1 and room_id = $2 and last_read_seq <> $3
           and $3 between 0 and (select last_seq from rooms where id = $2)",
        user,
        room,
        seq,
    )?;
    if moved > 0 {
        changefeed::record(&mut transaction, meta, Change::MarkedUnread(room, user)).await?;
    }
    let progress: Option<ProgressRow> =
        fetch_optional!(transaction, SELECT_PROGRESS!("and r.id = $2"), user, room)?;
    transaction.commit().await?;
    Ok(progress.map(Progress::from))
}

/// For each of the rooms: the number of members, how many of them are in `online`, and the owner's
/// display name.
pub(in crate::chat::rooms) async fn stats(
    db: &Db,
    rooms: &[RoomId],
    online: &[UserId],
) -> Result<Vec<(RoomId, RoomStats)>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct StatsRow {
        room: RoomId,
        members: i64,
        online: i64,
        owner: Option<String>,
    }
    let rows: Vec<StatsRow> = fetch_all!(
        db,
        "select r.id as room, count(u.id) as members, count(here.id) as online,
                o.display_name as owner
         from jsonb_each($1) given
         join rooms r on r.id = cast(given.value as bigint)
         left join users o on o.id = r.owner_id and o.deactivated_at is null
         left join memberships m on m.room_id = r.id
         left join users u on u.id = m.user_id and u.deactivated_at is null
         left join (select cast(value as bigint) as id from jsonb_each($2)) here
           on here.id = u.id
         group by r.id, o.display_name",
        json_rows(rooms),
        json_rows(online),
    )?;
    let count = |number: i64| usize::try_from(number).unwrap_or_default();
    let stats = |StatsRow { room, members, online, owner }| {
        (room, RoomStats { members: count(members), online: count(online), owner })
    };
    Ok(rows.into_iter().map(stats).collect())
}

/// Locks a room until the transaction ends: no one else can join, leave or post, so the owner chosen
/// from its members is right. An update that changes nothing locks the row on both engines.
pub(super) async fn lock(transaction: &mut Transaction, room: RoomId) -> Result<(), sqlx::Error> {
    execute!(transaction, "update rooms set rev = rev where id = $1", room)?;
    Ok(())
}

/// Adds a member, with all messages up to now as read, and records the change. Returns false, and does
/// nothing, for a member.
pub(super) async fn insert_member(
    transaction: &mut Transaction,
    user: UserId,
    room: RoomId,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let joined = execute!(
        transaction,
        "insert into memberships (user_id, room_id, last_read_seq, joined_at)
         select $1, id, last_seq, $3 from rooms where id = $2
         on conflict (user_id, room_id) do nothing",
        user,
        room,
        meta.now,
    )?;
    if joined > 0 {
        changefeed::record(transaction, meta, Change::Joined(room, user)).await?;
    }
    Ok(joined > 0)
}
