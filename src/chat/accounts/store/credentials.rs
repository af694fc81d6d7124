//! Revoking a user's credentials: sessions, tokens and reset links together, in the transaction that
//! causes it. Each revocation is recorded there for the live connections of every process.

use super::revocations::record_revocations;
use crate::chat::accounts::model::{CredentialHash, RevocationReason, VerifiedPassword};
use crate::db::{Db, Transaction, execute, fetch_optional_scalar, fetch_scalars};
use crate::kernel::{Timestamp, UserId};

/// Locks a user's row, with an update that changes nothing. Every change of their credentials takes
/// this lock first, so that such changes run one after the other.
pub(super) async fn lock_user(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<(), sqlx::Error> {
    execute!(transaction, "update users set role = role where id = $1", user)?;
    Ok(())
}

/// The same for a user who entered a password. Returns false if the password was changed since, or the
/// account is closed.
pub(super) async fn lock_verified_user(
    transaction: &mut Transaction,
    verified: &VerifiedPassword,
) -> Result<bool, sqlx::Error> {
    let found = execute!(
        transaction,
        "update users set role = role
         where id = $1 and password_hash = $2 and deactivated_at is null",
        verified.user.id,
        verified.password_hash.as_str(),
    )?;
    Ok(found > 0)
}

/// Ends a session or an API token.
pub(in crate::chat::accounts) async fn remove_credential(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(transaction, "delete from sessions where hash = $1", credential)?;
    execute!(transaction, "delete from tokens where hash = $1", credential)?;
    record_revocations(&mut transaction, &[credential], RevocationReason::SignedOut, now).await?;
    transaction.commit().await
}

/// Revokes all credentials of a user except the current one. Returns the revoked ones.
pub(in crate::chat::accounts) async fn revoke_other_sessions(
    db: &Db,
    user: UserId,
    kept: CredentialHash,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock_user(&mut transaction, user).await?;
    let revoked =
        revoke_credentials(&mut transaction, user, Some(kept), RevocationReason::SignedOut, now)
            .await?;
    transaction.commit().await?;
    Ok(revoked)
}

/// Revokes all credentials of a user except `kept`, and the reset links they made for others. The
/// caller must have locked the user.
pub(super) async fn revoke_credentials(
    transaction: &mut Transaction,
    user: UserId,
    kept: Option<CredentialHash>,
    reason: RevocationReason,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    let sessions: Vec<CredentialHash> = fetch_scalars!(
        transaction,
        "delete from sessions where user_id = $1 and hash is distinct from $2 returning hash",
        user,
        kept,
    )?;
    let tokens: Vec<CredentialHash> = fetch_scalars!(
        transaction,
        "delete from tokens where user_id = $1 and hash is distinct from $2 returning hash",
        user,
        kept,
    )?;
    // Someone who had access to the account may have kept reset links for it, and links that they made
    // for others as an administrator.
    execute!(transaction, "delete from password_resets where user_id = $1 or made_by = $1", user)?;
    let revoked = [sessions, tokens].concat();
    record_revocations(transaction, &revoked, reason, now).await?;
    Ok(revoked)
}

/// Makes the user's live connections reconnect with their new permissions. Reset links that they made
/// for others with the old permissions are deleted. A link for themselves stays: it only gives them
/// their new permissions.
pub(super) async fn renew_permissions(
    transaction: &mut Transaction,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    execute!(
        transaction,
        "delete from password_resets where made_by = $1 and user_id <> $1",
        user
    )?;
    let renewed: Vec<CredentialHash> = fetch_scalars!(
        transaction,
        "select hash from sessions where user_id = $1
         union all select hash from tokens where user_id = $1",
        user,
    )?;
    record_revocations(transaction, &renewed, RevocationReason::RoleChanged, now).await?;
    Ok(renewed)
}

/// Deletes sessions that were not used for too long and expired tokens. Returns the revoked
/// credentials.
pub(in crate::chat::accounts) async fn remove_expired_credentials(
    db: &Db,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    // A read first, so that an idle server does not write.
    let expired: Option<Timestamp> = fetch_optional_scalar!(
        db,
        "select expires_at from sessions where expires_at <= $1
         union all select expires_at from tokens where expires_at <= $1 limit 1",
        now,
    )?;
    if expired.is_none() {
        return Ok(Vec::new());
    }
    let mut transaction = db.begin().await?;
    // Without a user there are no live connections that must learn of it.
    execute!(transaction, "delete from sessions where user_id is null and expires_at <= $1", now)?;
    let sessions: Vec<CredentialHash> = fetch_scalars!(
        transaction,
        "delete from sessions where expires_at <= $1 returning hash",
        now
    )?;
    let tokens: Vec<CredentialHash> = fetch_scalars!(
        transaction,
        "delete from tokens where expires_at <= $1 returning hash",
        now
    )?;
    let revoked = [sessions, tokens].concat();
    record_revocations(&mut transaction, &revoked, RevocationReason::SignedOut, now).await?;
    transaction.commit().await?;
    Ok(revoked)
}

/// Whether a credential is valid at a time.
macro_rules! IS_VALID_CREDENTIAL {
    ($credential:literal, $now:literal) => {
        concat!(
            "exists (select 1 from users u
               where u.deactivated_at is null and u.id in
                 (select user_id from sessions where hash = ",
            $credential,
            " and expires_at > ",
            $now,
            " union all
                  select user_id from tokens where hash = ",
            $credential,
            " and (expires_at is null or expires_at > ",
            $now,
            ")))"
        )
    };
}
pub(in crate::chat) use IS_VALID_CREDENTIAL;
