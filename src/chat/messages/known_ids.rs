//! Which message ids this process knows of. If they reach the highest id in the database, no other process has
//! stored anything, and the poll ends after reading one number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kernel::MessageId;

/// All ids up to one, and ranges of later ones. Clones share them.
#[derive(Clone)]
pub(super) struct KnownIds(Arc<Mutex<Known>>);

struct Known {
    last: MessageId,
    /// Ranges that this process stored after a gap: their last id by the first one.
    later: BTreeMap<MessageId, MessageId>,
}

impl KnownIds {
    pub fn starting_after(last: MessageId) -> Self {
        Self(Arc::new(Mutex::new(Known { last, later: BTreeMap::new() })))
    }

    /// Returns the id up to which all are known.
    pub fn last(&self) -> MessageId {
        self.lock().last
    }

    /// Adds the ids of a batch that this process committed.
    pub fn insert(&self, ids: &[MessageId]) {
        let mut known = self.lock();
        // Those of other processes may be in between.
        for run in ids.chunk_by(|id, next| next.0 == id.0 + 1) {
            if let [first, .., last] | [first @ last] = run {
                known.later.insert(*first, *last);
            }
        }
        known.join();
    }

    /// Marks all ids up to this one as known, whichever process stored them.
    pub fn advance(&self, last: MessageId) {
        let mut known = self.lock();
        known.last = known.last.max(last);
        known.join();
    }

    /// Starts over after this id.
    pub fn reset(&self, last: MessageId) {
        *self.lock() = Known { last, later: BTreeMap::new() };
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Joins the ranges that follow without a gap.
    fn join(&mut self) {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= self.last.0 + 1
        {
            self.last = self.last.max(first.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(first: i64, last: i64) -> Vec<MessageId> {
        (first..=last).map(MessageId).collect()
    }

    #[test]
    fn own_batches_are_known_up_to_the_first_gap() {
        let known = KnownIds::starting_after(MessageId(10));
        known.insert(&ids(11, 12));
        assert_eq!(known.last(), MessageId(12));
        known.insert(&ids(15, 20));
        assert_eq!(known.last(), MessageId(12), "another process stored 13 and 14");
        known.insert(&ids(21, 21));
        known.advance(MessageId(14));
        assert_eq!(known.last(), MessageId(21), "nothing is missing any more");
        known.advance(MessageId(3));
        assert_eq!(known.last(), MessageId(21), "known ids stay known");
        known.reset(MessageId(3));
        assert_eq!(known.last(), MessageId(3));
        known.insert(&[ids(4, 5), ids(7, 8)].concat());
        assert_eq!(known.last(), MessageId(5), "another process took 6 in the meantime");
        known.insert(&ids(6, 6));
        assert_eq!(known.last(), MessageId(8));
    }
}
