//! Reports to the other processes of the installation who is online at this one, and receives their reports.
//!
//! Changes are reported when they are published here. What is missed is repaired by lists, which the receiver asks for.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::Presence;
use super::model::{Elsewhere, Here, OnlineUsers, SILENCE};
use crate::changefeed::model::ProcessId;
use crate::chat::doorbell::model::{PresenceChange, PresenceReport};
use crate::chat::doorbell::{Doorbell, PresenceNotice};
use crate::lifecycle::Lifecycle;
use crate::pubsub::bus::BusState;

/// How often a process reports even if nothing changed.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Users in one part of a list: some 40 KiB.
const PART: usize = 4_000;
/// Notices that are handled together.
const BATCH: usize = 256;

/// What presence needs to reach other processes.
pub struct Others {
    pub doorbell: Doorbell,
    pub process: ProcessId,
    /// The notices of other processes.
    pub notices: mpsc::Receiver<PresenceNotice>,
}

/// The end that reports.
#[derive(Clone)]
pub(super) struct Reporter {
    pub doorbell: Doorbell,
    pub process: ProcessId,
}

impl Reporter {
    pub(super) fn is_on(&self) -> bool {
        self.doorbell.state() != BusState::Off
    }

    fn report(&self, version: u64, change: PresenceChange) {
        self.doorbell.notify_presence(&PresenceReport { process: self.process, version, change });
    }

    /// Tells who came and went. The caller holds the lock on the users, so that the numbers go out in order.
    pub(super) fn report_changes(&self, users: &mut OnlineUsers, Here { came, left }: Here) {
        if !(came.is_empty() && left.is_empty()) {
            self.report(users.next_version(), PresenceChange::Changed { came, left });
        }
    }

    fn report_list(&self, users: &OnlineUsers) {
        let here = users.here();
        let parts = here.len().div_ceil(PART).max(1);
        let mut of_list = here.chunks(PART);
        for part in 0..parts {
            let users_of_part = of_list.next().unwrap_or_default().to_vec();
            let change = PresenceChange::List { part, parts, users: users_of_part };
            self.report(users.version(), change);
        }
    }
}

impl Presence {
    /// Starts the task that receives the reports. When its live connections are closed it reports that this process
    /// leaves: its users reconnect elsewhere, and no one sees them go offline.
    pub(super) fn follow_others(
        &self,
        mut notices: mpsc::Receiver<PresenceNotice>,
        lifecycle: &Lifecycle,
    ) {
        let presence = self.clone();
        let refusing = lifecycle.refusing();
        lifecycle.spawn_worker("presence-elsewhere", async move {
            let mut elsewhere = Elsewhere::default();
            let mut heartbeat = tokio::time::interval(HEARTBEAT);
            heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut waiting = Vec::new();
            loop {
                tokio::select! {
                    () = refusing.cancelled() => return presence.leave(),
                    _ = heartbeat.tick() => presence.beat(&mut elsewhere),
                    received = notices.recv_many(&mut waiting, BATCH) => match received {
                        0 => return,
                        _ => presence.receive(&mut elsewhere, waiting.split_off(0)),
                    },
                }
            }
        });
    }

    fn beat(&self, elsewhere: &mut Elsewhere) {
        let now = self.clock.now();
        let mut users = self.lock();
        self.reporter.report(users.version(), PresenceChange::Unchanged);
        if self.reporter.doorbell.state() == BusState::Connected {
            users.follow(elsewhere.expire(now), now);
        } else {
            // No one is shown as gone only because the bus is away.
            elsewhere.excuse(now);
        }
        drop(users);
        self.changed.notify_one();
    }

    fn receive(&self, elsewhere: &mut Elsewhere, notices: Vec<PresenceNotice>) {
        let now = self.clock.now();
        let (mut ask, mut is_asked) = (Vec::new(), false);
        let mut users = self.lock();
        for notice in notices {
            match notice {
                PresenceNotice::Missed => {
                    elsewhere.excuse(now);
                    ask.push(None);
                    is_asked = true;
                }
                PresenceNotice::Report(PresenceReport {
                    change: PresenceChange::Wanted(of),
                    ..
                }) => {
                    is_asked |= of.is_none_or(|process| process == self.reporter.process);
                }
                PresenceNotice::Report(report) => {
                    let consequences = elsewhere.receive(report, now);
                    ask.extend(consequences.ask.map(Some));
                    users.follow(consequences, now);
                }
            }
        }
        ask.dedup();
        for process in ask {
            self.reporter.report(users.version(), PresenceChange::Wanted(process));
        }
        if is_asked {
            self.reporter.report_list(&users);
        }
        drop(users);
        self.broadcast_coalesced();
    }

    fn leave(&self) {
        let mut users = self.lock();
        self.reporter.report(users.version(), PresenceChange::Leaving);
        users.stop_reporting();
    }
}

/// A process reports three times before it would count as silent.
const _: () = assert!(HEARTBEAT.as_secs() * 3 <= SILENCE.as_secs());
