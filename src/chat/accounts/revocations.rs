//! Closes live connections whose credentials were revoked or have expired, within a second.

use std::time::Duration;

use super::Accounts;
use super::model::CredentialHash;
use crate::changefeed::model::RevocationReason;
use crate::chat::events::{Channel, Signal};
use crate::lifecycle::Lifecycle;

/// How often expired credentials are looked for.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(1);

impl Accounts {
    /// Publishes that a credential was revoked through another process.
    pub(in crate::chat) fn notify_revocation(
        &self,
        credential: CredentialHash,
        reason: RevocationReason,
    ) {
        self.hub.notify(Channel::Credential(credential), Signal::SignedOut(reason));
    }

    /// Starts the task that ends sessions and tokens when they expire.
    pub fn watch_expiry(&self, lifecycle: &Lifecycle) {
        let accounts = self.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("credential-expiry", async move {
            let mut interval = tokio::time::interval(EXPIRY_INTERVAL);
            while closing.run_until_cancelled(interval.tick()).await.is_some() {
                if let Err(error) = accounts.revoke_expired().await {
                    tracing::warn!(%error, "could not delete expired credentials");
                }
            }
        });
    }
}
