//! Hearing of sign-ins that another process ended: the command line, or a second server on the
//! same database. Their live connections here end within a second.

use std::time::Duration;

use super::{Accounts, store};
use crate::chat::events::{Notice, Topic};
use crate::kernel::Fault;
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
    pub async fn watch_endings(&self, lifecycle: &Lifecycle) -> Result<(), Fault> {
        let mut heard = store::last_ending(&self.db).await?;
        let (accounts, closing) = (self.clone(), lifecycle.closing());
        lifecycle.spawn_worker(async move {
            let mut beat = tokio::time::interval(EVERY);
            while closing.run_until_cancelled(beat.tick()).await.is_some() {
                match accounts.hear_endings(heard).await {
                    Ok(last) => heard = last,
                    Err(fault) => tracing::warn!(%fault, "ended sign-ins could not be read"),
                }
            }
        });
        Ok(())
    }

    /// Passes on what ended after that number, and answers the last one's.
    async fn hear_endings(&self, heard: i64) -> Result<i64, Fault> {
        let mut last = heard;
        for (id, credential, ending) in store::endings_after(&self.db, heard).await? {
            self.bell.tell(Topic::SignIn(credential), Notice::Ended(ending));
            last = id;
        }
        Ok(last)
    }
}
