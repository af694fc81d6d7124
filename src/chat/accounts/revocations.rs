//! Hearing of sign-ins that another process ended: the command line, or a second server on the
//! same database. Their live connections here end within a second, and those of sign-ins whose time
//! is over as well.

use std::time::Duration;

use super::{Accounts, store};
use crate::changefeed::SeenIds;
use crate::chat::events::{Channel, Signal};
use crate::db::EpochGuard;
use crate::kernel::ServiceError;
use crate::lifecycle::Lifecycle;

/// How often the database is asked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long endings are kept: longer than any process goes without asking.
pub(super) const RETENTION: Duration = Duration::from_hours(24);

impl Accounts {
    /// Starts the task that listens.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn watch_revocations(
        &self,
        history: &EpochGuard,
        lifecycle: &Lifecycle,
    ) -> Result<(), ServiceError> {
        let (mut seen, history) = (history.renewals(), history.clone());
        let mut heard = self.load_revocations().await?;
        let (accounts, closing) = (self.clone(), lifecycle.closing());
        lifecycle.spawn_worker(async move {
            let mut beat = tokio::time::interval(POLL_INTERVAL);
            while closing.run_until_cancelled(beat.tick()).await.is_some() {
                // The numbers of another history say nothing here, and all connections come again.
                if history.renewals() != seen
                    && let Ok(all) = accounts.load_revocations().await
                {
                    (seen, heard) = (history.renewals(), all);
                }
                if let Err(fault) = accounts.poll_revocations(&mut heard).await {
                    tracing::warn!(%fault, "ended sign-ins could not be read");
                }
                if let Err(fault) = accounts.revoke_expired().await {
                    tracing::warn!(%fault, "expired sign-ins could not be ended");
                }
            }
        });
        Ok(())
    }

    /// Nobody is connected yet: what has ended so far concerns no one.
    async fn load_revocations(&self) -> Result<SeenIds, ServiceError> {
        let mut heard = SeenIds::starting_after(store::last_revocation(&self.db).await?);
        for (id, ..) in store::revocations_after(&self.db, heard.resume_from()).await? {
            heard.insert(id);
        }
        Ok(heard)
    }

    /// Passes on what ended and was not heard of yet.
    async fn poll_revocations(&self, heard: &mut SeenIds) -> Result<(), ServiceError> {
        for (id, credential, ending) in
            store::revocations_after(&self.db, heard.resume_from()).await?
        {
            if heard.insert(id) {
                self.hub.notify(Channel::Credential(credential), Signal::SignedOut(ending));
            }
        }
        Ok(())
    }
}
