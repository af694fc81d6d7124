//! What administrators change: roles, closing and opening accounts, erasure, and sign-up.

use super::UserRow;
use super::credentials::{renew_rights, revoke_credentials};
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::{Account, CredentialHash, Erasure, RevocationReason, Role};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedUser};
use crate::chat::names::store as names;
use crate::config::Signup;
use crate::db::{Db, Transaction, reading, writing};
use crate::jobs::model::Job;
use crate::kernel::{Timestamp, UserId};
use crate::{changefeed, jobs};

/// All accounts, including closed ones, by name.
pub(in crate::chat::accounts) async fn accounts(db: &Db) -> Result<Vec<Account>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        person: UserRow,
        email: String,
        created_at: i64,
        deactivated_at: Option<i64>,
        deleted: Option<i64>,
        percent: Option<i64>,
        finished_at: Option<i64>,
    }
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, u.avatar, u.email, u.created_at,
                    u.deactivated_at, e.deleted, e.finished_at,
                    case when e.newest > 0 then (e.newest + 1 - e.before) * 100 / e.newest
                         else 100 end as percent
             from users u left join erasures e on e.user_id = u.id order by u.sort_key, u.id",
        )
        .fetch_all(pool)
        .await?
    });
    let account = |row: Row| Account {
        user: row.person.into(),
        email: row.email,
        created_at: Timestamp(row.created_at),
        active: row.deactivated_at.is_none(),
        erasure: row.deleted.map(|deleted| Erasure {
            deleted,
            percent: row.percent.unwrap_or_default().clamp(0, 100),
            finished: row.finished_at.is_some(),
        }),
    };
    Ok(rows.into_iter().map(account).collect())
}

/// The acting administrator (`None` for the command line) and the time.
pub(super) type Act = (Option<UserId>, Timestamp);

/// Records an action on an account in the audit log, in the same transaction.
pub(super) async fn record(
    transaction: &mut Transaction,
    actor_and_time: Act,
    user: UserId,
    action: fn(NamedUser<'_>) -> Action<'_>,
) -> Result<(), sqlx::Error> {
    let (name,): (String,) = writing!(*transaction, |connection| {
        sqlx::query_as("select name from users where id = $1")
            .bind(user.0)
            .fetch_one(connection)
            .await?
    });
    audit::record(transaction, actor_and_time, action((user, &name))).await
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
    (actor, meta): (Option<UserId>, ChangeMeta),
) -> Result<RoleSet, sqlx::Error> {
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    if lock(&mut transaction, user).await?.is_none_or(|(before, _)| before == role) {
        return Ok(RoleSet::Kept);
    }
    let changed = writing!(transaction, |connection| {
        sqlx::query(
            "update users set role = $2 where id = $1
               and ($2 = 'admin' or exists
                 (select 1 from users
                  where role = 'admin' and deactivated_at is null and id <> $1))",
        )
        .bind(user.0)
        .bind(role.as_str())
        .execute(connection)
        .await?
        .rows_affected()
    });
    if changed == 0 {
        return Ok(RoleSet::LastAdmin);
    }
    let action: fn(NamedUser<'_>) -> Action<'_> = match role {
        Role::Admin => |user| Action::Promote { user },
        Role::Member => |user| Action::Demote { user },
    };
    record(&mut transaction, (actor, meta.now), user, action).await?;
    changefeed::record(&mut transaction, meta, Change::User(user)).await?;
    let renewed = renew_rights(&mut transaction, user, meta.now).await?;
    transaction.commit().await?;
    Ok(RoleSet::Changed(renewed))
}

/// Locks an account until the transaction ends. Returns its role, and whether it is open.
async fn lock(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<Option<(Role, bool)>, sqlx::Error> {
    let found: Option<(String, Option<i64>)> = writing!(*transaction, |connection| {
        sqlx::query_as("update users set role = role where id = $1 returning role, deactivated_at")
            .bind(user.0)
            .fetch_optional(connection)
            .await?
    });
    Ok(found.map(|(role, closed)| (Role::from_column(&role), closed.is_none())))
}

/// Closes an account and revokes all its credentials, which are returned. `None` if no other
/// administrator would be left.
pub(in crate::chat::accounts) async fn deactivate(
    db: &Db,
    user: UserId,
    erase: bool,
    actor_and_time: Act,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let (_, now) = actor_and_time;
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    let before = lock(&mut transaction, user).await?;
    let closed = writing!(transaction, |connection| {
        sqlx::query(
            "update users set deactivated_at = coalesce(deactivated_at, $2) where id = $1
               and (role <> 'admin' or exists
                 (select 1 from users
                  where role = 'admin' and deactivated_at is null and id <> $1))",
        )
        .bind(user.0)
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    if closed == 0 {
        return Ok(None);
    }
    if before.is_some_and(|(_, open)| open) {
        record(&mut transaction, actor_and_time, user, |user| Action::CloseAccount { user })
            .await?;
    }
    jobs::enqueue(&mut transaction, Job::ReassignRooms(user), now).await?;
    if erase {
        request_erasure(&mut transaction, user, actor_and_time).await?;
    }
    let revoked =
        revoke_credentials(&mut transaction, user, None, (RevocationReason::AccountClosed, now))
            .await?;
    transaction.commit().await?;
    Ok(Some(revoked))
}

pub(in crate::chat::accounts) async fn reactivate(
    db: &Db,
    user: UserId,
    actor_and_time: Act,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    let opened = writing!(transaction, |connection| {
        sqlx::query(
            "update users set deactivated_at = null
             where id = $1 and deactivated_at is not null",
        )
        .bind(user.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    if opened > 0 {
        record(&mut transaction, actor_and_time, user, |user| Action::ReopenAccount { user })
            .await?;
        end_erasure(&mut transaction, user, actor_and_time).await?;
    }
    transaction.commit().await
}

/// Stops an erasure; the messages that are left stay.
async fn end_erasure(
    transaction: &mut Transaction,
    user: UserId,
    (_, now): Act,
) -> Result<(), sqlx::Error> {
    writing!(*transaction, |connection| {
        sqlx::query(
            "update erasures set finished_at = $2 where user_id = $1 and finished_at is null",
        )
        .bind(user.0)
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(())
}

/// Requests the erasure of all messages of a user. Returns false if the account is open.
pub(in crate::chat::accounts) async fn erase(
    db: &Db,
    user: UserId,
    actor_and_time: Act,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if lock(&mut transaction, user).await?.is_none_or(|(_, open)| open) {
        return Ok(false);
    }
    request_erasure(&mut transaction, user, actor_and_time).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Starts at the newest message; a second request starts over.
async fn request_erasure(
    transaction: &mut Transaction,
    user: UserId,
    actor_and_time: Act,
) -> Result<(), sqlx::Error> {
    let (actor, now) = actor_and_time;
    writing!(*transaction, |connection| {
        sqlx::query(
            "insert into erasures (user_id, requested_by, requested_at, newest, before)
             select $1, $2, $3, value, value + 1 from counters where name = 'message'
             on conflict (user_id) do update
             set requested_by = excluded.requested_by, requested_at = excluded.requested_at,
                 newest = excluded.newest, before = excluded.before, finished_at = null",
        )
        .bind(user.0)
        .bind(actor.map(|actor| actor.0))
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    jobs::enqueue(transaction, Job::EraseMessages(user), now).await?;
    record(transaction, actor_and_time, user, |user| Action::EraseMessages { user }).await
}

/// Whether administrators have closed sign-up.
pub(in crate::chat::accounts) async fn is_sign_up_closed(db: &Db) -> Result<bool, sqlx::Error> {
    let found: Option<(String,)> = reading!(db, |pool| {
        sqlx::query_as("select value from meta where name = 'signup' and value = 'closed'")
            .fetch_optional(pool)
            .await?
    });
    Ok(found.is_some())
}

pub(in crate::chat::accounts) async fn set_sign_up(
    db: &Db,
    signup: Signup,
    actor_and_time: Act,
) -> Result<(), sqlx::Error> {
    let (value, action) = match signup {
        Signup::Open => ("open", Action::OpenSignUp),
        Signup::Closed => ("closed", Action::CloseSignUp),
    };
    let mut transaction = db.begin().await?;
    audit::record(&mut transaction, actor_and_time, action).await?;
    writing!(transaction, |connection| {
        sqlx::query(
            "insert into meta (name, value) values ('signup', $1)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(value)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await
}
