//! What administrators change: roles, closing and opening accounts, erasure, and sign-up.

use super::credentials::{renew_permissions, revoke_credentials};
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::{CredentialHash, RevocationReason, Role};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedUser};
use crate::chat::names::store as names;
use crate::config::Signup;
use crate::db::{
    Db, Transaction, execute, fetch_optional, fetch_optional_scalar, fetch_scalar, set_setting,
};
use crate::jobs::model::Job;
use crate::kernel::{Timestamp, UserId};
use crate::{changefeed, jobs};

/// Records an action on an account in the audit log, in the same transaction. `actor` is the
/// administrator, here and below; `None` for the command line.
pub(super) async fn record(
    transaction: &mut Transaction,
    actor: Option<UserId>,
    user: UserId,
    action: fn(NamedUser<'_>) -> Action<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let name: String = fetch_scalar!(transaction, "select name from users where id = $1", user)?;
    let action = action(NamedUser { id: user, name: &name });
    audit::record(transaction, actor, action, now).await
}

/// The result of an attempt to set a role.
pub(in crate::chat::accounts) enum RoleSet {
    /// The credentials whose permissions changed.
    Changed(Vec<CredentialHash>),
    /// The user had this role already.
    Kept,
    /// It would leave no other administrator.
    LastAdmin,
}

/// Sets a user's role. Their credentials stay valid, reset links that they made for others are deleted,
/// and their live connections reconnect.
pub(in crate::chat::accounts) async fn set_role(
    db: &Db,
    user: UserId,
    role: Role,
    actor: Option<UserId>,
    meta: ChangeMeta,
) -> Result<RoleSet, sqlx::Error> {
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    if lock(&mut transaction, user).await?.is_none_or(|before| before.role == role) {
        return Ok(RoleSet::Kept);
    }
    let changed = execute!(
        transaction,
        "update users set role = $2 where id = $1
           and ($2 = 'admin' or exists
             (select 1 from users
              where role = 'admin' and deactivated_at is null and id <> $1))",
        user,
        role,
    )?;
    if changed == 0 {
        return Ok(RoleSet::LastAdmin);
    }
    let action: fn(NamedUser<'_>) -> Action<'_> = match role {
        Role::Admin => |user| Action::Promote { user },
        Role::Member => |user| Action::Demote { user },
    };
    record(&mut transaction, actor, user, action, meta.now).await?;
    changefeed::record(&mut transaction, meta, Change::User(user)).await?;
    let renewed = renew_permissions(&mut transaction, user, meta.now).await?;
    transaction.commit().await?;
    Ok(RoleSet::Changed(renewed))
}

#[derive(sqlx::FromRow)]
struct LockedUserRow {
    role: Role,
    deactivated_at: Option<Timestamp>,
}

impl LockedUserRow {
    fn is_open(&self) -> bool {
        self.deactivated_at.is_none()
    }
}

/// Locks an account until the transaction ends.
async fn lock(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<Option<LockedUserRow>, sqlx::Error> {
    fetch_optional!(
        transaction,
        "update users set role = role where id = $1 returning role, deactivated_at",
        user,
    )
}

/// Closes an account and revokes all its credentials, which are returned. `None` if no other
/// administrator would be left.
pub(in crate::chat::accounts) async fn deactivate(
    db: &Db,
    user: UserId,
    erase: bool,
    actor: Option<UserId>,
    now: Timestamp,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    let before = lock(&mut transaction, user).await?;
    let closed = execute!(
        transaction,
        "update users set deactivated_at = coalesce(deactivated_at, $2) where id = $1
           and (role <> 'admin' or exists
             (select 1 from users
              where role = 'admin' and deactivated_at is null and id <> $1))",
        user,
        now,
    )?;
    if closed == 0 {
        return Ok(None);
    }
    if before.is_some_and(|before| before.is_open()) {
        record(&mut transaction, actor, user, |user| Action::CloseAccount { user }, now).await?;
    }
    jobs::enqueue(&mut transaction, Job::ReassignRooms(user), now).await?;
    if erase {
        request_erasure(&mut transaction, user, actor, now).await?;
    }
    let reason = RevocationReason::AccountClosed;
    let revoked = revoke_credentials(&mut transaction, user, None, reason, now).await?;
    transaction.commit().await?;
    Ok(Some(revoked))
}

/// Opens a closed account again, and stops an erasure; the messages that are left stay.
pub(in crate::chat::accounts) async fn reactivate(
    db: &Db,
    user: UserId,
    actor: Option<UserId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    let opened = execute!(
        transaction,
        "update users set deactivated_at = null
         where id = $1 and deactivated_at is not null",
        user,
    )?;
    if opened > 0 {
        record(&mut transaction, actor, user, |user| Action::ReopenAccount { user }, now).await?;
        execute!(
            transaction,
            "update erasures set finished_at = $2 where user_id = $1 and finished_at is null",
            user,
            now,
        )?;
    }
    transaction.commit().await
}

/// Requests the erasure of all messages of a user. Returns false if the account is open.
pub(in crate::chat::accounts) async fn erase(
    db: &Db,
    user: UserId,
    actor: Option<UserId>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if lock(&mut transaction, user).await?.is_none_or(|account| account.is_open()) {
        return Ok(false);
    }
    request_erasure(&mut transaction, user, actor, now).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Starts at the newest message; a second request starts over.
async fn request_erasure(
    transaction: &mut Transaction,
    user: UserId,
    actor: Option<UserId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    execute!(
        transaction,
        "insert into erasures (user_id, requested_by, requested_at, newest, before)
         select $1, $2, $3, last_value, last_value + 1 from message_ids where true
         on conflict (user_id) do update
         set requested_by = excluded.requested_by, requested_at = excluded.requested_at,
             newest = excluded.newest, before = excluded.before, finished_at = null",
        user,
        actor,
        now,
    )?;
    jobs::enqueue(transaction, Job::EraseMessages(user), now).await?;
    record(transaction, actor, user, |user| Action::EraseMessages { user }, now).await
}

/// Whether administrators have closed sign-up.
pub(in crate::chat::accounts) async fn is_sign_up_closed(db: &Db) -> Result<bool, sqlx::Error> {
    let closed: Option<String> = fetch_optional_scalar!(
        db,
        "select value from settings where name = 'signup' and value = 'closed'"
    )?;
    Ok(closed.is_some())
}

pub(in crate::chat::accounts) async fn set_sign_up(
    db: &Db,
    signup: Signup,
    actor: Option<UserId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (value, action) = match signup {
        Signup::Open => ("open", Action::OpenSignUp),
        Signup::Closed => ("closed", Action::CloseSignUp),
    };
    let mut transaction = db.begin().await?;
    audit::record(&mut transaction, actor, action, now).await?;
    set_setting(&mut transaction, "signup", value).await?;
    transaction.commit().await
}
