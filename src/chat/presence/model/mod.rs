//! Which users are online: a plain data structure that gets the time as a parameter.

mod elsewhere;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::elsewhere::{Consequences, Elsewhere, SILENCE};
use crate::kernel::{Timestamp, UserId};

/// How long a user stays online after their last connection ended, so that reloading a page does not
/// change their presence.
const DISCONNECT_GRACE: Duration = Duration::from_secs(30);
/// The same for the users of a process that has been silent for a while: together half a minute.
const SILENCE_GRACE: Duration = Duration::from_secs(8);
/// How long a page load counts if no connection follows.
pub(super) const PAGE_VISIT_LIFETIME: Duration = Duration::from_mins(2);
/// With more users online than this, changes are no longer published…
const BROADCAST_LIMIT: usize = 1_000;
/// …until this many or fewer are online. The gap avoids switching back and forth.
const RESUME_AT: usize = 900;

#[derive(Default)]
pub(super) struct OnlineUsers {
    entries: BTreeMap<UserId, Entry>,
    /// Users that came or went since the last update, with whether they were online before.
    changed: HashMap<UserId, bool>,
    is_over_limit: bool,
    /// How often the users who are online here have changed, as was reported to the other processes.
    version: u64,
    /// Whether nothing more is reported to the other processes.
    is_leaving: bool,
    /// All online users, until someone comes or goes. When all clients reconnect at the same time, they
    /// share one list.
    all: Option<Arc<[UserId]>>,
}

struct Entry {
    sockets: u32,
    /// If there are no sockets: when the user goes offline here.
    until: Timestamp,
    /// Whether it was reported to the other processes that the user is online here.
    is_announced: bool,
    /// At how many other processes the user is online.
    processes: u32,
    /// How long the user stays online although the last of these is gone.
    lost_until: Timestamp,
}

impl Entry {
    fn is_here(&self, now: Timestamp) -> bool {
        self.sockets > 0 || is_ahead(self.until, now)
    }

    fn is_elsewhere(&self, now: Timestamp) -> bool {
        self.processes > 0 || is_ahead(self.lost_until, now)
    }

    /// When the user goes offline, here or altogether, if that is known.
    fn next_end(&self) -> Option<Timestamp> {
        match self {
            Self { sockets: 1.., .. } => None,
            Self { is_announced: true, until, .. } => Some(*until),
            Self { processes: 1.., .. } => None,
            Self { until, lost_until, .. } => Some(*until.max(lost_until)),
        }
    }
}

/// Whether an end has not come yet. One further away than possible was set by a clock that was set back since.
fn is_ahead(end: Timestamp, now: Timestamp) -> bool {
    end > now && end <= now.plus(PAGE_VISIT_LIFETIME)
}

/// The users who came and went at this process since the last update, for the other processes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Here {
    pub came: Vec<UserId>,
    pub left: Vec<UserId>,
}

/// The changes to publish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PresenceUpdate {
    /// Users that came online (`true`) or went offline.
    Changes(Vec<(UserId, bool)>),
    /// All online users, after a time without updates.
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

    /// Applies what other processes reported.
    pub(super) fn follow(&mut self, reported: Consequences, now: Timestamp) {
        let Consequences { came, left, moving, lost, .. } = reported;
        for user in came {
            self.entry(user, Timestamp(0)).processes += 1;
        }
        let all = [(left, Duration::ZERO), (moving, DISCONNECT_GRACE), (lost, SILENCE_GRACE)];
        for (users, grace) in all {
            for user in users {
                if let Some(entry) = self.entries.get_mut(&user) {
                    entry.processes = entry.processes.saturating_sub(1);
                    entry.lost_until = entry.lost_until.max(now.plus(grace));
                }
            }
        }
    }

    /// The users who are online here, as was reported to the other processes.
    pub(super) fn here(&self) -> Vec<UserId> {
        let here = self.entries.iter().filter(|(_, entry)| entry.is_announced);
        here.map(|(user, _)| *user).collect()
    }

    pub(super) fn count_here(&self, now: Timestamp) -> usize {
        self.entries.values().filter(|entry| entry.is_here(now)).count()
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// From now on no one comes or goes here.
    pub(super) fn stop_reporting(&mut self) {
        self.is_leaving = true;
    }

    /// Returns who came and went here since the last call. Called before [`Self::take_update`], which forgets who left.
    pub(super) fn take_here(&mut self, now: Timestamp) -> Here {
        let mut here = Here::default();
        if self.is_leaving {
            return here;
        }
        for (user, entry) in &mut self.entries {
            let is_here = entry.is_here(now);
            if is_here != entry.is_announced {
                entry.is_announced = is_here;
                if is_here { &mut here.came } else { &mut here.left }.push(*user);
            }
        }
        here
    }

    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.entries.contains_key(&user)
    }

    pub(super) fn online(&self) -> BTreeSet<UserId> {
        self.entries.keys().copied().collect()
    }

    /// All online users, unless there are too many.
    pub(super) fn snapshot(&mut self) -> Option<Arc<[UserId]>> {
        (!self.is_over_limit && self.entries.len() <= BROADCAST_LIMIT).then(|| self.all())
    }

    /// Removes users whose time is over, and returns the changes since the last call.
    pub(super) fn take_update(&mut self, now: Timestamp) -> PresenceUpdate {
        let is_over = |entry: &Entry| !entry.is_here(now) && !entry.is_elsewhere(now);
        for (user, _) in self.entries.extract_if(.., |_, entry| is_over(entry)) {
            self.changed.entry(user).or_insert(true);
            self.all = None;
        }
        let changed_users = std::mem::take(&mut self.changed);
        let was_over_limit = self.is_over_limit;
        self.is_over_limit =
            self.entries.len() > if was_over_limit { RESUME_AT } else { BROADCAST_LIMIT };
        match (was_over_limit, self.is_over_limit) {
            (true, false) => PresenceUpdate::All(self.all()),
            (_, true) => PresenceUpdate::Changes(Vec::new()),
            (false, false) => {
                let changes =
                    changed_users.into_iter().map(|(user, was)| (user, was, self.is_online(user)));
                let changed =
                    changes.filter(|(_, was, is)| was != is).map(|(user, _, is)| (user, is));
                PresenceUpdate::Changes(changed.collect())
            }
        }
    }

    /// When the next user goes offline, here or altogether.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.entries.values().filter_map(Entry::next_end).min()
    }

    /// The user's entry, created if they were not online.
    fn entry(&mut self, user: UserId, until: Timestamp) -> &mut Entry {
        self.entries.entry(user).or_insert_with(|| {
            self.changed.entry(user).or_insert(false);
            self.all = None;
            let (is_announced, processes, lost_until) = (false, 0, Timestamp(0));
            Entry { sockets: 0, until, is_announced, processes, lost_until }
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

    fn changes(online: &mut OnlineUsers, n: i64) -> Vec<(UserId, bool)> {
        match online.take_update(second(n)) {
            PresenceUpdate::Changes(changes) => changes,
            PresenceUpdate::All(users) => panic!("a snapshot of {users:?}"),
        }
    }

    #[test]
    fn a_user_is_online_until_30_seconds_after_their_last_connection() {
        let mut online = OnlineUsers::default();
        online.connect(ANA);
        assert_eq!(changes(&mut online, 0), [(ANA, true)]);
        online.connect(ANA);
        online.disconnect(ANA, second(10));
        assert_eq!(changes(&mut online, 1000), []);
        online.disconnect(ANA, second(1000));
        assert_eq!(online.next_expiry(), Some(second(1030)));
        assert_eq!(changes(&mut online, 1029), []);
        assert!(online.is_online(ANA));
        assert_eq!(changes(&mut online, 1030), [(ANA, false)]);
        assert!(!online.is_online(ANA));
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_user_online() {
        let mut online = OnlineUsers::default();
        online.connect(ANA);
        assert_eq!(changes(&mut online, 10_000), [(ANA, true)]);
        online.disconnect(ANA, second(10_000));
        assert_eq!(changes(&mut online, 9_990), [], "ten seconds are no matter");
        assert_eq!(changes(&mut online, 5_000), [(ANA, false)]);
    }

    #[test]
    fn reconnecting_within_30_seconds_publishes_nothing() {
        let mut online = OnlineUsers::default();
        online.connect(ANA);
        assert_eq!(changes(&mut online, 0), [(ANA, true)]);
        online.disconnect(ANA, second(0));
        online.connect(ANA);
        assert_eq!(changes(&mut online, 60), []);
        assert_eq!(online.next_expiry(), None);
    }

    #[test]
    fn a_user_who_comes_and_goes_between_two_updates_has_not_changed() {
        let mut online = OnlineUsers::default();
        online.connect(ANA);
        online.connect(LUIS);
        online.disconnect(ANA, second(-60));
        assert_eq!(changes(&mut online, 0), [(LUIS, true)]);
        online.disconnect(LUIS, second(-60));
        online.take_update(second(0));
        assert!(!online.is_online(LUIS));
    }

    #[test]
    fn a_page_without_a_connection_counts_two_minutes() {
        let mut online = OnlineUsers::default();
        online.touch(ANA, second(0));
        assert_eq!(changes(&mut online, 119), [(ANA, true)]);
        assert_eq!(changes(&mut online, 120), [(ANA, false)]);
    }

    #[test]
    fn a_page_whose_connection_ended_counts_30_seconds_like_any_connection() {
        let mut online = OnlineUsers::default();
        online.touch(ANA, second(0));
        online.connect(ANA);
        online.disconnect(ANA, second(5));
        assert_eq!(changes(&mut online, 34), [(ANA, true)]);
        assert_eq!(changes(&mut online, 35), [(ANA, false)]);
    }

    #[test]
    fn above_the_limit_no_changes_are_published() {
        let mut online = OnlineUsers::default();
        let user = |n: usize| UserId(i64::try_from(n).expect("a number"));
        for n in 0..BROADCAST_LIMIT {
            online.connect(user(n));
        }
        assert_eq!(changes(&mut online, 0).len(), BROADCAST_LIMIT);
        assert_eq!(online.snapshot().map(|all| all.len()), Some(BROADCAST_LIMIT));
        online.connect(user(BROADCAST_LIMIT));
        assert_eq!(changes(&mut online, 0), []);
        assert_eq!(online.snapshot(), None);
        for n in RESUME_AT..=BROADCAST_LIMIT {
            online.disconnect(user(n), second(0));
        }
        let PresenceUpdate::All(all) = online.take_update(second(30)) else {
            panic!("all users are listed")
        };
        assert_eq!(all.len(), RESUME_AT);
        online.connect(user(BROADCAST_LIMIT));
        assert_eq!(changes(&mut online, 30), [(user(BROADCAST_LIMIT), true)]);
    }

    #[test]
    fn users_of_other_processes_are_online_until_the_last_of_these_is_gone() {
        let mut online = OnlineUsers::default();
        let report = |came: &[UserId], left: &[UserId], moving: &[UserId], lost: &[UserId]| {
            let (came, left, moving) = (came.to_vec(), left.to_vec(), moving.to_vec());
            Consequences { came, left, moving, lost: lost.to_vec(), ask: None }
        };
        online.follow(report(&[ANA, LUIS], &[], &[], &[]), second(0));
        online.follow(report(&[ANA], &[], &[], &[]), second(0));
        assert_eq!(changes(&mut online, 0).len(), 2);
        online.follow(report(&[], &[ANA, LUIS], &[], &[]), second(1));
        assert_eq!(changes(&mut online, 1), [(LUIS, false)], "ana is at one more");
        online.follow(report(&[], &[], &[], &[ANA]), second(2));
        assert_eq!(changes(&mut online, 9), [], "she may come back elsewhere");
        assert_eq!(online.next_expiry(), Some(second(10)));
        assert_eq!(changes(&mut online, 10), [(ANA, false)]);
        online.follow(report(&[ANA], &[], &[], &[]), second(20));
        online.follow(report(&[], &[], &[ANA], &[]), second(20));
        assert_eq!(changes(&mut online, 49), [(ANA, true)]);
        assert_eq!(changes(&mut online, 50), [(ANA, false)]);
    }

    #[test]
    fn only_who_is_online_here_is_reported() {
        let mut online = OnlineUsers::default();
        let came = Consequences { came: vec![LUIS], ..Consequences::default() };
        online.follow(came, second(0));
        online.connect(ANA);
        let here =
            |came: &[UserId], left: &[UserId]| Here { came: came.to_vec(), left: left.to_vec() };
        assert_eq!(online.take_here(second(0)), here(&[ANA], &[]));
        assert_eq!(online.here(), [ANA]);
        online.disconnect(ANA, second(1));
        assert_eq!(online.take_here(second(30)), here(&[], &[]));
        assert_eq!(online.take_here(second(31)), here(&[], &[ANA]));
        online.stop_reporting();
        online.connect(ANA);
        assert_eq!(online.take_here(second(32)), here(&[], &[]));
    }
}
