//! Which rows of a table that grows were heard of already, by their numbers. On `PostgreSQL` a number
//! is given out before the commit, so a row may show up after one with a greater number: the last
//! few hundred numbers are therefore looked at again.

use std::collections::BTreeSet;

/// How many numbers are looked at again.
const OVERLAP: i64 = 200;

/// The numbers of what was heard of, as far back as it is asked for again.
#[derive(Debug)]
pub struct SeenIds(BTreeSet<i64>);

impl SeenIds {
    /// Begins behind the greatest number so far.
    pub fn starting_after(last: i64) -> Self {
        Self(BTreeSet::from([last]))
    }

    /// Behind which number to ask for rows.
    pub fn resume_from(&self) -> i64 {
        self.0.last().map_or(0, |last| last.saturating_sub(OVERLAP))
    }

    pub fn contains(&self, number: i64) -> bool {
        self.0.contains(&number)
    }

    /// Notes that this one was heard of. True the first time.
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
    fn a_number_that_comes_late_is_new_and_one_that_comes_again_is_not() {
        let mut heard = SeenIds::starting_after(1_000);
        assert!(heard.insert(1_002), "the next but one");
        assert!(heard.resume_from() < 1_001, "what is still to come is asked for");
        assert!(!heard.contains(1_001) && heard.insert(1_001), "late");
        for known in [1_000, 1_001, 1_002] {
            assert!(heard.contains(known) && !heard.insert(known), "{known}");
        }
    }

    #[test]
    fn no_more_is_kept_than_is_asked_for_again() {
        let mut heard = SeenIds::starting_after(0);
        for number in 1..=10_000 {
            assert!(heard.insert(number));
        }
        assert!(heard.0.len() <= 201, "{}", heard.0.len());
        assert!(heard.contains(heard.resume_from() + 1), "nothing is told twice");
    }
}
