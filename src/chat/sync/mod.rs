//! What a client receives first: where its user stands in their rooms, and catch-up for everything except messages:
//! which users and rooms changed while it was away. Messages catch up by `rev`; for the rest, changes are kept for a week.
//!
//! A change is returned with the current state, not as a history. Returning a change twice is harmless,
//! missing one is not, so the query goes back a little further than necessary.

mod last_look;
pub mod model;
pub mod remote_changes;
mod store;

pub use self::last_look::LastLook;
use self::model::Greeting;
use super::accounts::model::Authenticated;
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

    /// What a client receives first: the state of the user's rooms, and the changes after `then` that concern the user,
    /// in their current state.
    pub async fn greeting(
        &self,
        me: &Authenticated,
        then: Option<Timestamp>,
    ) -> Result<Greeting, ServiceError> {
        let now = self.clock.now();
        let from = then.map(|then| then.minus(changefeed::OVERLAP));
        // A time in the future means that the clock was set back, so it is unknown which changes came
        // after it.
        let is_unknown = |from: &Timestamp| *from > now || *from < now.minus(changefeed::RETENTION);
        let is_too_old = from.as_ref().is_some_and(is_unknown);
        let from = from.filter(|_| !is_too_old);
        let store::Greeting { is_valid, rooms, mut missed } =
            store::greeting(&self.db, me, now, from, MAX_CHANGES + 1).await?;
        // Changes inside the overlap do not count towards the limit. Otherwise a page that was just
        // loaded would have to load again, without end.
        let first_too_many = missed.get(usize::from(MAX_CHANGES));
        let is_too_many = first_too_many.is_some_and(|missed| Some(missed.recorded_at) >= then);
        missed.truncate(usize::from(MAX_CHANGES));
        let missed = missed.into_iter().rev().map(|missed| missed.change).collect();
        let missed = (!is_too_old && !is_too_many).then_some(missed);
        Ok(Greeting { is_valid, rooms, missed })
    }
}
