//! What is done again and again while the server runs, beside the jobs.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Foundation;
use crate::attempts;
use crate::http::state::Services;

/// How often full token buckets and idle database connections are dropped.
const IDLE_CLEANUP_INTERVAL: Duration = Duration::from_hours(1);
/// How long to wait before a failed epoch check is retried.
const EPOCH_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often the write-ahead log is checkpointed.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(250);

impl Foundation {
    /// Periodically drops full token buckets and idle database connections.
    pub(super) fn spawn_idle_cleanup(&self, services: &Services) {
        attempts::start_upkeep(&self.db, &self.clock, &self.lifecycle);
        let Services { rate_limiter, accounts, .. } = services;
        let (rate_limiter, accounts) = (rate_limiter.clone(), accounts.clone());
        let db = self.db.clone();
        let closing = self.lifecycle.closing();
        self.lifecycle.spawn_worker("idle-cleanup", async move {
            let mut interval = tokio::time::interval(IDLE_CLEANUP_INTERVAL);
            while closing.run_until_cancelled(interval.tick()).await.is_some() {
                rate_limiter.prune();
                accounts.prune_password_guesses();
                db.close_idle().await;
            }
        });
    }

    /// Periodically checkpoints the database.
    pub(super) fn spawn_checkpoints(&self) {
        let db = self.db.clone();
        let closing = self.lifecycle.closing();
        self.lifecycle.spawn_worker("checkpoint", async move {
            let mut interval = tokio::time::interval(CHECKPOINT_INTERVAL);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while closing.run_until_cancelled(interval.tick()).await.is_some() {
                if let Err(error) = db.checkpoint().await {
                    tracing::warn!(%error, "the SQLite checkpoint failed");
                }
            }
        });
    }

    /// Checks whether the database was replaced, whenever that is suspected. If so, the broadcaster starts over and
    /// disconnects all clients, so that they reconnect and learn the new epoch.
    pub(super) fn spawn_epoch_check(&self) {
        let (db, epoch, random) = (self.db.clone(), self.epoch.clone(), self.random.clone());
        let closing = self.lifecycle.closing();
        self.lifecycle.spawn_worker("epoch-check", async move {
            while closing.run_until_cancelled(epoch.suspected()).await.is_some() {
                if let Err(error) = db.check_epoch(&epoch, &random).await {
                    tracing::warn!(%error, "could not check whether the database was replaced");
                    tokio::time::sleep(EPOCH_CHECK_INTERVAL).await;
                    epoch.suspect();
                }
            }
        });
    }
}
