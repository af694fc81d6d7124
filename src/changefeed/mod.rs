//! The change feed. A process records every change other than messages in the same transaction, for the other
//! processes on the database, which publish it to their own connections within a second: changes of users,
//! rooms and memberships, and revoked credentials. The process that makes a change publishes it to its own
//! connections immediately. A client that reconnects reads the same feed (`chat/sync`). Read markers are not
//! recorded but polled from the memberships: there are too many, and only the latest one per user and room
//! matters.

pub mod model;
mod seen_ids;
mod store;

use std::collections::HashSet;
use std::time::Duration;

use self::model::{Change, ProcessId};
use self::seen_ids::SeenIds;
pub(crate) use self::store::push_record;
pub use self::store::record;
use crate::db::Db;
use crate::kernel::{Clock, RoomId, Seq, ServiceError, UserId};

/// Overlap when polling by time, to cover slow commits and clock skew.
pub const OVERLAP: Duration = Duration::from_secs(10);
/// How long a query of a poll may take on a server. A connection that is lost without a word must not keep a process from
/// learning of revocations.
const LOOK_TIMEOUT: Duration = Duration::from_secs(4);
/// How many ids may still be uncommitted below the greatest one: more than the sessions of one user, which closing
/// their account revokes in one transaction.
const LATE_IDS: i64 = 1_000;
/// How long changes are kept: much longer than any process pauses its polling, and as long as a page can
/// catch up after its machine slept.
pub const RETENTION: Duration = Duration::from_hours(7 * 24);

/// A user's read marker in a room.
#[derive(Clone, Copy, PartialEq, Eq, Hash, sqlx::FromRow)]
pub struct Read {
    #[sqlx(rename = "user_id")]
    pub user: UserId,
    #[sqlx(rename = "room_id")]
    pub room: RoomId,
    #[sqlx(rename = "last_read_seq")]
    pub seq: Seq,
}

/// Polls the feed and returns each change of another process once.
pub struct Poller {
    db: Db,
    clock: Clock,
    me: ProcessId,
    seen: SeenIds,
    read: HashSet<Read>,
}

impl Poller {
    /// Starts after all current changes: there are no connections yet that would need them.
    pub async fn new(db: Db, clock: Clock, me: ProcessId) -> Result<Self, ServiceError> {
        let overlap = if db.commits_in_order_of_ids() { 0 } else { LATE_IDS };
        let seen = SeenIds::starting_after(store::last(&db).await?, overlap);
        let mut poller = Self { db, clock, me, seen, read: HashSet::new() };
        for (id, _) in poller.changes().await? {
            poller.acknowledge(id);
        }
        poller.read_markers().await?;
        Ok(poller)
    }

    /// Returns the changes of other processes that are not acknowledged yet, with their row ids.
    pub async fn changes(&mut self) -> Result<Vec<(i64, Change)>, ServiceError> {
        let reading = store::after(&self.db, self.seen.resume_from());
        let mut recorded = self.db.within(LOOK_TIMEOUT, reading).await?;
        recorded.retain(|row| !self.seen.contains(row.id));
        let mut others = Vec::new();
        for row in recorded {
            match row.change().filter(|_| row.process != self.me.0) {
                Some(change) => others.push((row.id, change)),
                None => self.acknowledge(row.id),
            }
        }
        Ok(others)
    }

    /// Marks a change as published: [`Self::changes`] does not return it again.
    pub fn acknowledge(&mut self, id: i64) {
        self.seen.insert(id);
    }

    /// Returns the read markers that other processes have moved since the last call.
    pub async fn read_markers(&mut self) -> Result<Vec<Read>, ServiceError> {
        let then = self.clock.now().minus(OVERLAP);
        let reading = store::reads_since(&self.db, then, self.me);
        let mut reads = self.db.within(LOOK_TIMEOUT, reading).await?;
        let known = std::mem::replace(&mut self.read, reads.iter().copied().collect());
        reads.retain(|read| !known.contains(read));
        Ok(reads)
    }
}

/// Deletes changes older than [`RETENTION`], which every process has read long ago.
pub async fn prune(db: &Db, clock: &Clock) -> Result<(), ServiceError> {
    Ok(store::prune(db, clock.now().minus(RETENTION)).await?)
}
