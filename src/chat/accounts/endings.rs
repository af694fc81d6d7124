//! Hearing of sign-ins that another process ended: the command line, or a second server on the
//! same database. Their live connections here end within a second, and those of sign-ins whose time
//! is over as well.

use std::time::Duration;

use super::{Accounts, store};
use crate::chat::events::{Notice, Topic};
use crate::db::History;
use crate::kernel::{Fault, Heard};
use crate::lifecycle::Lifecycle;

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How long endings are kept: longer than any process goes without asking.
pub(super) const KEPT: Duration = Duration::from_hours(24);

impl Accounts {
    /// Starts the task that listens.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn watch_endings(
        &self,
        history: &History,
        lifecycle: &Lifecycle,
    ) -> Result<(), Fault> {
        let (mut seen, history) = (history.renewals(), history.clone());
        let mut heard = self.all_endings().await?;
        let (accounts, closing) = (self.clone(), lifecycle.closing());
        lifecycle.spawn_worker(async move {
            let mut beat = tokio::time::interval(EVERY);
            while closing.run_until_cancelled(beat.tick()).await.is_some() {
                // The numbers of another history say nothing here, and all connections come again.
                if history.renewals() != seen
                    && let Ok(all) = accounts.all_endings().await
                {
                    (seen, heard) = (history.renewals(), all);
                }
                if let Err(fault) = accounts.hear_endings(&mut heard).await {
                    tracing::warn!(%fault, "ended sign-ins could not be read");
                }
                if let Err(fault) = accounts.end_expired().await {
                    tracing::warn!(%fault, "expired sign-ins could not be ended");
                }
            }
        });
        Ok(())
    }

    /// Nobody is connected yet: what has ended so far concerns no one.
    async fn all_endings(&self) -> Result<Heard, Fault> {
        let mut heard = Heard::after(store::last_ending(&self.db).await?);
        for (id, ..) in store::endings_after(&self.db, heard.behind()).await? {
            heard.note(id);
        }
        Ok(heard)
    }

    /// Passes on what ended and was not heard of yet.
    async fn hear_endings(&self, heard: &mut Heard) -> Result<(), Fault> {
        for (id, credential, ending) in store::endings_after(&self.db, heard.behind()).await? {
            if heard.note(id) {
                self.bell.tell(Topic::SignIn(credential), Notice::Ended(ending));
            }
        }
        Ok(())
    }
}
