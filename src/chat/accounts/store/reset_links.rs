//! Links that reset a password: made by an administrator, used once.

use super::UserRow;
use super::administration::{Act, record};
use super::credentials::{lock_user, revoke_credentials};
use super::users::put_password;
use crate::chat::accounts::model::{CredentialHash, RevocationReason, User};
use crate::chat::audit::model::Action;
use crate::chat::names::store as names;
use crate::db::{Db, Transaction, reading, writing};
use crate::kernel::{Timestamp, UserId};

/// Makes this the only reset link of a user. The actor is the administrator, or none for the command
/// line. Returns false if they are no longer an administrator: the link would outlive their permission.
pub(in crate::chat::accounts) async fn set_reset(
    db: &Db,
    user: UserId,
    (link, expires): (CredentialHash, Timestamp),
    actor_and_time: Act,
) -> Result<bool, sqlx::Error> {
    let (actor, _) = actor_and_time;
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    if let Some(actor) = actor
        && !is_admin(&mut transaction, actor).await?
    {
        return Ok(false);
    }
    lock_user(&mut transaction, user).await?;
    record(&mut transaction, actor_and_time, user, |user| Action::MakeResetLink { user }).await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from resets where user_id = $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    writing!(transaction, |connection| {
        sqlx::query(
            "insert into resets (hash, user_id, expires_at, made_by) values ($1, $2, $3, $4)",
        )
        .bind(link.0.as_slice())
        .bind(user.0)
        .bind(expires.0)
        .bind(actor.map(|actor| actor.0))
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await?;
    Ok(true)
}

async fn is_admin(transaction: &mut Transaction, user: UserId) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = writing!(*transaction, |connection| {
        sqlx::query_as(
            "select id from users where id = $1 and role = 'admin' and deactivated_at is null",
        )
        .bind(user.0)
        .fetch_optional(connection)
        .await?
    });
    Ok(found.is_some())
}

/// The user whose password a link resets.
pub(in crate::chat::accounts) async fn find_by_reset(
    db: &Db,
    link: CredentialHash,
    now: Timestamp,
) -> Result<Option<User>, sqlx::Error> {
    let row: Option<UserRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar
             from resets r join users u on u.id = r.user_id
             where r.hash = $1 and r.expires_at > $2 and u.deactivated_at is null",
        )
        .bind(link.0.as_slice())
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(User::from))
}

/// Sets the password with a link, which is then used up, and revokes all credentials of the user.
/// Returns the revoked ones, or `None` if the link was used or expired since it was checked.
pub(in crate::chat::accounts) async fn use_reset(
    db: &Db,
    (link, user): (CredentialHash, UserId),
    hash: &str,
    now: Timestamp,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock_user(&mut transaction, user).await?;
    let used = writing!(transaction, |connection| {
        sqlx::query("delete from resets where hash = $1 and user_id = $2 and expires_at > $3")
            .bind(link.0.as_slice())
            .bind(user.0)
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    if used == 0 {
        return Ok(None);
    }
    put_password(&mut transaction, user, hash).await?;
    let revoked =
        revoke_credentials(&mut transaction, user, None, (RevocationReason::SignedOut, now))
            .await?;
    transaction.commit().await?;
    Ok(Some(revoked))
}

/// Deletes expired links.
pub(in crate::chat::accounts) async fn remove_expired_resets(
    db: &Db,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from resets where expires_at <= $1")
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}
