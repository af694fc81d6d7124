//! Users: adding, finding and changing them.

use super::USER_COLUMNS;
use super::credentials::{lock_verified_user, revoke_credentials};
use crate::changefeed;
use crate::changefeed::model::{Change, ChangeMeta};
use crate::chat::accounts::model::{
    CredentialHash, DisplayName, Email, Handle, RevocationReason, Role, User, VerifiedPassword,
    ZoneName,
};
use crate::chat::names::model::Subject;
use crate::chat::names::store as names;
use crate::db::{
    Db, Transaction, execute, fetch_one, fetch_optional, fetch_optional_scalar, fetch_scalar,
    fetch_scalars,
};
use crate::kernel::{FieldError, RoomId, Timestamp, UserId};

/// The result of an attempt to add a user.
pub(in crate::chat::accounts) enum AddOutcome {
    New {
        user: User,
        /// The rooms they are a member of from the start.
        rooms: Vec<RoomId>,
    },
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

/// How many users have the name or the address of another one.
#[derive(sqlx::FromRow)]
struct ConflictRow {
    same_name: i64,
    same_email: i64,
}

/// Adds a user and makes them a member of the lobby, in one transaction. The first user of an
/// installation becomes its administrator.
pub(in crate::chat::accounts) async fn add(
    db: &Db,
    new: &NewUser<'_>,
) -> Result<AddOutcome, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct TakenRow {
        users: i64,
        #[sqlx(flatten)]
        conflict: ConflictRow,
    }
    let folded = new.name.folded();
    let skeleton = new.name.skeleton();
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    let looks_taken = names::is_like_a_user(&mut transaction, new.name.as_str(), None).await?;
    let taken: TakenRow = fetch_one!(
        transaction,
        "select (select count(*) from (select 1 from users limit 1) existing) as users,
                (select count(*) from users
                 where folded_name = $1 or skeleton = $2) as same_name,
                (select count(*) from users where email = $3) as same_email",
        folded.as_str(),
        skeleton.as_str(),
        new.email.as_str(),
    )?;
    let is_first = taken.users == 0;
    if !is_first && !new.open {
        return Ok(AddOutcome::Closed);
    }
    let conflict = taken.conflict.with(looks_taken);
    if conflict.name || conflict.email {
        return Ok(AddOutcome::Taken(conflict));
    }
    let id: UserId = fetch_scalar!(
        transaction,
        "insert into users
           (name, folded_name, skeleton, display_name, email, password_hash, role, created_at)
         values ($1, $2, $3, $1, $4, $5, $6, $7)
         returning id",
        new.name.as_str(),
        folded.as_str(),
        skeleton.as_str(),
        new.email.as_str(),
        new.password_hash,
        if is_first { Role::Admin } else { Role::Member },
        new.meta.now,
    )?;
    let user: User = fetch_one!(
        transaction,
        concat!("select ", USER_COLUMNS!(), " from users u where u.id = $1"),
        id,
    )?;
    names::record(&mut transaction, Subject::User(user.id), &[new.name.as_str()]).await?;
    let rooms = join_lobby(&mut transaction, user.id, new.meta).await?;
    transaction.commit().await?;
    Ok(AddOutcome::New { user, rooms })
}

/// Makes a new user a member of the lobby, in the transaction that adds them, so that no user exists
/// outside of it.
async fn join_lobby(
    transaction: &mut Transaction,
    user: UserId,
    meta: ChangeMeta,
) -> Result<Vec<RoomId>, sqlx::Error> {
    let rooms: Vec<RoomId> = fetch_scalars!(
        transaction,
        "insert into memberships (user_id, room_id, last_read_seq, joined_at)
         select $1, id, last_seq, $2 from rooms where lobby = 1
         returning room_id",
        user,
        meta.now,
    )?;
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
    let row: ConflictRow = fetch_one!(
        db,
        "select (select count(*) from users
                 where folded_name = $1 or skeleton = $2) as same_name,
                (select count(*) from users where email = $3) as same_email",
        name.map(Handle::folded),
        name.map(Handle::skeleton),
        email.map(Email::as_str),
    )?;
    let looks_taken = match name {
        Some(name) => names::is_like_any_user(db, name.as_str()).await?,
        None => false,
    };
    Ok(row.with(looks_taken))
}

impl ConflictRow {
    /// The conflict, if `looks_taken` says whether the name looks like that of another user.
    fn with(self, looks_taken: bool) -> Conflict {
        Conflict { name: self.same_name > 0 || looks_taken, email: self.same_email > 0 }
    }
}

/// A user and their password hash.
#[derive(sqlx::FromRow)]
pub(in crate::chat::accounts) struct UserWithPassword {
    #[sqlx(flatten)]
    pub user: User,
    pub password_hash: String,
}

/// The user with an open account that has this handle or address.
pub(in crate::chat::accounts) async fn find_by_login(
    db: &Db,
    folded_name: &str,
    email: &str,
) -> Result<Option<UserWithPassword>, sqlx::Error> {
    // PostgreSQL stores no NUL, so no name contains one; the query would fail.
    if folded_name.contains('\0') || email.contains('\0') {
        return Ok(None);
    }
    fetch_optional!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            ", u.password_hash from users u
             where (u.folded_name = $1 or u.email = $2) and u.deactivated_at is null
             limit 1"
        ),
        folded_name,
        email,
    )
}

/// Whether there is no account yet.
pub(in crate::chat::accounts) async fn is_empty(db: &Db) -> Result<bool, sqlx::Error> {
    let user: Option<UserId> = fetch_optional_scalar!(db, "select id from users limit 1")?;
    Ok(user.is_none())
}

/// A user with an open account.
pub(in crate::chat::accounts) async fn find(
    db: &Db,
    user: UserId,
) -> Result<Option<User>, sqlx::Error> {
    fetch_optional!(
        db,
        concat!(
            "select ",
            USER_COLUMNS!(),
            " from users u where u.id = $1 and u.deactivated_at is null"
        ),
        user,
    )
}

/// A user's e-mail address.
pub(in crate::chat::accounts) async fn email_of(
    db: &Db,
    user: UserId,
) -> Result<String, sqlx::Error> {
    fetch_scalar!(db, "select email from users where id = $1", user)
}

/// A user's password hash.
pub(in crate::chat::accounts) async fn password_of(
    db: &Db,
    user: UserId,
) -> Result<String, sqlx::Error> {
    fetch_scalar!(db, "select password_hash from users where id = $1", user)
}

/// Sets the display name. Returns the groups of the user, which are called after their members; `None` if
/// readers could mistake the name for that of another user.
pub(in crate::chat::accounts) async fn set_display_name(
    db: &Db,
    user: &User,
    name: &DisplayName,
    meta: ChangeMeta,
) -> Result<Option<Vec<RoomId>>, sqlx::Error> {
    let id = user.id;
    let mut transaction = db.begin().await?;
    names::lock(&mut transaction).await?;
    if names::is_like_a_user(&mut transaction, name.as_str(), Some(id)).await? {
        return Ok(None);
    }
    changefeed::record(&mut transaction, meta, Change::User(id)).await?;
    let groups: Vec<RoomId> = fetch_scalars!(
        transaction,
        "select m.room_id from memberships m join rooms r on r.id = m.room_id
         where m.user_id = $1 and r.visibility = 'group' order by m.room_id",
        id,
    )?;
    for group in &groups {
        changefeed::record(&mut transaction, meta, Change::Room(*group)).await?;
    }
    execute!(transaction, "update users set display_name = $1 where id = $2", name.as_str(), id)?;
    names::record(&mut transaction, Subject::User(id), &[&user.name, name.as_str()]).await?;
    transaction.commit().await?;
    Ok(Some(groups))
}

/// Sets a user's time zone; with `once` only if they have none.
pub(in crate::chat::accounts) async fn set_time_zone(
    db: &Db,
    user: UserId,
    zone: &ZoneName,
    once: bool,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update users set time_zone = $1 where id = $2 and (time_zone is null or $3 = 0)",
        zone.as_str(),
        user,
        i64::from(once),
    )?;
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

/// Changes the address and revokes all credentials except `kept`.
pub(in crate::chat::accounts) async fn set_email(
    db: &Db,
    verified: &VerifiedPassword,
    email: &Email,
    kept: CredentialHash,
    now: Timestamp,
) -> Result<ChangeOutcome, sqlx::Error> {
    let user = verified.user.id;
    let mut transaction = db.begin().await?;
    // The lock serializes all changes of names and addresses, so that two users cannot take the same
    // address.
    names::lock(&mut transaction).await?;
    if !lock_verified_user(&mut transaction, verified).await? {
        return Ok(ChangeOutcome::Outdated);
    }
    let changed = execute!(
        transaction,
        "update users set email = $1 where id = $2
           and not exists (select 1 from users where email = $1 and id <> $2)",
        email.as_str(),
        user,
    )?;
    if changed == 0 {
        return Ok(ChangeOutcome::Taken);
    }
    let reason = RevocationReason::SignedOut;
    let revoked = revoke_credentials(&mut transaction, user, Some(kept), reason, now).await?;
    transaction.commit().await?;
    Ok(ChangeOutcome::Done(revoked))
}

/// Changes the password and revokes all credentials except `kept`.
pub(in crate::chat::accounts) async fn set_password(
    db: &Db,
    verified: &VerifiedPassword,
    password_hash: &str,
    kept: CredentialHash,
    now: Timestamp,
) -> Result<ChangeOutcome, sqlx::Error> {
    let user = verified.user.id;
    let mut transaction = db.begin().await?;
    if !lock_verified_user(&mut transaction, verified).await? {
        return Ok(ChangeOutcome::Outdated);
    }
    update_password(&mut transaction, user, password_hash).await?;
    let reason = RevocationReason::SignedOut;
    let revoked = revoke_credentials(&mut transaction, user, Some(kept), reason, now).await?;
    transaction.commit().await?;
    Ok(ChangeOutcome::Done(revoked))
}

pub(super) async fn update_password(
    transaction: &mut Transaction,
    user: UserId,
    password_hash: &str,
) -> Result<(), sqlx::Error> {
    execute!(
        transaction,
        "update users set password_hash = $1 where id = $2",
        password_hash,
        user
    )?;
    Ok(())
}
