//! The cursor of a poller on an append-only table: which row ids were seen. `PostgreSQL` assigns an id before
//! the commit, so a row may become visible after a row with a greater id. Therefore each poll reads the last
//! ids again.

use std::collections::BTreeSet;

/// The seen ids, as far back as each poll reads.
#[derive(Debug)]
pub struct SeenIds {
    ids: BTreeSet<i64>,
    overlap: i64,
}

impl SeenIds {
    /// Starts after the greatest id so far. Each poll reads this many ids again: more than one transaction uses.
    pub fn starting_after(last: i64, overlap: i64) -> Self {
        Self { ids: BTreeSet::from([last]), overlap }
    }

    /// Returns the id after which to query.
    pub fn resume_from(&self) -> i64 {
        self.ids.last().map_or(0, |last| last.saturating_sub(self.overlap))
    }

    pub fn contains(&self, number: i64) -> bool {
        self.ids.contains(&number)
    }

    /// Marks an id as seen. Returns true the first time.
    pub fn insert(&mut self, number: i64) -> bool {
        let first = self.ids.insert(number);
        self.ids = self.ids.split_off(&self.resume_from());
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_id_is_new_and_a_repeated_one_is_not() {
        let mut seen = SeenIds::starting_after(1_000, 200);
        assert!(seen.insert(1_002), "the next but one");
        assert!(seen.resume_from() < 1_001, "missing ids are queried again");
        assert!(!seen.contains(1_001) && seen.insert(1_001), "late");
        for known in [1_000, 1_001, 1_002] {
            assert!(seen.contains(known) && !seen.insert(known), "{known}");
        }
    }

    #[test]
    fn only_the_overlap_is_kept() {
        let mut seen = SeenIds::starting_after(0, 200);
        for number in 1..=10_000 {
            assert!(seen.insert(number));
        }
        assert!(seen.ids.len() <= 201, "{}", seen.ids.len());
        assert!(seen.contains(seen.resume_from() + 1), "no id in the overlap is forgotten");
    }

    #[test]
    fn without_overlap_only_later_ids_are_queried() {
        let mut seen = SeenIds::starting_after(10, 0);
        assert_eq!(seen.resume_from(), 10);
        assert!(seen.insert(11) && seen.contains(11));
        assert_eq!(seen.resume_from(), 11);
    }
}
