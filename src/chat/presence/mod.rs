//! Presence: which users are online, at this process and the others of the installation. It is kept in memory only,
//! nothing is written for a user who comes, idles or goes.
//!
//! The first change is published immediately, and those of the next 250 ms together. A user that left
//! and came back within that time has not changed.
//!
//! All users may see each other's presence, so all of them receive it. With more than a thousand users
//! online, individual changes are no longer published: a thousand users who each receive a thousand
//! changes are a million frames. Pages then show who was online when they were loaded.

mod model;
mod others;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use self::model::{OnlineUsers, PAGE_VISIT_LIFETIME, PresenceUpdate};
pub use self::others::Others;
use self::others::Reporter;
use super::events::{Channel, Event, EventHub};
use crate::kernel::{Clock, UserId};
use crate::lifecycle::Lifecycle;

/// How long changes are collected.
const COALESCE_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub struct Presence {
    online_users: Arc<Mutex<OnlineUsers>>,
    hub: EventHub,
    clock: Clock,
    reporter: Reporter,
    changed: Arc<Notify>,
    /// Whether changes are being collected.
    is_coalescing: Arc<AtomicBool>,
}

impl Presence {
    /// Starts the task that publishes presence changes.
    pub fn start(hub: EventHub, clock: Clock, others: Others, lifecycle: &Lifecycle) -> Self {
        let Others { doorbell, process, notices } = others;
        let presence = Self {
            online_users: Arc::default(),
            hub,
            clock,
            reporter: Reporter { doorbell, process },
            changed: Arc::default(),
            is_coalescing: Arc::default(),
        };
        let watch = presence.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("presence", async move {
            while closing.run_until_cancelled(watch.wait_for_next()).await.is_some() {
                watch.is_coalescing.store(false, Ordering::Relaxed);
                watch.broadcast();
            }
        });
        if presence.reporter.is_on() {
            presence.follow_others(notices, lifecycle);
        }
        presence
    }

    /// Counts a live connection of the user, until the guard is dropped.
    #[must_use]
    pub fn connect(&self, user: UserId) -> PresenceGuard {
        self.lock().connect(user);
        self.broadcast_coalesced();
        PresenceGuard { presence: self.clone(), user }
    }

    /// Counts a page load of the user, whose browser may not run scripts.
    pub fn touch(&self, user: UserId) {
        self.lock().touch(user, self.clock.now());
        self.broadcast_coalesced();
    }

    pub fn is_online(&self, user: UserId) -> bool {
        self.lock().is_online(user)
    }

    /// How many users are online at this process.
    pub fn count_here(&self) -> usize {
        self.lock().count_here(self.clock.now())
    }

    pub fn online(&self) -> BTreeSet<UserId> {
        self.lock().online()
    }

    /// All users who are online, for a new connection; `None` if there are too many.
    pub fn snapshot(&self) -> Option<Arc<[UserId]>> {
        self.lock().snapshot()
    }

    async fn wait_for_next(&self) {
        let next = self.lock().next_expiry();
        match next {
            Some(end) => {
                let time = self.clock.now().until(end).min(PAGE_VISIT_LIFETIME);
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = self.changed.notified() => {}
                }
            }
            None => self.changed.notified().await,
        }
        tokio::time::sleep(COALESCE_INTERVAL).await;
    }

    fn broadcast_coalesced(&self) {
        if !self.is_coalescing.swap(true, Ordering::Relaxed) {
            self.broadcast();
        }
        self.changed.notify_one();
    }

    fn broadcast(&self) {
        let now = self.clock.now();
        let update = {
            let mut users = self.lock();
            if self.reporter.is_on() {
                let here = users.take_here(now);
                self.reporter.report_changes(&mut users, here);
            }
            users.take_update(now)
        };
        let publish = |event| self.hub.broadcast(Channel::Everyone, 0, &event);
        match update {
            PresenceUpdate::Changes(changes) => {
                for (user, online) in changes {
                    publish(Event::Presence { user, online });
                }
            }
            PresenceUpdate::All(users) => publish(Event::OnlineUsers(users)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, OnlineUsers> {
        self.online_users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one live connection of a user.
pub struct PresenceGuard {
    presence: Presence,
    user: UserId,
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        let now = self.presence.clock.now();
        self.presence.lock().disconnect(self.user, now);
        self.presence.changed.notify_one();
    }
}
