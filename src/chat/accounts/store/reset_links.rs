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

/// Makes a link the only one that resets this person's password. `by` is the administrator; none
/// at the machine. False when they administer no more: the link would outlive their right.
pub(in crate::chat::accounts) async fn set_reset(
    db: &Db,
    user: UserId,
    (link, expires): (CredentialHash, Timestamp),
    act: Act,
) -> Result<bool, sqlx::Error> {
    let (by, _) = act;
    let mut change = db.begin().await?;
    names::lock(&mut change).await?;
    if let Some(by) = by
        && !is_admin(&mut change, by).await?
    {
        return Ok(false);
    }
    lock_user(&mut change, user).await?;
    record(&mut change, act, user, |user| Action::MakeResetLink { user }).await?;
    writing!(change, |connection| {
        sqlx::query("delete from resets where user_id = $1")
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    writing!(change, |connection| {
        sqlx::query(
            "insert into resets (hash, user_id, expires_at, made_by) values ($1, $2, $3, $4)",
        )
        .bind(link.0.as_slice())
        .bind(user.0)
        .bind(expires.0)
        .bind(by.map(|by| by.0))
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await?;
    Ok(true)
}

async fn is_admin(change: &mut Transaction, user: UserId) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = writing!(*change, |connection| {
        sqlx::query_as(
            "select id from users where id = $1 and role = 'admin' and deactivated_at is null",
        )
        .bind(user.0)
        .fetch_optional(connection)
        .await?
    });
    Ok(found.is_some())
}

/// Whose password this link resets.
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

/// Uses a link up: sets the password and ends all that signed this person in. Answers what
/// ended, or `None` when somebody was quicker.
pub(in crate::chat::accounts) async fn use_reset(
    db: &Db,
    (link, user): (CredentialHash, UserId),
    hash: &str,
    now: Timestamp,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let mut change = db.begin().await?;
    lock_user(&mut change, user).await?;
    let used = writing!(change, |connection| {
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
    put_password(&mut change, user, hash).await?;
    let ended =
        revoke_credentials(&mut change, user, None, (RevocationReason::SignedOut, now)).await?;
    change.commit().await?;
    Ok(Some(ended))
}

/// Forgets the links that have run out.
pub(in crate::chat::accounts) async fn remove_expired_resets(
    db: &Db,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.begin().await?;
    writing!(change, |connection| {
        sqlx::query("delete from resets where expires_at <= $1")
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}
