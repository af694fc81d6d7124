//! The board of who is there: plain data, told the time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::kernel::{Timestamp, UserId};

/// How long somebody is there after the last connection ended: a reload shall not flicker.
const AFTER_LAST_SOCKET: Duration = Duration::from_secs(30);
/// How long a page counts that was loaded without a connection following.
pub(super) const AFTER_PAGE: Duration = Duration::from_mins(2);
/// With more people than this nobody is told who comes and goes…
const CROWD: usize = 1_000;
/// …until there are no more than this, so that it does not go back and forth.
const COMPANY: usize = 900;

#[derive(Default)]
pub(super) struct Board {
    entries: BTreeMap<UserId, Entry>,
    /// Who came or went since the last news, each with whether they had been there.
    touched: HashMap<UserId, bool>,
    crowded: bool,
    /// Everybody who is there, as long as nobody comes or goes: when all come back at once, each is
    /// told the same.
    all: Option<Arc<[UserId]>>,
}

struct Entry {
    sockets: u32,
    /// Without sockets: when this person is gone.
    until: Timestamp,
}

/// What is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Who came (`true`) and who went.
    Changes(Vec<(UserId, bool)>),
    /// Everybody who is there, after a time in which nothing was told.
    All(Arc<[UserId]>),
}

impl Board {
    pub(super) fn arrive(&mut self, user: UserId) {
        self.entry(user, Timestamp(0)).sockets += 1;
    }

    pub(super) fn leave(&mut self, user: UserId, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(&user) {
            entry.sockets = entry.sockets.saturating_sub(1);
            entry.until = now.plus(AFTER_LAST_SOCKET);
        }
    }

    pub(super) fn seen(&mut self, user: UserId, now: Timestamp) {
        let entry = self.entry(user, now);
        entry.until = entry.until.max(now.plus(AFTER_PAGE));
    }

    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.entries.contains_key(&user)
    }

    pub(super) fn online(&self) -> BTreeSet<UserId> {
        self.entries.keys().copied().collect()
    }

    /// Everybody who is there, unless that is too many.
    pub(super) fn present(&mut self) -> Option<Arc<[UserId]>> {
        (!self.crowded && self.entries.len() <= CROWD).then(|| self.all())
    }

    /// Takes away those whose time is over, and says what has changed since this was last asked.
    pub(super) fn news(&mut self, now: Timestamp) -> News {
        // An end further away than any can be was set by a clock that went back since.
        let longest = now.plus(AFTER_PAGE);
        let over =
            |entry: &Entry| entry.sockets == 0 && (entry.until <= now || entry.until > longest);
        for (user, _) in self.entries.extract_if(.., |_, entry| over(entry)) {
            self.touched.entry(user).or_insert(true);
            self.all = None;
        }
        let touched = std::mem::take(&mut self.touched);
        let was_crowded = self.crowded;
        self.crowded = self.entries.len() > if was_crowded { COMPANY } else { CROWD };
        match (was_crowded, self.crowded) {
            (true, false) => News::All(self.all()),
            (_, true) => News::Changes(Vec::new()),
            (false, false) => {
                let news = touched.into_iter().map(|(user, was)| (user, was, self.is_online(user)));
                let changed = news.filter(|(_, was, is)| was != is).map(|(user, _, is)| (user, is));
                News::Changes(changed.collect())
            }
        }
    }

    /// When the next person's time is over.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.entries.values().filter(|entry| entry.sockets == 0).map(|entry| entry.until).min()
    }

    /// This person's entry, made if they were not there.
    fn entry(&mut self, user: UserId, until: Timestamp) -> &mut Entry {
        self.entries.entry(user).or_insert_with(|| {
            self.touched.entry(user).or_insert(false);
            self.all = None;
            Entry { sockets: 0, until }
        })
    }

    fn all(&mut self) -> Arc<[UserId]> {
        self.all.get_or_insert_with(|| self.entries.keys().copied().collect()).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: UserId = UserId(1);
    const LUIS: UserId = UserId(2);

    fn second(n: i64) -> Timestamp {
        Timestamp(n * 1000)
    }

    fn changes(board: &mut Board, n: i64) -> Vec<(UserId, bool)> {
        match board.news(second(n)) {
            News::Changes(changes) => changes,
            News::All(users) => panic!("a snapshot of {users:?}"),
        }
    }

    #[test]
    fn somebody_is_there_until_30_seconds_after_the_last_of_all_connections() {
        let mut board = Board::default();
        board.arrive(ANA);
        assert_eq!(changes(&mut board, 0), [(ANA, true)]);
        board.arrive(ANA);
        board.leave(ANA, second(10));
        assert_eq!(changes(&mut board, 1000), []);
        board.leave(ANA, second(1000));
        assert_eq!(board.next_end(), Some(second(1030)));
        assert_eq!(changes(&mut board, 1029), []);
        assert!(board.is_online(ANA));
        assert_eq!(changes(&mut board, 1030), [(ANA, false)]);
        assert!(!board.is_online(ANA));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_there() {
        let mut board = Board::default();
        board.arrive(ANA);
        assert_eq!(changes(&mut board, 10_000), [(ANA, true)]);
        board.leave(ANA, second(10_000));
        assert_eq!(changes(&mut board, 9_990), [], "ten seconds are no matter");
        assert_eq!(changes(&mut board, 5_000), [(ANA, false)]);
    }

    #[test]
    fn a_connection_within_the_30_seconds_keeps_somebody_there_without_a_word() {
        let mut board = Board::default();
        board.arrive(ANA);
        assert_eq!(changes(&mut board, 0), [(ANA, true)]);
        board.leave(ANA, second(0));
        board.arrive(ANA);
        assert_eq!(changes(&mut board, 60), []);
        assert_eq!(board.next_end(), None);
    }

    #[test]
    fn who_comes_and_goes_between_two_tellings_has_not_changed_and_others_have() {
        let mut board = Board::default();
        board.arrive(ANA);
        board.arrive(LUIS);
        board.leave(ANA, second(-60));
        assert_eq!(changes(&mut board, 0), [(LUIS, true)]);
        board.leave(LUIS, second(-60));
        board.news(second(0));
        assert!(!board.is_online(LUIS));
    }

    #[test]
    fn a_page_without_a_connection_counts_two_minutes() {
        let mut board = Board::default();
        board.seen(ANA, second(0));
        assert_eq!(changes(&mut board, 119), [(ANA, true)]);
        assert_eq!(changes(&mut board, 120), [(ANA, false)]);
    }

    #[test]
    fn a_page_whose_connection_ended_counts_30_seconds_like_any_connection() {
        let mut board = Board::default();
        board.seen(ANA, second(0));
        board.arrive(ANA);
        board.leave(ANA, second(5));
        assert_eq!(changes(&mut board, 34), [(ANA, true)]);
        assert_eq!(changes(&mut board, 35), [(ANA, false)]);
    }

    #[test]
    fn of_a_crowd_nobody_is_told_until_it_has_become_a_company_again() {
        let mut board = Board::default();
        let person = |n: usize| UserId(i64::try_from(n).expect("a number"));
        for n in 0..CROWD {
            board.arrive(person(n));
        }
        assert_eq!(changes(&mut board, 0).len(), CROWD);
        assert_eq!(board.present().map(|all| all.len()), Some(CROWD));
        board.arrive(person(CROWD));
        assert_eq!(changes(&mut board, 0), []);
        assert_eq!(board.present(), None);
        for n in COMPANY..=CROWD {
            board.leave(person(n), second(0));
        }
        let News::All(all) = board.news(second(30)) else { panic!("everybody is named") };
        assert_eq!(all.len(), COMPANY);
        board.arrive(person(CROWD));
        assert_eq!(changes(&mut board, 30), [(person(CROWD), true)]);
    }
}
