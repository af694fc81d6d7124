//! The change feed. A process records every change other than messages in the same transaction, for the other
//! processes on the database, which publish it to their own connections within a second. The process that
//! makes a change publishes it to its own connections immediately. A client that reconnects reads the same
//! feed (`chat/sync`). Read markers are not recorded but polled from the memberships: there are too many, and
//! only the latest one per user and room matters.

pub mod model;
mod seen_ids;
mod store;

use std::collections::HashMap;
use std::time::Duration;

use self::model::{Change, ProcessId};
pub use self::seen_ids::SeenIds;
pub use self::store::record;
use crate::db::Db;
use crate::kernel::{Clock, RoomId, Seq, ServiceError, UserId};

/// Overlap when polling by time, to cover slow commits and clock skew.
pub const OVERLAP: Duration = Duration::from_secs(10);
/// How long changes are kept: much longer than any process pauses its polling, and as long as a page can
/// catch up after its machine slept.
pub const RETENTION: Duration = Duration::from_hours(7 * 24);

/// A user's read marker in a room.
pub type Read = ((UserId, RoomId), Seq);

/// Polls the feed and returns each change of another process once.
pub struct Poller {
    db: Db,
    clock: Clock,
    me: ProcessId,
    seen: SeenIds,
    read: HashMap<(UserId, RoomId), Seq>,
}

impl Poller {
    /// Starts after all current changes: there are no connections yet that would need them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn new(db: Db, clock: Clock, me: ProcessId) -> Result<Self, ServiceError> {
        let seen = SeenIds::starting_after(store::last(&db).await?);
        let mut poller = Self { db, clock, me, seen, read: HashMap::new() };
        for (id, _) in poller.changes().await? {
            poller.acknowledge(id);
        }
        poller.read_markers().await?;
        Ok(poller)
    }

    /// Returns the changes of other processes that are not acknowledged yet, with their row ids.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn changes(&mut self) -> Result<Vec<(i64, Change)>, ServiceError> {
        let mut recorded = store::after(&self.db, self.seen.resume_from()).await?;
        recorded.retain(|(id, ..)| !self.seen.contains(*id));
        let mut others = Vec::new();
        for (id, origin, change) in recorded {
            match change.filter(|_| origin != self.me) {
                Some(change) => others.push((id, change)),
                None => self.acknowledge(id),
            }
        }
        Ok(others)
    }

    /// Marks a change as published: [`Self::changes`] does not return it again.
    pub fn acknowledge(&mut self, id: i64) {
        self.seen.insert(id);
    }

    /// Returns the read markers that other processes have moved since the last call.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read_markers(&mut self) -> Result<Vec<Read>, ServiceError> {
        let then = self.clock.now().minus(OVERLAP);
        let reads = store::reads_since(&self.db, then, self.me).await?;
        let known = std::mem::replace(&mut self.read, reads.iter().copied().collect());
        Ok(reads.into_iter().filter(|(key, seq)| known.get(key) != Some(seq)).collect())
    }
}

/// Deletes changes older than [`RETENTION`], which every process has read long ago.
///
/// # Errors
/// If the database fails.
pub async fn prune(db: &Db, clock: &Clock) -> Result<(), ServiceError> {
    Ok(store::prune(db, clock.now().minus(RETENTION)).await?)
}
