//! Revoking a user's credentials: sessions, tokens and reset links together, in the transaction that
//! causes it. Each revocation is recorded there for the live connections of every process.

use super::revocations::record_revocations;
use crate::chat::accounts::model::{CredentialHash, RevocationReason, VerifiedPassword};
use crate::db::{Db, Transaction, reading, writing};
use crate::kernel::{Timestamp, UserId};

pub(super) fn credentials(hashes: Vec<(Vec<u8>,)>) -> Vec<CredentialHash> {
    hashes.into_iter().filter_map(|(hash,)| hash.try_into().ok().map(CredentialHash)).collect()
}

/// Locks a user's row, with an update that changes nothing. Every change of their credentials takes
/// this lock first, so that such changes run one after the other.
pub(super) async fn lock_user(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<(), sqlx::Error> {
    writing!(*transaction, |connection| {
        sqlx::query("update users set role = role where id = $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// The same for a user who entered a password. Returns false if the password was changed since, or the
/// account is closed.
pub(super) async fn lock_proven(
    transaction: &mut Transaction,
    proven: &VerifiedPassword,
) -> Result<bool, sqlx::Error> {
    let found = writing!(*transaction, |connection| {
        sqlx::query(
            "update users set role = role
             where id = $1 and password_hash = $2 and deactivated_at is null",
        )
        .bind(proven.user.id.0)
        .bind(proven.password_hash.as_str())
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(found > 0)
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
        revoke_credentials(&mut transaction, user, Some(kept), (RevocationReason::SignedOut, now))
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
    (reason, now): (RevocationReason, Timestamp),
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    // No hash is empty, so an empty value keeps nothing.
    let kept: &[u8] = kept.as_ref().map_or(&[], |kept| kept.0.as_slice());
    let mut hashes: Vec<(Vec<u8>,)> = writing!(*transaction, |connection| {
        sqlx::query_as("delete from sessions where user_id = $1 and hash <> $2 returning hash")
            .bind(user.0)
            .bind(kept)
            .fetch_all(connection)
            .await?
    });
    let tokens: Vec<(Vec<u8>,)> = writing!(*transaction, |connection| {
        sqlx::query_as("delete from tokens where user_id = $1 and hash <> $2 returning hash")
            .bind(user.0)
            .bind(kept)
            .fetch_all(connection)
            .await?
    });
    hashes.extend(tokens);
    remove_resets(transaction, user).await?;
    let revoked = credentials(hashes);
    record_revocations(transaction, &revoked, reason, now).await?;
    Ok(revoked)
}

/// Makes the user's live connections reconnect with their new permissions. Reset links that they made
/// for others with the old permissions are deleted. A link for themselves stays: it only gives them
/// their new permissions.
pub(super) async fn renew_rights(
    transaction: &mut Transaction,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    writing!(*transaction, |connection| {
        sqlx::query("delete from resets where made_by = $1 and user_id <> $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    let hashes: Vec<(Vec<u8>,)> = writing!(*transaction, |connection| {
        sqlx::query_as(
            "select hash from sessions where user_id = $1
             union all select hash from tokens where user_id = $1",
        )
        .bind(user.0)
        .fetch_all(connection)
        .await?
    });
    let renewed = credentials(hashes);
    record_revocations(transaction, &renewed, RevocationReason::RoleChanged, now).await?;
    Ok(renewed)
}

/// Deletes reset links for this user, and those that they made for others as an administrator: someone
/// who had access to the account may have kept them.
async fn remove_resets(transaction: &mut Transaction, user: UserId) -> Result<(), sqlx::Error> {
    writing!(*transaction, |connection| {
        sqlx::query("delete from resets where user_id = $1 or made_by = $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// Deletes sessions that were not used for too long and expired tokens. Returns the revoked
/// credentials.
pub(in crate::chat::accounts) async fn remove_expired_credentials(
    db: &Db,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as(
            "select user_id from sessions where expires_at <= $1
             union all select user_id from tokens where expires_at <= $1 limit 1",
        )
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    if found.is_none() {
        return Ok(Vec::new());
    }
    let mut transaction = db.begin().await?;
    let mut hashes: Vec<(Vec<u8>,)> = writing!(transaction, |connection| {
        sqlx::query_as("delete from sessions where expires_at <= $1 returning hash")
            .bind(now.0)
            .fetch_all(connection)
            .await?
    });
    let tokens: Vec<(Vec<u8>,)> = writing!(transaction, |connection| {
        sqlx::query_as("delete from tokens where expires_at <= $1 returning hash")
            .bind(now.0)
            .fetch_all(connection)
            .await?
    });
    hashes.extend(tokens);
    let revoked = credentials(hashes);
    record_revocations(&mut transaction, &revoked, RevocationReason::SignedOut, now).await?;
    transaction.commit().await?;
    Ok(revoked)
}

/// Whether this credential is valid.
pub(in crate::chat::accounts) async fn is_good(
    db: &Db,
    credential: CredentialHash,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id from users u
             where u.deactivated_at is null and u.id in
               (select user_id from sessions where hash = $1 and expires_at > $2
                union all
                select user_id from tokens
                where hash = $1 and (expires_at is null or expires_at > $2))",
        )
        .bind(credential.0.as_slice())
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(found.is_some())
}
