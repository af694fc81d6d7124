//! What a search may see: the reader's rooms, the id range of days, and the names in a query.

use std::ops::Range;

use crate::chat::rooms::READABLE_ROOMS;
use crate::db::{Db, fetch_all, fetch_one};
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
    #[derive(sqlx::FromRow)]
    struct ScopeRow {
        newest: MessageId,
        complete: bool,
        messages: i64,
        /// Their ids, separated by spaces.
        rooms: String,
    }
    let row: ScopeRow = fetch_one!(
        db,
        concat!(
            "select (select last_value from message_ids) as newest,
                    not exists (select 1 from settings where name = 'search_below') as complete,
                    cast(coalesce(sum(last_seq), 0) as bigint) as messages,
                    coalesce(string_agg(cast(id as text), ' '), '') as rooms
             from rooms where id in (",
            READABLE_ROOMS!("$1"),
            " limit $2)"
        ),
        reader,
        ROOMS_LIMIT,
    )?;
    let ScopeRow { newest, complete, messages, rooms } = row;
    let rooms = rooms.split(' ').filter_map(|id| id.parse().ok().map(RoomId)).collect();
    Ok(Scope { newest, rooms, messages, complete })
}

/// The range of message ids in which all messages of these days are. It may contain others.
pub(in crate::chat::search) async fn span(
    db: &Db,
    days: Range<Timestamp>,
) -> Result<Range<MessageId>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct IdRangesRow {
        first: Option<i64>,
        /// The one after the last.
        beyond: Option<i64>,
    }
    let IdRangesRow { first, beyond } = fetch_one!(
        db,
        "select min(id_range) as first, max(id_range) + 1 as beyond from message_time_ranges
         where newest > $1 and oldest < $2",
        days.start,
        days.end,
    )?;
    Ok(first_id_of(first.unwrap_or(0))..first_id_of(beyond.unwrap_or(0)))
}

/// The names by which a query can mean a user.
#[derive(sqlx::FromRow)]
pub(in crate::chat::search) struct UserNames {
    pub id: UserId,
    pub name: String,
    pub display_name: String,
}

/// The names of all users, including those with closed accounts, whose messages are still there.
pub(in crate::chat::search) async fn user_names(db: &Db) -> Result<Vec<UserNames>, sqlx::Error> {
    fetch_all!(db, "select id, name, display_name from users")
}
