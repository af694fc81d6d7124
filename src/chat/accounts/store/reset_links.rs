//! Links that reset a password: made by an administrator, used once.

use super::USER_COLUMNS;
use super::administration::record;
use super::credentials::{lock_user, revoke_credentials};
use super::users::update_password;
use crate::chat::accounts::model::{CredentialHash, RevocationReason, User};
use crate::chat::audit::model::Action;
use crate::chat::names::store as names;
use crate::db::{Db, Transaction, execute, fetch_optional, fetch_optional_scalar};
use crate::kernel::{Timestamp, UserId};

/// A reset link to store.
pub(in crate::chat::accounts) struct NewResetLink {
    pub credential: CredentialHash,
    /// Whose password it resets.
    pub user: UserId,
    /// The administrator; `None` for the command line.
    pub made_by: Option<UserId>,
    pub expires_at: Timestamp,
}

/// Makes this the only reset link of its user. Returns false if its maker is no longer an administrator:
/// the link would outlive their permission.
pub(in crate::chat::accounts) async fn set_reset(
    db: &Db,
    link: &NewResetLink,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    if let Some(maker) = link.made_by
        && !is_admin(&mut transaction, maker).await?
    {
        return Ok(false);
    }
    lock_user(&mut transaction, link.user).await?;
    record(&mut transaction, link.made_by, link.user, |user| Action::MakeResetLink { user }, now)
        .await?;
    execute!(transaction, "delete from password_resets where user_id = $1", link.user)?;
    execute!(
        transaction,
        "insert into password_resets (hash, user_id, expires_at, made_by) values ($1, $2, $3, $4)",
        link.credential,
        link.user,
        link.expires_at,
        link.made_by,
    )?;
    transaction.commit().await?;
    Ok(true)
}

async fn is_admin(transaction: &mut Transaction, user: UserId) -> Result<bool, sqlx::Error> {
    let admin: Option<UserId> = fetch_optional_scalar!(
        transaction,
        "select id from users where id = $1 and role = 'admin' and deactivated_at is null",
        user,
    )?;
    Ok(admin.is_some())
}

/// The user whose password a link resets.
pub(in crate::chat::accounts) async fn find_by_reset(
    db: &Db,
    link: CredentialHash,
    now: Timestamp,
) -> Result<Option<User>, sqlx::Error> {
    fetch_optional!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            " from password_resets r join users u on u.id = r.user_id
             where r.hash = $1 and r.expires_at > $2 and u.deactivated_at is null"
        ),
        link,
        now,
    )
}

/// Sets the password with a link, which is then used up, and revokes all credentials of the user.
/// Returns the revoked ones, or `None` if the link was used or expired since it was checked.
pub(in crate::chat::accounts) async fn use_reset(
    db: &Db,
    link: CredentialHash,
    user: UserId,
    password_hash: &str,
    now: Timestamp,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    lock_user(&mut transaction, user).await?;
    let used = execute!(
        transaction,
        "delete from password_resets where hash = $1 and user_id = $2 and expires_at > $3",
        link,
        user,
        now,
    )?;
    if used == 0 {
        return Ok(None);
    }
    update_password(&mut transaction, user, password_hash).await?;
    let reason = RevocationReason::SignedOut;
    let revoked = revoke_credentials(&mut transaction, user, None, reason, now).await?;
    transaction.commit().await?;
    Ok(Some(revoked))
}

/// Deletes expired links.
pub(in crate::chat::accounts) async fn remove_expired_resets(
    db: &Db,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(transaction, "delete from password_resets where expires_at <= $1", now)?;
    transaction.commit().await
}
