//! Closes live connections whose credentials another process revoked (the command line, or a second
//! server on the same database) or that expired. Both take effect within a second.

use std::time::Duration;

use super::{Accounts, store};
use crate::changefeed::SeenIds;
use crate::chat::events::{Channel, Signal};
use crate::db::EpochGuard;
use crate::kernel::ServiceError;
use crate::lifecycle::Lifecycle;

/// How often the database is polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long revocations are kept: longer than any process goes without polling.
pub(super) const RETENTION: Duration = Duration::from_hours(24);

impl Accounts {
    /// Starts the task that polls for revocations.
    pub async fn watch_revocations(
        &self,
        epoch: &EpochGuard,
        lifecycle: &Lifecycle,
    ) -> Result<(), ServiceError> {
        let epoch = epoch.clone();
        let mut epoch_renewals = epoch.renewals();
        let mut seen = self.load_revocations().await?;
        let accounts = self.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("revocations", async move {
            let mut poll = tokio::time::interval(POLL_INTERVAL);
            while closing.run_until_cancelled(poll.tick()).await.is_some() {
                // After the epoch changed, the old ids mean nothing, and all clients reconnect anyway.
                if epoch.renewals() != epoch_renewals
                    && let Ok(all) = accounts.load_revocations().await
                {
                    epoch_renewals = epoch.renewals();
                    seen = all;
                }
                if let Err(error) = accounts.poll_revocations(&mut seen).await {
                    tracing::warn!(%error, "could not poll for revoked credentials");
                }
                if let Err(error) = accounts.revoke_expired().await {
                    tracing::warn!(%error, "could not delete expired sessions");
                }
            }
        });
        Ok(())
    }

    /// Loads the existing revocations as seen: no client is connected yet.
    async fn load_revocations(&self) -> Result<SeenIds, ServiceError> {
        let mut seen = SeenIds::starting_after(store::last_revocation(&self.db).await?);
        for (id, ..) in store::revocations_after(&self.db, seen.resume_from()).await? {
            seen.insert(id);
        }
        Ok(seen)
    }

    /// Publishes the revocations that were not seen before.
    async fn poll_revocations(&self, seen: &mut SeenIds) -> Result<(), ServiceError> {
        for (id, credential, reason) in
            store::revocations_after(&self.db, seen.resume_from()).await?
        {
            if seen.insert(id) {
                self.hub.notify(Channel::Credential(credential), Signal::SignedOut(reason));
            }
        }
        Ok(())
    }
}
