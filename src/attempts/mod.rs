//! Counts attempts of clients who are not known yet: to sign in, to register, to find out whether a name is free.
//! `SQLite` has one process, which counts in memory. Processes that share a `PostgreSQL` database count together, in
//! an unlogged table, so that several do not give several times as many attempts.
//!
//! It decides by the algorithm of [`TokenBuckets`], in the database too. It does not know what is attempted.

pub mod model;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::model::{Bucket, BucketKey, Refusal, TakeError};
use crate::db::Db;
use crate::kernel::{Clock, ServiceError, Timestamp, TokenBuckets};
use crate::lifecycle::Lifecycle;

/// How often full buckets are deleted from the database.
const PRUNED_EVERY: Duration = Duration::from_mins(1);

/// Clones count together.
#[derive(Clone)]
pub struct Attempts {
    clock: Clock,
    counted: Counted,
}

#[derive(Clone)]
enum Counted {
    Here(Arc<Mutex<TokenBuckets<BucketKey>>>),
    Together(Db),
}

impl Attempts {
    /// Counts with all processes that share the database.
    pub fn new(clock: Clock, db: &Db) -> Self {
        match db {
            Db::Sqlite { .. } => Self::in_memory(clock),
            Db::Postgres(_) => Self { clock, counted: Counted::Together(db.clone()) },
        }
    }

    /// Counts in this process.
    pub fn in_memory(clock: Clock) -> Self {
        Self { clock, counted: Counted::Here(Arc::default()) }
    }

    /// Takes a token of each bucket, or of none if one of them is empty. No bucket may be given twice.
    ///
    /// # Errors
    /// [`TakeError::Refused`] with the times to wait.
    pub async fn take(&self, buckets: &[Bucket]) -> Result<(), TakeError> {
        let now = self.clock.now();
        let waits = match &self.counted {
            Counted::Here(memory) => {
                let mut memory = lock(memory);
                let wait = |of: &Bucket| memory.wait(&of.key, of.rate, now);
                let waits: Vec<Duration> = buckets.iter().map(wait).collect();
                if waits.iter().all(Duration::is_zero) {
                    for of in buckets {
                        // It has a token, and the lock is held.
                        let taken = memory.take(&of.key, of.rate, now);
                        debug_assert!(taken.is_ok(), "{of:?}");
                    }
                }
                waits
            }
            Counted::Together(db) => {
                let taken = store::take(db, buckets, now).await;
                taken.map_err(|error| TakeError::Service(error.into()))?
            }
        };
        let is_taken = waits.iter().all(Duration::is_zero);
        if is_taken { Ok(()) } else { Err(TakeError::Refused(Refusal(waits))) }
    }

    /// Returns the tokens that were taken.
    pub async fn give_back(&self, buckets: &[Bucket]) -> Result<(), ServiceError> {
        match &self.counted {
            Counted::Here(memory) => {
                let mut memory = lock(memory);
                for of in buckets {
                    memory.give_back(&of.key, of.rate);
                }
                Ok(())
            }
            Counted::Together(db) => Ok(store::give_back(db, buckets).await?),
        }
    }

    /// Drops the full buckets that are in memory. [`start_upkeep`] deletes those in the database.
    pub fn prune(&self) {
        if let Counted::Here(memory) = &self.counted {
            lock(memory).prune(self.clock.now());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Deletes full buckets from a database that processes share.
pub async fn prune(db: &Db, now: Timestamp) -> Result<(), ServiceError> {
    Ok(store::prune(db, now).await?)
}

/// Periodically deletes full buckets from a database that processes share.
pub fn start_upkeep(db: &Db, clock: &Clock, lifecycle: &Lifecycle) {
    if let Db::Sqlite { .. } = db {
        return;
    }
    let (db, clock, closing) = (db.clone(), clock.clone(), lifecycle.closing());
    lifecycle.spawn_worker("attempts", async move {
        let mut interval = interval_at(Instant::now() + PRUNED_EVERY, PRUNED_EVERY);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while closing.run_until_cancelled(interval.tick()).await.is_some() {
            if let Err(error) = prune(&db, clock.now()).await {
                tracing::warn!(%error, "could not delete the counts of old attempts");
            }
        }
    });
}
