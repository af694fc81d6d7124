//! Who is online at the other processes of the installation, as they report it. Each process owns its list and numbers its
//! changes; a gap in the numbers, or a process that is not known yet, makes this one ask for the whole list.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::changefeed::model::ProcessId;
use crate::chat::doorbell::model::{PresenceChange, PresenceReport};
use crate::kernel::{Timestamp, UserId};

/// How long a process may be silent. It reports at least every five seconds.
pub(in crate::chat::presence) const SILENCE: Duration = Duration::from_secs(15);

/// The other processes.
#[derive(Default)]
pub(in crate::chat::presence) struct Elsewhere {
    processes: BTreeMap<ProcessId, Process>,
}

struct Process {
    /// The number of the last change that is known.
    version: u64,
    users: BTreeSet<UserId>,
    last_seen: Timestamp,
    /// The parts of a list that have arrived, and the number that they belong to.
    parts: (u64, BTreeMap<usize, Vec<UserId>>),
}

/// What follows from a report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::chat::presence) struct Consequences {
    pub came: Vec<UserId>,
    pub left: Vec<UserId>,
    /// The users of a process that ends: they are about to appear elsewhere.
    pub moving: Vec<UserId>,
    /// The users of a process that was silent for too long. Most have appeared elsewhere by now.
    pub lost: Vec<UserId>,
    /// The list of this process is needed.
    pub ask: Option<ProcessId>,
}

impl Elsewhere {
    pub(in crate::chat::presence) fn receive(
        &mut self,
        PresenceReport { process, version, change }: PresenceReport,
        now: Timestamp,
    ) -> Consequences {
        if change == PresenceChange::Leaving {
            let gone = self.processes.remove(&process);
            let moving = gone.into_iter().flat_map(|process| process.users).collect();
            return Consequences { moving, ..Consequences::default() };
        }
        let ask = Consequences { ask: Some(process), ..Consequences::default() };
        let known = self.processes.get_mut(&process);
        if let Some(known) = known {
            known.last_seen = now;
            return match change {
                PresenceChange::Changed { came, left } if version == known.version + 1 => {
                    known.change(version, came, left)
                }
                PresenceChange::List { part, parts, users } => {
                    known.add(version, (part, parts), users)
                }
                PresenceChange::Changed { .. } => ask,
                _ if version == known.version => Consequences::default(),
                _ => ask,
            };
        }
        let parts = (version, BTreeMap::new());
        let mut new = Process { version: 0, users: BTreeSet::new(), last_seen: now, parts };
        let consequences = match change {
            PresenceChange::List { part, parts, users } => new.add(version, (part, parts), users),
            _ => ask,
        };
        self.processes.insert(process, new);
        consequences
    }

    /// Forgets processes that have been silent for too long.
    pub(in crate::chat::presence) fn expire(&mut self, now: Timestamp) -> Consequences {
        let is_silent = |process: &Process| process.last_seen.plus(SILENCE) <= now;
        let silent = self.processes.extract_if(.., |_, process| is_silent(process));
        let lost = silent.flat_map(|(_, process)| process.users).collect();
        Consequences { lost, ..Consequences::default() }
    }

    /// Gives all processes time again: their reports could not arrive.
    pub(in crate::chat::presence) fn excuse(&mut self, now: Timestamp) {
        for process in self.processes.values_mut() {
            process.last_seen = now;
        }
    }
}

impl Process {
    fn change(&mut self, version: u64, came: Vec<UserId>, left: Vec<UserId>) -> Consequences {
        self.version = version;
        let came = came.into_iter().filter(|user| self.users.insert(*user)).collect();
        let left = left.into_iter().filter(|user| self.users.remove(user)).collect();
        Consequences { came, left, ..Consequences::default() }
    }

    /// Adds a part of a list. The last part replaces what was known.
    fn add(
        &mut self,
        version: u64,
        (part, parts): (usize, usize),
        users: Vec<UserId>,
    ) -> Consequences {
        if self.parts.0 != version {
            self.parts = (version, BTreeMap::new());
        }
        self.parts.1.insert(part, users);
        if self.parts.1.len() < parts {
            return Consequences::default();
        }
        let users: BTreeSet<UserId> =
            std::mem::take(&mut self.parts.1).into_values().flatten().collect();
        let came = users.difference(&self.users).copied().collect();
        let left = self.users.difference(&users).copied().collect();
        (self.version, self.users) = (version, users);
        Consequences { came, left, ..Consequences::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ProcessId = ProcessId(1);
    const ANA: UserId = UserId(1);
    const LUIS: UserId = UserId(2);

    fn report(version: u64, change: PresenceChange) -> PresenceReport {
        PresenceReport { process: ONE, version, change }
    }

    fn list(version: u64, users: &[UserId]) -> PresenceReport {
        report(version, PresenceChange::List { part: 0, parts: 1, users: users.to_vec() })
    }

    fn changed(version: u64, came: &[UserId], left: &[UserId]) -> PresenceReport {
        report(version, PresenceChange::Changed { came: came.to_vec(), left: left.to_vec() })
    }

    fn nothing() -> Consequences {
        Consequences::default()
    }

    fn asks() -> Consequences {
        Consequences { ask: Some(ONE), ..nothing() }
    }

    fn second(n: i64) -> Timestamp {
        Timestamp(n * 1_000)
    }

    #[test]
    fn changes_follow_on_a_list() {
        let mut elsewhere = Elsewhere::default();
        let came = |user| Consequences { came: vec![user], ..nothing() };
        let left = |user| Consequences { left: vec![user], ..nothing() };
        assert_eq!(elsewhere.receive(changed(5, &[ANA], &[]), second(0)), asks(), "not known");
        assert_eq!(elsewhere.receive(list(5, &[ANA]), second(0)), came(ANA));
        assert_eq!(elsewhere.receive(changed(6, &[LUIS], &[]), second(0)), came(LUIS));
        assert_eq!(elsewhere.receive(report(6, PresenceChange::Unchanged), second(0)), nothing());
        assert_eq!(elsewhere.receive(changed(7, &[], &[ANA]), second(0)), left(ANA));
        assert_eq!(elsewhere.receive(changed(9, &[ANA], &[]), second(0)), asks(), "8 is missing");
        assert_eq!(elsewhere.receive(report(9, PresenceChange::Unchanged), second(0)), asks());
        assert_eq!(elsewhere.receive(list(9, &[ANA, LUIS]), second(0)), came(ANA));
        assert_eq!(elsewhere.receive(list(9, &[ANA, LUIS]), second(0)), nothing(), "twice");
    }

    #[test]
    fn a_list_counts_when_all_its_parts_have_come() {
        let mut elsewhere = Elsewhere::default();
        let part = |version, part, user| {
            report(version, PresenceChange::List { part, parts: 2, users: vec![user] })
        };
        assert_eq!(elsewhere.receive(part(3, 1, LUIS), second(0)), nothing());
        assert_eq!(elsewhere.receive(part(4, 0, ANA), second(0)), nothing(), "of another list");
        let both = Consequences { came: vec![ANA, LUIS], ..nothing() };
        assert_eq!(elsewhere.receive(part(4, 1, LUIS), second(0)), both);
    }

    #[test]
    fn the_users_of_a_silent_or_leaving_process_are_lost() {
        let mut elsewhere = Elsewhere::default();
        let moving = Consequences { moving: vec![ANA], ..nothing() };
        let lost = Consequences { lost: vec![ANA], ..nothing() };
        elsewhere.receive(list(1, &[ANA]), second(0));
        assert_eq!(elsewhere.receive(report(1, PresenceChange::Leaving), second(1)), moving);
        elsewhere.receive(list(1, &[ANA]), second(2));
        assert_eq!(elsewhere.expire(second(16)), nothing());
        elsewhere.excuse(second(16));
        assert_eq!(elsewhere.expire(second(30)), nothing(), "the bus was away");
        assert_eq!(elsewhere.expire(second(31)), lost);
    }
}
