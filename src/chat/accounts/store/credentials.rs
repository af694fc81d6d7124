//! Ending what signs a user in: sessions, tokens and reset links together, in the transaction of what
//! they end by, and noted there for the live connections of every process.

use super::revocations::record_revocations;
use crate::chat::accounts::model::{CredentialHash, RevocationReason, VerifiedPassword};
use crate::db::{Db, Transaction, reading, writing};
use crate::kernel::{Timestamp, UserId};

pub(super) fn credentials(hashes: Vec<(Vec<u8>,)>) -> Vec<CredentialHash> {
    hashes.into_iter().filter_map(|(hash,)| hash.try_into().ok().map(CredentialHash)).collect()
}

/// One at a time changes what signs a user in: locked is their row, by an update that changes
/// nothing, before any of their credentials.
pub(super) async fn lock_user(change: &mut Transaction, user: UserId) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("update users set role = role where id = $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// The same for somebody who gave a password. False when it is another one by now, or the account is
/// closed.
pub(super) async fn lock_proven(
    change: &mut Transaction,
    proven: &VerifiedPassword,
) -> Result<bool, sqlx::Error> {
    let found = writing!(*change, |connection| {
        sqlx::query(
            "update users set role = role
             where id = $1 and password_hash = $2 and deactivated_at is null",
        )
        .bind(proven.person.id.0)
        .bind(proven.password_hash.as_str())
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(found > 0)
}

/// Ends all sign-ins of a user but the one at hand. Answers what ended.
pub(in crate::chat::accounts) async fn revoke_other_sessions(
    db: &Db,
    user: UserId,
    kept: CredentialHash,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    let mut change = db.begin().await?;
    lock_user(&mut change, user).await?;
    let ended =
        revoke_credentials(&mut change, user, Some(kept), (RevocationReason::SignedOut, now))
            .await?;
    change.commit().await?;
    Ok(ended)
}

/// Ends everything that signs a user in, but for what is kept, and what they might sign others in
/// with. Who calls this has locked the user.
pub(super) async fn revoke_credentials(
    change: &mut Transaction,
    user: UserId,
    kept: Option<CredentialHash>,
    (ending, now): (RevocationReason, Timestamp),
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    // No hash is empty: this keeps nothing.
    let kept: &[u8] = kept.as_ref().map_or(&[], |kept| kept.0.as_slice());
    let mut hashes: Vec<(Vec<u8>,)> = writing!(*change, |connection| {
        sqlx::query_as("delete from sessions where user_id = $1 and hash <> $2 returning hash")
            .bind(user.0)
            .bind(kept)
            .fetch_all(connection)
            .await?
    });
    let tokens: Vec<(Vec<u8>,)> = writing!(*change, |connection| {
        sqlx::query_as("delete from tokens where user_id = $1 and hash <> $2 returning hash")
            .bind(user.0)
            .bind(kept)
            .fetch_all(connection)
            .await?
    });
    hashes.extend(tokens);
    remove_resets(change, user).await?;
    let ended = credentials(hashes);
    record_revocations(change, &ended, ending, now).await?;
    Ok(ended)
}

/// Lets live connections come again, with the rights that their user has now. Links that they made for
/// others by their rights from before end; one for themselves lets them in with those of now.
pub(super) async fn renew_rights(
    change: &mut Transaction,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<CredentialHash>, sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("delete from resets where made_by = $1 and user_id <> $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    let hashes: Vec<(Vec<u8>,)> = writing!(*change, |connection| {
        sqlx::query_as(
            "select hash from sessions where user_id = $1
             union all select hash from tokens where user_id = $1",
        )
        .bind(user.0)
        .fetch_all(connection)
        .await?
    });
    let renewed = credentials(hashes);
    record_revocations(change, &renewed, RevocationReason::RoleChanged, now).await?;
    Ok(renewed)
}

/// Links for this user, and those that they made for others as an administrator: somebody who was in
/// their account may have kept them.
async fn remove_resets(change: &mut Transaction, user: UserId) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("delete from resets where user_id = $1 or made_by = $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// Removes the sessions that were not used for long and the tokens that have come to their end.
/// Answers what ended.
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
    let mut change = db.begin().await?;
    let mut hashes: Vec<(Vec<u8>,)> = writing!(change, |connection| {
        sqlx::query_as("delete from sessions where expires_at <= $1 returning hash")
            .bind(now.0)
            .fetch_all(connection)
            .await?
    });
    let tokens: Vec<(Vec<u8>,)> = writing!(change, |connection| {
        sqlx::query_as("delete from tokens where expires_at <= $1 returning hash")
            .bind(now.0)
            .fetch_all(connection)
            .await?
    });
    hashes.extend(tokens);
    let ended = credentials(hashes);
    record_revocations(&mut change, &ended, RevocationReason::SignedOut, now).await?;
    change.commit().await?;
    Ok(ended)
}

/// Whether this credential signs anybody in.
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
