//! News: what one process changes, besides messages, is noted in the same transaction for the others on
//! the database, which tell their own connections of it within a second. The one that changed something
//! tells its own at once. A connection that was away asks for them too (`meanwhile`). How far people have
//! read is not noted but read off the memberships: there are too many reads, and only the last one of each
//! counts.

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

/// How much further back is looked than one has heard: commits take their time, and clocks differ.
pub const OVERLAP: Duration = Duration::from_secs(10);
/// How long news are kept: much longer than any process goes without asking, and as long as a page is
/// told what it missed while its machine slept.
pub const RETENTION: Duration = Duration::from_hours(7 * 24);

/// Where somebody has read how far.
pub type Read = ((UserId, RoomId), Seq);

/// Hears of everything once.
pub struct Poller {
    db: Db,
    clock: Clock,
    me: ProcessId,
    seen: SeenIds,
    read: HashMap<(UserId, RoomId), Seq>,
}

impl Poller {
    /// What happened so far concerns nobody: no one is connected yet.
    pub async fn new(db: Db, clock: Clock, me: ProcessId) -> Result<Self, ServiceError> {
        let heard = SeenIds::starting_after(store::last(&db).await?);
        let mut ear = Self { db, clock, me, seen: heard, read: HashMap::new() };
        for (id, _) in ear.changes().await? {
            ear.acknowledge(id);
        }
        ear.read_markers().await?;
        Ok(ear)
    }

    /// What others noted and was not told yet, with its numbers.
    pub async fn changes(&mut self) -> Result<Vec<(i64, Change)>, ServiceError> {
        let mut noted = store::after(&self.db, self.seen.resume_from()).await?;
        noted.retain(|(id, ..)| !self.seen.contains(*id));
        let mut others = Vec::new();
        for (id, origin, news) in noted {
            match news.filter(|_| origin != self.me) {
                Some(news) => others.push((id, news)),
                None => self.acknowledge(id),
            }
        }
        Ok(others)
    }

    /// Notes that it was told: it does not come again.
    pub fn acknowledge(&mut self, id: i64) {
        self.seen.insert(id);
    }

    /// Who has read further through another process.
    pub async fn read_markers(&mut self) -> Result<Vec<Read>, ServiceError> {
        let then = self.clock.now().minus(OVERLAP);
        let reads = store::reads_since(&self.db, then, self.me).await?;
        let known = std::mem::replace(&mut self.read, reads.iter().copied().collect());
        Ok(reads.into_iter().filter(|(place, seq)| known.get(place) != Some(seq)).collect())
    }
}

/// Forgets what every process has long heard of.
///
/// # Errors
/// When it cannot be written.
pub async fn prune(db: &Db, clock: &Clock) -> Result<(), ServiceError> {
    Ok(store::prune(db, clock.now().minus(RETENTION)).await?)
}
