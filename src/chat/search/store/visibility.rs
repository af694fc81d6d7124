//! What a search may see: the reader's rooms, the id range of days, and the names in a query.

use std::ops::Range;

use crate::chat::rooms::READABLE_ROOMS;
use crate::db::{Db, reading};
use crate::kernel::ids::first_id_of;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// What the reader may read at the time of the request.
#[derive(Clone, Debug)]
pub(in crate::chat::search) struct Scope {
    /// The id of the newest message of the installation.
    pub newest: MessageId,
    /// The rooms the reader may read. If there are many, only some of them.
    rooms: Vec<RoomId>,
    /// The number of messages ever posted in these rooms.
    messages: i64,
    /// Whether all messages are indexed.
    pub complete: bool,
}

/// The index is queried for at most this many rooms.
const MAX_ROOMS: i64 = 64;
/// The most rooms that are read. A public room appears twice for its members.
const ROOMS_LIMIT: i64 = 2 * MAX_ROOMS + 1;
/// If the reader can read less than one message in this many, the query is restricted to their rooms.
/// Otherwise the index would return this many messages of others for each of theirs.
const MIN_SHARE: i64 = 16;

impl Scope {
    /// The reader's rooms, if they are few and contain a small share of all messages.
    pub fn few_rooms(&self) -> Option<&[RoomId]> {
        let few = i64::try_from(self.rooms.len()).is_ok_and(|rooms| rooms <= MAX_ROOMS)
            && self.messages.saturating_mul(MIN_SHARE) < self.newest.0;
        few.then_some(&self.rooms)
    }
}

pub(in crate::chat::search) async fn scope(db: &Db, reader: UserId) -> Result<Scope, sqlx::Error> {
    let (newest, unindexed, messages, rooms): (i64, i64, i64, String) = reading!(db, |pool| {
        sqlx::query_as(concat!(
            "select (select value from counters where name = 'message'),
               (select count(*) from meta where name = 'search_below'),
               cast(coalesce(sum(last_seq), 0) as bigint),
               coalesce(string_agg(cast(id as text), ' '), '')
             from rooms where id in (",
            READABLE_ROOMS!("$1"),
            " limit $2)"
        ))
        .bind(reader.0)
        .bind(ROOMS_LIMIT)
        .fetch_one(pool)
        .await?
    });
    let rooms = rooms.split(' ').filter_map(|id| id.parse().ok().map(RoomId)).collect();
    Ok(Scope { newest: MessageId(newest), rooms, messages, complete: unindexed == 0 })
}

/// The range of message ids in which all messages of these days are. It may contain others.
pub(in crate::chat::search) async fn span(
    db: &Db,
    days: Range<Timestamp>,
) -> Result<Range<MessageId>, sqlx::Error> {
    let (first, end): (Option<i64>, Option<i64>) = reading!(db, |pool| {
        sqlx::query_as(
            "select min(number), max(number) + 1 from eras where newest > $1 and oldest < $2",
        )
        .bind(days.start.0)
        .bind(days.end.0)
        .fetch_one(pool)
        .await?
    });
    Ok(first_id_of(first.unwrap_or(0))..first_id_of(end.unwrap_or(0)))
}

/// All users, including those with closed accounts, whose messages are still there: id, handle and
/// display name.
pub(in crate::chat::search) async fn user_names(
    db: &Db,
) -> Result<Vec<(UserId, String, String)>, sqlx::Error> {
    let rows: Vec<(i64, String, String)> = reading!(db, |pool| {
        sqlx::query_as("select id, name, display_name from users").fetch_all(pool).await?
    });
    Ok(rows.into_iter().map(|(id, name, display_name)| (UserId(id), name, display_name)).collect())
}
