//! Where the user stands in their own rooms, and in the threads that are listed for them.

use super::ProgressRow;
use super::sql::{
    FROM_OWN_ROOMS, LISTED_THREADS, PROGRESS_COLUMNS, SELECT_PROGRESS, UNREAD, UNREAD_MENTIONS,
};
use crate::chat::rooms::model::Progress;
use crate::db::{Db, fetch_all_json, fetch_one, fetch_optional, fetch_scalars, positional_row};
use crate::kernel::{RoomId, UserId};
use crate::limits::threads::LISTED;

/// The rooms the user is a member of, without threads.
pub(in crate::chat::rooms) async fn memberships(
    db: &Db,
    user: UserId,
) -> Result<Vec<RoomId>, sqlx::Error> {
    positional_row! {
        struct MembershipRow {
            room: RoomId,
        }
    }
    let rows: Vec<MembershipRow> = fetch_all_json!(
        db,
        "room_id",
        "from memberships where user_id = $1
           and not exists (select 1 from threads t where t.room_id = memberships.room_id)
         order by room_id",
        user,
    )?;
    Ok(rows.into_iter().map(|row| row.room).collect())
}

/// The threads that are listed for the user, the last active first.
pub(in crate::chat::rooms) async fn listed_threads(
    db: &Db,
    user: UserId,
) -> Result<Vec<RoomId>, sqlx::Error> {
    fetch_scalars!(db, LISTED_THREADS!("$1", "$2"), user, LISTED)
}

/// The progress in the rooms the user is a member of, and in the threads that are listed for them.
pub(in crate::chat::rooms) async fn my_rooms(
    db: &Db,
    user: UserId,
) -> Result<Vec<Progress>, sqlx::Error> {
    let rows: Vec<ProgressRow> = fetch_all_json!(
        db,
        PROGRESS_COLUMNS!(),
        concat!(
            FROM_OWN_ROOMS!("and (t.room_id is null or r.id in ("),
            LISTED_THREADS!("$1", "$2"),
            ")) order by r.id"
        ),
        user,
        LISTED,
    )?;
    Ok(rows.into_iter().map(Progress::from).collect())
}

/// The same for one room.
pub(in crate::chat::rooms) async fn progress(
    db: &Db,
    user: UserId,
    room: RoomId,
) -> Result<Option<Progress>, sqlx::Error> {
    let row: Option<ProgressRow> =
        fetch_optional!(db, SELECT_PROGRESS!("and r.id = $2"), user, room)?;
    Ok(row.map(Progress::from))
}

/// Of the threads that are listed for the user, the number of those with unread replies, and of unread mentions in
/// them.
pub(in crate::chat::rooms) async fn unread_threads(
    db: &Db,
    user: UserId,
) -> Result<(i64, i64), sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct UnreadRow {
        threads: i64,
        mentions: i64,
    }
    let row: UnreadRow = fetch_one!(
        db,
        concat!(
            "select count(case when unread > 0 then 1 end) as threads,
                    cast(coalesce(sum(mentions), 0) as bigint) as mentions
             from (select ",
            UNREAD!(),
            " as unread, ",
            UNREAD_MENTIONS!(),
            " as mentions from memberships m
               join rooms r on r.id = m.room_id
               where m.user_id = $1 and m.last_read_seq < r.last_seq and r.id in (",
            LISTED_THREADS!("$1", "$2"),
            ")) x"
        ),
        user,
        LISTED,
    )?;
    Ok((row.threads, row.mentions))
}
