//! What became of people and rooms while somebody was away: names, pictures, who came and went. Messages
//! have their `rev` for that; the rest has its news, which are kept for a week.
//!
//! Says how it is now and not all that happened, and says rather too much than too little.

pub mod model;
pub mod remote_changes;
mod store;

use self::model::MissedChange;
use super::accounts::model::User;
use crate::changefeed;
use crate::db::Db;
use crate::kernel::{Clock, ServiceError, Timestamp};

/// Whoever missed more is better off with everything anew.
const MAX_CHANGES: u16 = 100;

#[derive(Clone)]
pub struct Sync {
    db: Db,
    clock: Clock,
}

impl Sync {
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// What concerns this person and was noted since then, as it is now. `None` when that is too much, or
    /// too long ago to be known.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn changes_since(
        &self,
        person: &User,
        then: Timestamp,
    ) -> Result<Option<Vec<MissedChange>>, ServiceError> {
        let (from, now) = (then.minus(changefeed::OVERLAP), self.clock.now());
        // From the future: the clock was set back, and nobody knows what that moment was.
        if from > now || from < now.minus(changefeed::RETENTION) {
            return Ok(None);
        }
        let mut missed = store::changes_since(&self.db, person.id, from, MAX_CHANGES + 1).await?;
        // However much was noted just before: a page that was made anew shall not be sent for again.
        if missed.get(usize::from(MAX_CHANGES)).is_some_and(|(noted, _)| *noted >= then) {
            return Ok(None);
        }
        missed.truncate(usize::from(MAX_CHANGES));
        Ok(Some(missed.into_iter().rev().map(|(_, update)| update).collect()))
    }
}
