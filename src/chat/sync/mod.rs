//! Catch-up for everything except messages: which users and rooms changed while a client was away.
//! Messages catch up by `rev`; for the rest, changes are kept for a week.
//!
//! A change is returned with the current state, not as a history. Returning a change twice is harmless,
//! missing one is not, so the query goes back a little further than necessary.

mod last_look;
pub mod model;
pub mod remote_changes;
mod store;

use self::model::MissedChange;
use super::accounts::model::User;
use crate::changefeed;
use crate::db::{Db, EpochGuard};
use crate::kernel::{Clock, ServiceError, Timestamp};

/// A client that missed more changes than this loads everything again.
const MAX_CHANGES: u16 = 100;

#[derive(Clone)]
pub struct Sync {
    db: Db,
    clock: Clock,
    epoch: EpochGuard,
}

impl Sync {
    pub fn new(db: Db, clock: Clock, epoch: EpochGuard) -> Self {
        Self { db, clock, epoch }
    }

    /// Returns the epoch. A client that knows another one must discard what it knows. It consists of
    /// letters, digits, `-` and `_`.
    pub fn epoch(&self) -> String {
        self.epoch.epoch()
    }

    /// The changes after `then` that concern the user, in their current state. `None` if there are too
    /// many, or `then` is too long ago.
    pub async fn changes_since(
        &self,
        user: &User,
        then: Timestamp,
    ) -> Result<Option<Vec<MissedChange>>, ServiceError> {
        let from = then.minus(changefeed::OVERLAP);
        let now = self.clock.now();
        // A time in the future means that the clock was set back, so it is unknown which changes came
        // after it.
        if from > now || from < now.minus(changefeed::RETENTION) {
            return Ok(None);
        }
        let mut missed = store::changes_since(&self.db, user.id, from, MAX_CHANGES + 1).await?;
        // Changes inside the overlap do not count towards the limit. Otherwise a page that was just
        // loaded would have to load again, without end.
        let first_too_many = missed.get(usize::from(MAX_CHANGES));
        if first_too_many.is_some_and(|missed| missed.recorded_at >= then) {
            return Ok(None);
        }
        missed.truncate(usize::from(MAX_CHANGES));
        Ok(Some(missed.into_iter().rev().map(|missed| missed.change).collect()))
    }
}
