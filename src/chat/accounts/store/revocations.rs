//! Records revoked credentials in the change feed.

use crate::changefeed::{self, model::Change, model::ProcessId};
use crate::chat::accounts::model::{CredentialHash, RevocationReason};
use crate::db::Transaction;
use crate::kernel::Timestamp;

/// Records the revocations for all processes, including this one: if it stops before it has published them
/// itself, the next poll does.
pub(super) async fn record_revocations(
    transaction: &mut Transaction,
    revoked: &[CredentialHash],
    reason: RevocationReason,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for credential in revoked {
        let change = Change::Revoked(credential.0, reason);
        changefeed::record(transaction, ProcessId::NONE.meta(now), change).await?;
    }
    Ok(())
}
