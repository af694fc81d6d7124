//! Who is there, in memory alone: nothing is written for somebody who comes, idles or goes.
//!
//! The first change is told at once, and what follows within a quarter of a second together; who
//! left and came back meanwhile has not changed. Everybody signed in may see everybody, so everybody is told. Where
//! more than a thousand are there nobody is told of individuals any more, since a thousand people
//! who each hear of a thousand are a million frames: pages show who is there when they are loaded.

mod model;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use self::model::{OnlineUsers, PAGE_VISIT_LIFETIME, PresenceUpdate};
use super::events::{Channel, Event, EventHub};
use crate::kernel::{Clock, UserId};
use crate::lifecycle::Lifecycle;

/// How long changes are gathered.
const COALESCE_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub struct Presence {
    board: Arc<Mutex<OnlineUsers>>,
    hub: EventHub,
    clock: Clock,
    changed: Arc<Notify>,
    /// Whether changes are gathered just now.
    is_coalescing: Arc<AtomicBool>,
}

impl Presence {
    /// Starts the task that tells who comes and goes.
    pub fn start(bell: EventHub, clock: Clock, lifecycle: &Lifecycle) -> Self {
        let (board, changed, gathers) = Default::default();
        let presence = Self { board, hub: bell, clock, changed, is_coalescing: gathers };
        let (watch, closing) = (presence.clone(), lifecycle.closing());
        lifecycle.spawn_worker(async move {
            while closing.run_until_cancelled(watch.wait_for_next()).await.is_some() {
                watch.is_coalescing.store(false, Ordering::Relaxed);
                watch.broadcast();
            }
        });
        presence
    }

    /// Somebody's live connection begins; it lasts until the guard is dropped.
    #[must_use]
    pub fn connect(&self, user: UserId) -> PresenceGuard {
        self.lock().connect(user);
        self.broadcast_coalesced();
        PresenceGuard { presence: self.clone(), user }
    }

    /// Somebody looked at a page, maybe with a browser that runs no script.
    pub fn touch(&self, user: UserId) {
        self.lock().touch(user, self.clock.now());
        self.broadcast_coalesced();
    }

    pub fn is_online(&self, user: UserId) -> bool {
        self.lock().is_online(user)
    }

    pub fn online(&self) -> BTreeSet<UserId> {
        self.lock().online()
    }

    /// Everybody who is there, for somebody who comes; `None` while that is too many to tell.
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
        let news = self.lock().take_update(self.clock.now());
        let publish = |event| self.hub.broadcast(Channel::Everyone, 0, &event);
        match news {
            PresenceUpdate::Changes(changes) => {
                for (user, online) in changes {
                    publish(Event::Presence { user, online });
                }
            }
            PresenceUpdate::All(users) => publish(Event::OnlineUsers(users)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, OnlineUsers> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One live connection of somebody.
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
