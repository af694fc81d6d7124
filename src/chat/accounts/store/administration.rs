//! What administrators do to accounts, links that reset a password, and the switch of sign-up.

use super::UserRow;
use super::credentials::{renew_rights, revoke_credentials};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::{Account, CredentialHash, Erasure, RevocationReason, Role};
use crate::chat::audit;
use crate::chat::audit::model::{Action, NamedUser};
use crate::chat::names::store as names;
use crate::config::Signup;
use crate::db::{Db, Transaction, reading, writing};
use crate::jobs;
use crate::jobs::model::Job;
use crate::kernel::{Timestamp, UserId};

/// Everybody who ever had an account, by name.
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
        person: row.person.into(),
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

/// Who acts, and when.
pub(super) type Act = (Option<UserId>, Timestamp);

/// Records what was done to an account, in the same transaction.
pub(super) async fn record(
    change: &mut Transaction,
    act: Act,
    user: UserId,
    action: fn(NamedUser<'_>) -> Action<'_>,
) -> Result<(), sqlx::Error> {
    let (name,): (String,) = writing!(*change, |connection| {
        sqlx::query_as("select name from users where id = $1")
            .bind(user.0)
            .fetch_one(connection)
            .await?
    });
    audit::record(change, act, action((user, &name))).await
}

/// What came of an attempt to give somebody a role.
pub(in crate::chat::accounts) enum RoleSet {
    /// With the sign-ins that have other rights now.
    Changed(Vec<CredentialHash>),
    /// They had it.
    Kept,
    /// Nobody else would be left to administer.
    LastAdmin,
}

/// Gives somebody a role. Their sign-ins stay; links that they made end, and live connections come
/// again.
pub(in crate::chat::accounts) async fn set_role(
    db: &Db,
    user: UserId,
    role: Role,
    (actor, stamp): (Option<UserId>, ChangeMeta),
) -> Result<RoleSet, sqlx::Error> {
    let mut change = db.begin().await?;
    names::lock(&mut change).await?;
    if lock(&mut change, user).await?.is_none_or(|(before, _)| before == role) {
        return Ok(RoleSet::Kept);
    }
    let changed = writing!(change, |connection| {
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
    record(&mut change, (actor, stamp.now), user, action).await?;
    changefeed::record(&mut change, stamp, Change::Person(user)).await?;
    let renewed = renew_rights(&mut change, user, stamp.now).await?;
    change.commit().await?;
    Ok(RoleSet::Changed(renewed))
}

/// Locks an account until the change ends: its role, and whether it is open.
async fn lock(change: &mut Transaction, user: UserId) -> Result<Option<(Role, bool)>, sqlx::Error> {
    let found: Option<(String, Option<i64>)> = writing!(*change, |connection| {
        sqlx::query_as("update users set role = role where id = $1 returning role, deactivated_at")
            .bind(user.0)
            .fetch_optional(connection)
            .await?
    });
    Ok(found.map(|(role, closed)| (Role::from_column(&role), closed.is_none())))
}

/// Closes an account and ends all that signs it in, and answers what ended. `None` when nobody
/// else would be left to administer.
pub(in crate::chat::accounts) async fn deactivate(
    db: &Db,
    user: UserId,
    erase: bool,
    act: Act,
) -> Result<Option<Vec<CredentialHash>>, sqlx::Error> {
    let (_, now) = act;
    let mut change = db.begin().await?;
    names::lock(&mut change).await?;
    let before = lock(&mut change, user).await?;
    let closed = writing!(change, |connection| {
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
        record(&mut change, act, user, |user| Action::CloseAccount { user }).await?;
    }
    jobs::enqueue(&mut change, Job::ReassignRooms(user), now).await?;
    if erase {
        ask_to_erase(&mut change, user, act).await?;
    }
    let ended =
        revoke_credentials(&mut change, user, None, (RevocationReason::AccountClosed, now)).await?;
    change.commit().await?;
    Ok(Some(ended))
}

pub(in crate::chat::accounts) async fn reactivate(
    db: &Db,
    user: UserId,
    act: Act,
) -> Result<(), sqlx::Error> {
    let mut change = db.begin().await?;
    let opened = writing!(change, |connection| {
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
        record(&mut change, act, user, |user| Action::ReopenAccount { user }).await?;
        end_erasure(&mut change, user, act).await?;
    }
    change.commit().await
}

/// Keeps what is left of what somebody wrote.
async fn end_erasure(
    change: &mut Transaction,
    user: UserId,
    (_, now): Act,
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
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

/// Lets all that somebody wrote be deleted. False when their account is open.
pub(in crate::chat::accounts) async fn erase(
    db: &Db,
    user: UserId,
    act: Act,
) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    if lock(&mut change, user).await?.is_none_or(|(_, open)| open) {
        return Ok(false);
    }
    ask_to_erase(&mut change, user, act).await?;
    change.commit().await?;
    Ok(true)
}

/// From the newest message of now on; asked again, it begins again.
async fn ask_to_erase(change: &mut Transaction, user: UserId, act: Act) -> Result<(), sqlx::Error> {
    let (actor, now) = act;
    writing!(*change, |connection| {
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
    jobs::enqueue(change, Job::EraseMessages(user), now).await?;
    record(change, act, user, |user| Action::EraseMessages { user }).await
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
    act: Act,
) -> Result<(), sqlx::Error> {
    let (word, action) = match signup {
        Signup::Open => ("open", Action::OpenSignUp),
        Signup::Closed => ("closed", Action::CloseSignUp),
    };
    let mut change = db.begin().await?;
    audit::record(&mut change, act, action).await?;
    writing!(change, |connection| {
        sqlx::query(
            "insert into meta (name, value) values ('signup', $1)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(word)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}
