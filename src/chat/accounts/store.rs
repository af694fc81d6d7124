//! The SQL of people and their sign-ins.

use super::model::{Credential, Email, Name, Person, Role};
use crate::db::{Db, reading, writing};
use crate::kernel::{RoomId, Timestamp, UserId};

#[derive(sqlx::FromRow)]
struct PersonRow {
    id: i64,
    name: String,
    display_name: String,
    bot: i64,
    role: String,
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Self {
        Self {
            id: UserId(row.id),
            name: row.name,
            display_name: row.display_name,
            bot: row.bot != 0,
            role: Role::from_column(&row.role),
        }
    }
}

/// What came of an attempt to add a person.
pub(super) enum Added {
    /// With the rooms the person is in from the start.
    New(Person, Vec<RoomId>),
    Closed,
    Taken {
        name: bool,
        email: bool,
    },
}

pub(super) struct NewPerson<'a> {
    pub name: &'a Name,
    pub email: &'a Email,
    pub password_hash: &'a str,
    /// Whether others than the very first may come.
    pub open: bool,
    pub now: Timestamp,
}

/// Adds a person and makes them a member of the lobby, in one transaction. The first one of an
/// installation becomes its administrator.
pub(super) async fn add(db: &Db, new: &NewPerson<'_>) -> Result<Added, sqlx::Error> {
    let (folded, skeleton) = (new.name.folded(), new.name.skeleton());
    let mut change = db.change().await?;
    let (people, name, email): (i64, i64, i64) = writing!(change, |connection| {
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
    if people > 0 && !new.open {
        return Ok(Added::Closed);
    }
    if name + email > 0 {
        return Ok(Added::Taken { name: name > 0, email: email > 0 });
    }
    let row: PersonRow = writing!(change, |connection| {
        sqlx::query_as(
            "insert into users
               (name, folded_name, skeleton, display_name, email, password_hash, role, created_at)
             values ($1, $2, $3, $1, $4, $5, $6, $7)
             returning id, name, display_name, bot, role",
        )
        .bind(new.name.as_str())
        .bind(&folded)
        .bind(&skeleton)
        .bind(new.email.as_str())
        .bind(new.password_hash)
        .bind(if people == 0 { Role::Admin.as_str() } else { Role::Member.as_str() })
        .bind(new.now.0)
        .fetch_one(connection)
        .await?
    });
    // The lobby is everybody's, from the same commit on: nobody exists outside of it.
    let rooms: Vec<(i64,)> = writing!(change, |connection| {
        sqlx::query_as(
            "insert into memberships (user_id, room_id, last_read_seq, joined_at)
             select $1, id, last_seq, $2 from rooms where lobby = 1
             returning room_id",
        )
        .bind(row.id)
        .bind(new.now.0)
        .fetch_all(connection)
        .await?
    });
    change.commit().await?;
    Ok(Added::New(row.into(), rooms.into_iter().map(|(id,)| RoomId(id)).collect()))
}

/// The active person with this name or address, and the hash of their password.
pub(super) async fn find_by_login(
    db: &Db,
    folded_name: &str,
    email: &str,
) -> Result<Option<(Person, String)>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        person: PersonRow,
        password_hash: String,
    }
    let row: Option<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, name, display_name, bot, role, password_hash from users
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

/// Whether anybody has an account yet.
pub(super) async fn is_empty(db: &Db) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select id from users limit 1").fetch_optional(pool).await?
    });
    Ok(found.is_none())
}

/// Everybody with an active account, by name.
pub(super) async fn list(db: &Db) -> Result<Vec<Person>, sqlx::Error> {
    let rows: Vec<PersonRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, name, display_name, bot, role from users
             where deactivated_at is null order by folded_name",
        )
        .fetch_all(pool)
        .await?
    });
    Ok(rows.into_iter().map(Person::from).collect())
}

pub(super) async fn add_session(
    db: &Db,
    credential: Credential,
    user: UserId,
    now: Timestamp,
    expires: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query(
            "insert into sessions (hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)",
        )
        .bind(credential.0.as_slice())
        .bind(user.0)
        .bind(now.0)
        .bind(expires.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}

/// Whose session this is, and until when.
pub(super) async fn find_by_session(
    db: &Db,
    credential: Credential,
    now: Timestamp,
) -> Result<Option<(Person, Timestamp)>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        person: PersonRow,
        expires_at: i64,
    }
    let row: Option<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role, s.expires_at
             from sessions s join users u on u.id = s.user_id
             where s.hash = $1 and s.expires_at > $2 and u.deactivated_at is null",
        )
        .bind(credential.0.as_slice())
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(|row| (row.person.into(), Timestamp(row.expires_at))))
}

pub(super) async fn extend_session(
    db: &Db,
    credential: Credential,
    expires: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("update sessions set expires_at = $2 where hash = $1")
            .bind(credential.0.as_slice())
            .bind(expires.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

pub(super) async fn remove_session(db: &Db, credential: Credential) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("delete from sessions where hash = $1")
            .bind(credential.0.as_slice())
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

/// Removes the sessions that nobody came back to.
pub(super) async fn remove_expired_sessions(db: &Db, now: Timestamp) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("delete from sessions where expires_at <= $1")
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

pub(super) async fn add_token(
    db: &Db,
    credential: Credential,
    user: UserId,
    label: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("insert into tokens (hash, user_id, label, created_at) values ($1, $2, $3, $4)")
            .bind(credential.0.as_slice())
            .bind(user.0)
            .bind(label)
            .bind(now.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

pub(super) async fn find_by_token(
    db: &Db,
    credential: Credential,
) -> Result<Option<Person>, sqlx::Error> {
    let row: Option<PersonRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select u.id, u.name, u.display_name, u.bot, u.role
             from tokens t join users u on u.id = t.user_id
             where t.hash = $1 and u.deactivated_at is null",
        )
        .bind(credential.0.as_slice())
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(Person::from))
}

pub(super) async fn remove_token(db: &Db, credential: Credential) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
        sqlx::query("delete from tokens where hash = $1")
            .bind(credential.0.as_slice())
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}
