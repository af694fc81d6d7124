//! Where the user stands in one of their rooms, and in the threads that are listed for them.

use super::ProgressRow;
use super::sql::{LISTED_THREADS, SELECT_PROGRESS, UNREAD, UNREAD_MENTIONS};
use crate::chat::rooms::model::Progress;
use crate::db::{Db, fetch_one, fetch_optional};
use crate::kernel::{RoomId, UserId};
use crate::limits::threads::LISTED;

/// Where the user stands in one room; `None` if they are not a member.
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
