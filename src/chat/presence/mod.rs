//! Who is there, in memory alone: nothing is written for somebody who comes, idles or goes.

mod model;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use self::model::Board;
use super::events::{Bell, Event, Topic};
use crate::kernel::{Clock, UserId};
use crate::lifecycle::Lifecycle;

#[derive(Clone)]
pub struct Presence {
    board: Arc<Mutex<Board>>,
    bell: Bell,
    clock: Clock,
    changed: Arc<Notify>,
}

impl Presence {
    /// Starts the task that notices when somebody's time is over.
    pub fn start(bell: Bell, clock: Clock, lifecycle: &Lifecycle) -> Self {
        let presence = Self { board: Arc::default(), bell, clock, changed: Arc::default() };
        let (watch, closing) = (presence.clone(), lifecycle.closing());
        lifecycle.spawn_worker(async move {
            while closing.run_until_cancelled(watch.wait_for_next()).await.is_some() {
                watch.sweep();
            }
        });
        presence
    }

    /// Somebody's live connection begins; it lasts until the guard is dropped.
    #[must_use]
    pub fn arrive(&self, user: UserId) -> Here {
        let came = self.board().arrive(user);
        self.tell(came.then_some((user, true)));
        Here { presence: self.clone(), user }
    }

    /// Somebody looked at a page, maybe with a browser that runs no script.
    pub fn seen(&self, user: UserId) {
        let came = self.board().seen(user, self.clock.now());
        self.tell(came.then_some((user, true)));
        self.changed.notify_one();
    }

    pub fn is_online(&self, user: UserId) -> bool {
        self.board().is_online(user)
    }

    pub fn online(&self) -> BTreeSet<UserId> {
        self.board().online()
    }

    /// Says goodbye to those whose time is over.
    pub fn sweep(&self) {
        let gone = self.board().sweep(self.clock.now());
        self.tell(gone.into_iter().map(|user| (user, false)));
    }

    async fn wait_for_next(&self) {
        let next = self.board().next_end();
        match next {
            Some(end) => {
                let time = self.clock.now().until(end);
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = self.changed.notified() => {}
                }
            }
            None => self.changed.notified().await,
        }
    }

    fn tell(&self, changes: impl IntoIterator<Item = (UserId, bool)>) {
        for (user, online) in changes {
            self.bell.publish(Topic::Everybody, 0, &Event::Presence { user, online });
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One live connection of somebody.
pub struct Here {
    presence: Presence,
    user: UserId,
}

impl Drop for Here {
    fn drop(&mut self) {
        let now = self.presence.clock.now();
        self.presence.board().leave(self.user, now);
        self.presence.changed.notify_one();
    }
}
