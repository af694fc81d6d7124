//! The board of who is there: plain data, told the time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::kernel::{Timestamp, UserId};

/// How long somebody is there after the last connection ended: a reload shall not flicker.
const DISCONNECT_GRACE: Duration = Duration::from_secs(30);
/// How long a page counts that was loaded without a connection following.
pub(super) const PAGE_VISIT_LIFETIME: Duration = Duration::from_mins(2);
/// With more people than this nobody is told who comes and goes…
const BROADCAST_LIMIT: usize = 1_000;
/// …until there are no more than this, so that it does not go back and forth.
const RESUME_AT: usize = 900;

#[derive(Default)]
pub(super) struct OnlineUsers {
    entries: BTreeMap<UserId, Entry>,
    /// Who came or went since the last news, each with whether they had been there.
    changed: HashMap<UserId, bool>,
    is_over_limit: bool,
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
pub(super) enum PresenceUpdate {
    /// Who came (`true`) and who went.
    Changes(Vec<(UserId, bool)>),
    /// Everybody who is there, after a time in which nothing was told.
    All(Arc<[UserId]>),
}

impl OnlineUsers {
    pub(super) fn connect(&mut self, user: UserId) {
        self.entry(user, Timestamp(0)).sockets += 1;
    }

    pub(super) fn disconnect(&mut self, user: UserId, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(&user) {
            entry.sockets = entry.sockets.saturating_sub(1);
            entry.until = now.plus(DISCONNECT_GRACE);
        }
    }

    pub(super) fn touch(&mut self, user: UserId, now: Timestamp) {
        let entry = self.entry(user, now);
        entry.until = entry.until.max(now.plus(PAGE_VISIT_LIFETIME));
    }

    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.entries.contains_key(&user)
    }

    pub(super) fn online(&self) -> BTreeSet<UserId> {
        self.entries.keys().copied().collect()
    }

    /// Everybody who is there, unless that is too many.
    pub(super) fn snapshot(&mut self) -> Option<Arc<[UserId]>> {
        (!self.is_over_limit && self.entries.len() <= BROADCAST_LIMIT).then(|| self.all())
    }

    /// Takes away those whose time is over, and says what has changed since this was last asked.
    pub(super) fn take_update(&mut self, now: Timestamp) -> PresenceUpdate {
        // An end further away than any can be was set by a clock that went back since.
        let longest = now.plus(PAGE_VISIT_LIFETIME);
        let over =
            |entry: &Entry| entry.sockets == 0 && (entry.until <= now || entry.until > longest);
        for (user, _) in self.entries.extract_if(.., |_, entry| over(entry)) {
            self.changed.entry(user).or_insert(true);
            self.all = None;
        }
        let touched = std::mem::take(&mut self.changed);
        let was_crowded = self.is_over_limit;
        self.is_over_limit =
            self.entries.len() > if was_crowded { RESUME_AT } else { BROADCAST_LIMIT };
        match (was_crowded, self.is_over_limit) {
            (true, false) => PresenceUpdate::All(self.all()),
            (_, true) => PresenceUpdate::Changes(Vec::new()),
            (false, false) => {
                let news = touched.into_iter().map(|(user, was)| (user, was, self.is_online(user)));
                let changed = news.filter(|(_, was, is)| was != is).map(|(user, _, is)| (user, is));
                PresenceUpdate::Changes(changed.collect())
            }
        }
    }

    /// When the next person's time is over.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.entries.values().filter(|entry| entry.sockets == 0).map(|entry| entry.until).min()
    }

    /// This person's entry, made if they were not there.
    fn entry(&mut self, user: UserId, until: Timestamp) -> &mut Entry {
        self.entries.entry(user).or_insert_with(|| {
            self.changed.entry(user).or_insert(false);
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

    fn changes(board: &mut OnlineUsers, n: i64) -> Vec<(UserId, bool)> {
        match board.take_update(second(n)) {
            PresenceUpdate::Changes(changes) => changes,
            PresenceUpdate::All(users) => panic!("a snapshot of {users:?}"),
        }
    }

    #[test]
    fn somebody_is_there_until_30_seconds_after_the_last_of_all_connections() {
        let mut board = OnlineUsers::default();
        board.connect(ANA);
        assert_eq!(changes(&mut board, 0), [(ANA, true)]);
        board.connect(ANA);
        board.disconnect(ANA, second(10));
        assert_eq!(changes(&mut board, 1000), []);
        board.disconnect(ANA, second(1000));
        assert_eq!(board.next_expiry(), Some(second(1030)));
        assert_eq!(changes(&mut board, 1029), []);
        assert!(board.is_online(ANA));
        assert_eq!(changes(&mut board, 1030), [(ANA, false)]);
        assert!(!board.is_online(ANA));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_there() {
        let mut board = OnlineUsers::default();
        board.connect(ANA);
        assert_eq!(changes(&mut board, 10_000), [(ANA, true)]);
        board.disconnect(ANA, second(10_000));
        assert_eq!(changes(&mut board, 9_990), [], "ten seconds are no matter");
        assert_eq!(changes(&mut board, 5_000), [(ANA, false)]);
    }

    #[test]
    fn a_connection_within_the_30_seconds_keeps_somebody_there_without_a_word() {
        let mut board = OnlineUsers::default();
        board.connect(ANA);
        assert_eq!(changes(&mut board, 0), [(ANA, true)]);
        board.disconnect(ANA, second(0));
        board.connect(ANA);
        assert_eq!(changes(&mut board, 60), []);
        assert_eq!(board.next_expiry(), None);
    }

    #[test]
    fn who_comes_and_goes_between_two_tellings_has_not_changed_and_others_have() {
        let mut board = OnlineUsers::default();
        board.connect(ANA);
        board.connect(LUIS);
        board.disconnect(ANA, second(-60));
        assert_eq!(changes(&mut board, 0), [(LUIS, true)]);
        board.disconnect(LUIS, second(-60));
        board.take_update(second(0));
        assert!(!board.is_online(LUIS));
    }

    #[test]
    fn a_page_without_a_connection_counts_two_minutes() {
        let mut board = OnlineUsers::default();
        board.touch(ANA, second(0));
        assert_eq!(changes(&mut board, 119), [(ANA, true)]);
        assert_eq!(changes(&mut board, 120), [(ANA, false)]);
    }

    #[test]
    fn a_page_whose_connection_ended_counts_30_seconds_like_any_connection() {
        let mut board = OnlineUsers::default();
        board.touch(ANA, second(0));
        board.connect(ANA);
        board.disconnect(ANA, second(5));
        assert_eq!(changes(&mut board, 34), [(ANA, true)]);
        assert_eq!(changes(&mut board, 35), [(ANA, false)]);
    }

    #[test]
    fn of_a_crowd_nobody_is_told_until_it_has_become_a_company_again() {
        let mut board = OnlineUsers::default();
        let person = |n: usize| UserId(i64::try_from(n).expect("a number"));
        for n in 0..BROADCAST_LIMIT {
            board.connect(person(n));
        }
        assert_eq!(changes(&mut board, 0).len(), BROADCAST_LIMIT);
        assert_eq!(board.snapshot().map(|all| all.len()), Some(BROADCAST_LIMIT));
        board.connect(person(BROADCAST_LIMIT));
        assert_eq!(changes(&mut board, 0), []);
        assert_eq!(board.snapshot(), None);
        for n in RESUME_AT..=BROADCAST_LIMIT {
            board.disconnect(person(n), second(0));
        }
        let PresenceUpdate::All(all) = board.take_update(second(30)) else {
            panic!("everybody is named")
        };
        assert_eq!(all.len(), RESUME_AT);
        board.connect(person(BROADCAST_LIMIT));
        assert_eq!(changes(&mut board, 30), [(person(BROADCAST_LIMIT), true)]);
    }
}
