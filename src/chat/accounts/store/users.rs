//! Users: adding, finding and changing them.

use super::UserRow;
use super::credentials::{lock_proven, revoke_credentials};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::{
    CredentialHash, DisplayName, Email, Handle, RevocationReason, Role, User, VerifiedPassword,
    ZoneName,
};
use crate::chat::names::model::Subject;
use crate::chat::names::store as names;
use crate::db::{Db, Transaction, fetch_all_json, fetch_scalar, reading, writing};
use crate::kernel::{FieldError, RoomId, Timestamp, UserId};

/// The result of an attempt to add a user.
pub(in crate::chat::accounts) enum AddOutcome {
    /// The user, and the rooms they are a member of from the start.
    New(User, Vec<RoomId>),
    Closed,
    Taken(Conflict),
}

/// Which of a name and an address is taken.
#[derive(Clone, Copy)]
pub(in crate::chat::accounts) struct Conflict {
    name: bool,
    email: bool,
}

impl Conflict {
    pub fn field_errors(self) -> Vec<FieldError> {
        let name = self.name.then_some(FieldError::new("name", "name-taken"));
        let email = self.email.then_some(FieldError::new("email", "email-taken"));
        name.into_iter().chain(email).collect()
    }
}

pub(in crate::chat::accounts) struct NewUser<'a> {
    pub name: &'a Handle,
    pub email: &'a Email,
    pub password_hash: &'a str,
    /// Whether sign-up is open for users after the first one.
    pub open: bool,
    pub meta: ChangeMeta,
}

/// Adds a user and makes them a member of the lobby, in one transaction. The first user of an
/// installation becomes its administrator.
pub(in crate::chat::accounts) async fn add(
    db: &Db,
    new: &NewUser<'_>,
) -> Result<AddOutcome, sqlx::Error> {
    let folded = new.name.folded();
    let skeleton = new.name.skeleton();
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    let looks_taken = names::is_like_a_user(&mut transaction, new.name.as_str(), None).await?;
    let (user_count, name, email): (i64, i64, i64) = writing!(transaction, |connection| {
        sqlx::query_as(
            "select (select count(*) from (select 1 from users limit 1) anybody),
                    (select count(*) from users where folded_name = $1 or skeleton = $2),
                    (select count(*) from users where email = $3)",
        )
        .bind(&folded)
        .bind(&skeleton)
        .bind(new.email.as_str())
        .fetch_one(connection)
        .await?
    });
    if user_count > 0 && !new.open {
        return Ok(AddOutcome::Closed);
    }
    let name = name > 0 || looks_taken;
    if name || email > 0 {
        return Ok(AddOutcome::Taken(Conflict { name, email: email > 0 }));
    }
    let row: UserRow = writing!(transaction, |connection| {
        sqlx::query_as(
            "insert into users
               (name, folded_name, skeleton, display_name, email, password_hash, role, created_at)
             values ($1, $2, $3, $1, $4, $5, $6, $7)
             returning id, name, display_name, bot, role, avatar",
        )
        .bind(new.name.as_str())
        .bind(&folded)
        .bind(&skeleton)
        .bind(new.email.as_str())
        .bind(new.password_hash)
        .bind(if user_count == 0 { Role::Admin.as_str() } else { Role::Member.as_str() })
        .bind(new.meta.now.0)
        .fetch_one(connection)
        .await?
    });
    let handle = new.name.as_str();
    names::record(&mut transaction, Subject::User(row.id), &[handle]).await?;
    let rooms = join_lobby(&mut transaction, row.id, new.meta).await?;
    transaction.commit().await?;
    Ok(AddOutcome::New(row.into(), rooms))
}

/// Makes a new user a member of the lobby, in the transaction that adds them, so that no user exists
/// outside of it.
async fn join_lobby(
    transaction: &mut Transaction,
    user: UserId,
    meta: ChangeMeta,
) -> Result<Vec<RoomId>, sqlx::Error> {
    let rooms: Vec<(i64,)> = writing!(*transaction, |connection| {
        sqlx::query_as(
            "insert into memberships (user_id, room_id, last_read_seq, joined_at)
             select $1, id, last_seq, $2 from rooms where lobby = 1
             returning room_id",
        )
        .bind(user.0)
        .bind(meta.now.0)
        .fetch_all(connection)
        .await?
    });
    let rooms: Vec<_> = rooms.into_iter().map(|(id,)| RoomId(id)).collect();
    for room in &rooms {
        changefeed::record(transaction, meta, Change::Joined(*room, user)).await?;
    }
    Ok(rooms)
}

/// Which of the two is taken: the name or one that looks like it, and the address.
pub(in crate::chat::accounts) async fn find_conflict(
    db: &Db,
    name: Option<&Handle>,
    email: Option<&Email>,
) -> Result<Conflict, sqlx::Error> {
    let handle = name;
    let (folded, skeleton) = name.map(|name| (name.folded(), name.skeleton())).unzip();
    let (name, email): (i64, i64) = reading!(db, |pool| {
        sqlx::query_as(
            "select (select count(*) from users where folded_name = $1 or skeleton = $2),
                    (select count(*) from users where email = $3)",
        )
        .bind(folded.as_deref())
        .bind(skeleton.as_deref())
        .bind(email.map(Email::as_str))
        .fetch_one(pool)
        .await?
    });
    let looks_taken = match handle {
        Some(name) => names::is_like_any_user(db, name.as_str()).await?,
        None => false,
    };
    Ok(Conflict { name: name > 0 || looks_taken, email: email > 0 })
}

/// The user with an open account that has this handle or address, and their password hash.
pub(in crate::chat::accounts) async fn find_by_login(
    db: &Db,
    folded_name: &str,
    email: &str,
) -> Result<Option<(User, String)>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        person: UserRow,
        password_hash: String,
    }
    // PostgreSQL stores no NUL, so no name contains one; the query would fail.
    if folded_name.contains('\0') || email.contains('\0') {
        return Ok(None);
    }
    let row: Option<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, name, display_name, bot, role, avatar, password_hash from users
             where (folded_name = $1 or email = $2) and deactivated_at is null
             limit 1",
        )
        .bind(folded_name)
        .bind(email)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(|row| (row.person.into(), row.password_hash)))
}

/// Whether there is no account yet.
pub(in crate::chat::accounts) async fn is_empty(db: &Db) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select id from users limit 1").fetch_optional(pool).await?
    });
    Ok(found.is_none())
}

/// A user with an open account.
pub(in crate::chat::accounts) async fn find(
    db: &Db,
    user: UserId,
) -> Result<Option<User>, sqlx::Error> {
    let row: Option<UserRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, name, display_name, bot, role, avatar from users
             where id = $1 and deactivated_at is null",
        )
        .bind(user.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(User::from))
}

/// All users with an open account, by name.
pub(in crate::chat::accounts) async fn list(db: &Db) -> Result<Vec<User>, sqlx::Error> {
    let rows: Vec<UserRow> = fetch_all_json!(
        db,
        "id, name, display_name, bot, role, avatar",
        "from users where deactivated_at is null order by sort_key, id",
    )?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// A user's e-mail address.
pub(in crate::chat::accounts) async fn email_of(
    db: &Db,
    user: UserId,
) -> Result<String, sqlx::Error> {
    let (email,): (String,) = reading!(db, |pool| {
        sqlx::query_as("select email from users where id = $1").bind(user.0).fetch_one(pool).await?
    });
    Ok(email)
}

/// A user's password hash.
pub(in crate::chat::accounts) async fn password_of(
    db: &Db,
    user: UserId,
) -> Result<String, sqlx::Error> {
    fetch_scalar!(db, "select password_hash from users where id = $1", user)
}

/// Sets the display name. Returns false if readers could mistake it for that of another user.
pub(in crate::chat::accounts) async fn set_display_name(
    db: &Db,
    user: &User,
    name: &DisplayName,
    meta: ChangeMeta,
) -> Result<bool, sqlx::Error> {
    let id = user.id;
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    if names::is_like_a_user(&mut transaction, name.as_str(), Some(id)).await? {
        return Ok(false);
    }
    changefeed::record(&mut transaction, meta, Change::User(id)).await?;
    writing!(transaction, |connection| {
        sqlx::query("update users set display_name = $1 where id = $2")
            .bind(name.as_str())
            .bind(id.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    names::record(&mut transaction, Subject::User(id), &[&user.name, name.as_str()]).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Sets a user's time zone; with `once` only if they have none.
pub(in crate::chat::accounts) async fn set_time_zone(
    db: &Db,
    user: UserId,
    zone: &ZoneName,
    once: bool,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query(
            "update users set time_zone = $1 where id = $2 and (time_zone is null or $3 = 0)",
        )
        .bind(zone.as_str())
        .bind(user.0)
        .bind(i64::from(once))
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await
}

/// The result of a change that requires the password.
pub(in crate::chat::accounts) enum ChangeOutcome {
    /// The credentials that were revoked.
    Done(Vec<CredentialHash>),
    /// Another user has the address.
    Taken,
    /// The password was changed since it was verified.
    Outdated,
}

/// Changes the address and revokes all other credentials.
pub(in crate::chat::accounts) async fn set_email(
    db: &Db,
    proven: &VerifiedPassword,
    email: &Email,
    (kept, now): (CredentialHash, Timestamp),
) -> Result<ChangeOutcome, sqlx::Error> {
    let user = proven.user.id;
    let mut transaction = db.begin().await?;
    // The lock serializes all changes of names and addresses, so that two users cannot take the same
    // address.
    names::lock(&mut transaction).await?;
    if !lock_proven(&mut transaction, proven).await? {
        return Ok(ChangeOutcome::Outdated);
    }
    let changed = writing!(transaction, |connection| {
        sqlx::query(
            "update users set email = $1 where id = $2
               and not exists (select 1 from users where email = $1 and id <> $2)",
        )
        .bind(email.as_str())
        .bind(user.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    if changed == 0 {
        return Ok(ChangeOutcome::Taken);
    }
    let revoked =
        revoke_credentials(&mut transaction, user, Some(kept), (RevocationReason::SignedOut, now))
            .await?;
    transaction.commit().await?;
    Ok(ChangeOutcome::Done(revoked))
}

/// Changes the password and revokes all other credentials.
pub(in crate::chat::accounts) async fn set_password(
    db: &Db,
    proven: &VerifiedPassword,
    hash: &str,
    (kept, now): (CredentialHash, Timestamp),
) -> Result<ChangeOutcome, sqlx::Error> {
    let user = proven.user.id;
    let mut transaction = db.begin().await?;
    if !lock_proven(&mut transaction, proven).await? {
        return Ok(ChangeOutcome::Outdated);
    }
    put_password(&mut transaction, user, hash).await?;
    let revoked =
        revoke_credentials(&mut transaction, user, Some(kept), (RevocationReason::SignedOut, now))
            .await?;
    transaction.commit().await?;
    Ok(ChangeOutcome::Done(revoked))
}

pub(super) async fn put_password(
    transaction: &mut Transaction,
    user: UserId,
    hash: &str,
) -> Result<(), sqlx::Error> {
    writing!(*transaction, |connection| {
        sqlx::query("update users set password_hash = $1 where id = $2")
            .bind(hash)
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}
