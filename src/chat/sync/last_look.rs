//! When this process last looked into the change feed. One that cannot look does not learn of revocations and removals,
//! while the messages of other processes still arrive over the bus. So it may not serve its connections for long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::chat::events::EventHub;
use crate::lifecycle::Lifecycle;

/// How old the last look may be.
const LIMIT: Duration = Duration::from_secs(12);
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Clones share it.
#[derive(Clone)]
pub struct LastLook(Arc<Mutex<Instant>>);

impl LastLook {
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Records a complete look that began at this time.
    pub(super) fn record(&self, began: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = began;
    }

    /// How long ago the last look began.
    pub fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn is_too_old(&self) -> bool {
        self.age() > LIMIT
    }

    /// Starts the task that disconnects all clients while the last look is too old. It is a task of its own because the
    /// one that looks may be waiting for the database. The clients reconnect where the database answers.
    pub(super) fn watch(&self, hub: EventHub, lifecycle: &Lifecycle) {
        let last_look = self.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("last-look", async move {
            let mut interval = tokio::time::interval(CHECK_INTERVAL);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut is_logged = false;
            while closing.run_until_cancelled(interval.tick()).await.is_some() {
                let is_too_old = last_look.is_too_old();
                if is_too_old {
                    hub.disconnect_all();
                    if !is_logged {
                        tracing::warn!("the change feed cannot be read: all clients reconnect");
                    }
                }
                is_logged = is_too_old;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_counts_from_its_beginning() {
        let last_look = LastLook::now();
        let began = Instant::now();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!last_look.is_too_old());
        last_look.record(began);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(last_look.is_too_old());
        last_look.record(Instant::now());
        assert!(!last_look.is_too_old());
    }
}
