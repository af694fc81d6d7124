//! Whom and what a search is about: who reads, where, and what the names in a query mean.

use std::ops::Range;

use crate::chat::rooms::readable_rooms;
use crate::db::{Db, reading};
use crate::kernel::ids::first_id_of;
use crate::kernel::{MessageId, RoomId, Timestamp, UserId};

/// What somebody may read, when they ask.
#[derive(Clone, Debug)]
pub(in crate::chat::search) struct Scope {
    /// Of all messages, whoever may read it.
    pub newest: MessageId,
    /// Their rooms: of many only some.
    rooms: Vec<RoomId>,
    /// How many messages there were ever in these.
    messages: i64,
    /// Whether all messages are in the index.
    pub complete: bool,
}

/// An index is asked for so many rooms at most.
const MOST_ROOMS: i64 = 64;
/// More is not counted. A public room comes again for who is in it.
const ENOUGH_ROOMS: i64 = 2 * MOST_ROOMS + 1;
/// Who may read less than one message in so many is looked for in their rooms: else an index would name
/// as many of others for each of theirs.
const SHARE: i64 = 16;

impl Scope {
    /// Their rooms, if there are few and little in them.
    pub fn few_rooms(&self) -> Option<&[RoomId]> {
        let few = i64::try_from(self.rooms.len()).is_ok_and(|rooms| rooms <= MOST_ROOMS)
            && self.messages.saturating_mul(SHARE) < self.newest.0;
        few.then_some(&self.rooms)
    }
}

pub(in crate::chat::search) async fn scope(db: &Db, reader: UserId) -> Result<Scope, sqlx::Error> {
    let (newest, earlier, messages, rooms): (i64, i64, i64, String) = reading!(db, |pool| {
        sqlx::query_as(concat!(
            "select (select value from counters where name = 'message'),
               (select count(*) from meta where name = 'search_below'),
               cast(coalesce(sum(last_seq), 0) as bigint),
               coalesce(string_agg(cast(id as text), ' '), '')
             from rooms where id in (",
            readable_rooms!("$1"),
            " limit $2)"
        ))
        .bind(reader.0)
        .bind(ENOUGH_ROOMS)
        .fetch_one(pool)
        .await?
    });
    let rooms = rooms.split(' ').filter_map(|id| id.parse().ok().map(RoomId)).collect();
    Ok(Scope { newest: MessageId(newest), rooms, messages, complete: earlier == 0 })
}

/// Among which messages those of these days are; there may be others between.
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

/// Everybody who ever had an account: what they wrote is still there.
pub(in crate::chat::search) async fn people(
    db: &Db,
) -> Result<Vec<(UserId, String, String)>, sqlx::Error> {
    let rows: Vec<(i64, String, String)> = reading!(db, |pool| {
        sqlx::query_as("select id, name, display_name from users").fetch_all(pool).await?
    });
    Ok(rows.into_iter().map(|(id, name, shown)| (UserId(id), name, shown)).collect())
}
