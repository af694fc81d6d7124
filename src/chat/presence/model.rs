//! The board of who is there: plain data, told the time.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::kernel::{Timestamp, UserId};

/// How long somebody is there after the last connection ended: a reload shall not flicker.
const AFTER_LAST_SOCKET: Duration = Duration::from_secs(30);
/// How long a page counts that was loaded without a connection following.
const AFTER_PAGE: Duration = Duration::from_mins(2);

#[derive(Default)]
pub(super) struct Board(HashMap<UserId, Entry>);

struct Entry {
    sockets: u32,
    /// Without sockets: when this person is gone.
    until: Timestamp,
}

impl Board {
    /// True when the person was not there before.
    pub(super) fn arrive(&mut self, user: UserId) -> bool {
        let new = !self.0.contains_key(&user);
        let entry = self.0.entry(user).or_insert(Entry { sockets: 0, until: Timestamp(0) });
        entry.sockets += 1;
        new
    }

    pub(super) fn leave(&mut self, user: UserId, now: Timestamp) {
        if let Some(entry) = self.0.get_mut(&user) {
            entry.sockets = entry.sockets.saturating_sub(1);
            entry.until = now.plus(AFTER_LAST_SOCKET);
        }
    }

    /// True when the person was not there before.
    pub(super) fn seen(&mut self, user: UserId, now: Timestamp) -> bool {
        let new = !self.0.contains_key(&user);
        let entry = self.0.entry(user).or_insert(Entry { sockets: 0, until: now });
        entry.until = entry.until.max(now.plus(AFTER_PAGE));
        new
    }

    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.0.contains_key(&user)
    }

    pub(super) fn online(&self) -> BTreeSet<UserId> {
        self.0.keys().copied().collect()
    }

    /// Takes away those whose time is over, and names them.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Vec<UserId> {
        let over = |entry: &Entry| entry.sockets == 0 && entry.until <= now;
        self.0.extract_if(|_, entry| over(entry)).map(|(user, _)| user).collect()
    }

    /// When the next person's time is over.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.0.values().filter(|entry| entry.sockets == 0).map(|entry| entry.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: UserId = UserId(1);

    fn second(n: i64) -> Timestamp {
        Timestamp(n * 1000)
    }

    #[test]
    fn somebody_is_there_until_30_seconds_after_the_last_of_all_connections() {
        let mut board = Board::default();
        assert!(board.arrive(ANA));
        assert!(!board.arrive(ANA));
        board.leave(ANA, second(10));
        assert!(board.sweep(second(1000)).is_empty());
        board.leave(ANA, second(1000));
        assert_eq!(board.next_end(), Some(second(1030)));
        assert!(board.sweep(second(1029)).is_empty());
        assert!(board.is_online(ANA));
        assert_eq!(board.sweep(second(1030)), [ANA]);
        assert!(!board.is_online(ANA));
    }

    #[test]
    fn a_connection_within_the_30_seconds_keeps_somebody_there_without_a_word() {
        let mut board = Board::default();
        board.arrive(ANA);
        board.leave(ANA, second(0));
        assert!(!board.arrive(ANA));
        assert!(board.sweep(second(60)).is_empty());
        assert_eq!(board.next_end(), None);
    }

    #[test]
    fn a_page_without_a_connection_counts_two_minutes() {
        let mut board = Board::default();
        assert!(board.seen(ANA, second(0)));
        assert!(board.sweep(second(119)).is_empty());
        assert_eq!(board.sweep(second(120)), [ANA]);
    }

    #[test]
    fn a_page_whose_connection_ended_counts_30_seconds_like_any_connection() {
        let mut board = Board::default();
        board.seen(ANA, second(0));
        assert!(!board.arrive(ANA));
        board.leave(ANA, second(5));
        assert_eq!(board.sweep(second(35)), [ANA]);
    }
}
