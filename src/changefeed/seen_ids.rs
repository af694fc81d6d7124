//! The cursor of a poller on an append-only table: which row ids were seen. `PostgreSQL` assigns an id before
//! the commit, so a row may become visible after a row with a greater id. Therefore each poll reads the last
//! few hundred ids again.

use std::collections::BTreeSet;

/// How many ids each poll reads again.
const OVERLAP: i64 = 200;

/// The seen ids within the overlap.
#[derive(Debug)]
pub struct SeenIds(BTreeSet<i64>);

impl SeenIds {
    /// Starts after the greatest id so far.
    pub fn starting_after(last: i64) -> Self {
        Self(BTreeSet::from([last]))
    }

    /// Returns the id after which to query.
    pub fn resume_from(&self) -> i64 {
        self.0.last().map_or(0, |last| last.saturating_sub(OVERLAP))
    }

    pub fn contains(&self, number: i64) -> bool {
        self.0.contains(&number)
    }

    /// Marks an id as seen. Returns true the first time.
    pub fn insert(&mut self, number: i64) -> bool {
        let first = self.0.insert(number);
        self.0 = self.0.split_off(&self.resume_from());
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_id_is_new_and_a_repeated_one_is_not() {
        let mut seen = SeenIds::starting_after(1_000);
        assert!(seen.insert(1_002), "the next but one");
        assert!(seen.resume_from() < 1_001, "missing ids are queried again");
        assert!(!seen.contains(1_001) && seen.insert(1_001), "late");
        for known in [1_000, 1_001, 1_002] {
            assert!(seen.contains(known) && !seen.insert(known), "{known}");
        }
    }

    #[test]
    fn only_the_overlap_is_kept() {
        let mut seen = SeenIds::starting_after(0);
        for number in 1..=10_000 {
            assert!(seen.insert(number));
        }
        assert!(seen.0.len() <= 201, "{}", seen.0.len());
        assert!(seen.contains(seen.resume_from() + 1), "no id in the overlap is forgotten");
    }
}
