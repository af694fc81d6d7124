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

use self::model::{AFTER_PAGE, Board, News};
use super::events::{Bell, Event, Topic};
use crate::kernel::{Clock, UserId};
use crate::lifecycle::Lifecycle;

/// How long changes are gathered.
const TICK: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub struct Presence {
    board: Arc<Mutex<Board>>,
    bell: Bell,
    clock: Clock,
    changed: Arc<Notify>,
    /// Whether changes are gathered just now.
    gathers: Arc<AtomicBool>,
}

impl Presence {
    /// Starts the task that tells who comes and goes.
    pub fn start(bell: Bell, clock: Clock, lifecycle: &Lifecycle) -> Self {
        let (board, changed, gathers) = Default::default();
        let presence = Self { board, bell, clock, changed, gathers };
        let (watch, closing) = (presence.clone(), lifecycle.closing());
        lifecycle.spawn_worker(async move {
            while closing.run_until_cancelled(watch.wait_for_next()).await.is_some() {
                watch.gathers.store(false, Ordering::Relaxed);
                watch.tell();
            }
        });
        presence
    }

    /// Somebody's live connection begins; it lasts until the guard is dropped.
    #[must_use]
    pub fn arrive(&self, user: UserId) -> Here {
        self.board().arrive(user);
        self.tell_soon();
        Here { presence: self.clone(), user }
    }

    /// Somebody looked at a page, maybe with a browser that runs no script.
    pub fn seen(&self, user: UserId) {
        self.board().seen(user, self.clock.now());
        self.tell_soon();
    }

    pub fn is_online(&self, user: UserId) -> bool {
        self.board().is_online(user)
    }

    pub fn online(&self) -> BTreeSet<UserId> {
        self.board().online()
    }

    /// Everybody who is there, for somebody who comes; `None` while that is too many to tell.
    pub fn present(&self) -> Option<Arc<[UserId]>> {
        self.board().present()
    }

    async fn wait_for_next(&self) {
        let next = self.board().next_end();
        match next {
            Some(end) => {
                let time = self.clock.now().until(end).min(AFTER_PAGE);
                tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = self.changed.notified() => {}
                }
            }
            None => self.changed.notified().await,
        }
        tokio::time::sleep(TICK).await;
    }

    fn tell_soon(&self) {
        if !self.gathers.swap(true, Ordering::Relaxed) {
            self.tell();
        }
        self.changed.notify_one();
    }

    fn tell(&self) {
        let news = self.board().news(self.clock.now());
        let publish = |event| self.bell.publish(Topic::Everybody, 0, &event);
        match news {
            News::Changes(changes) => {
                for (user, online) in changes {
                    publish(Event::Presence { user, online });
                }
            }
            News::All(users) => publish(Event::Present(users)),
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
