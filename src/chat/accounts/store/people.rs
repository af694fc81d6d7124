//! People.

use super::PersonRow;
use super::revocation::{end_sign_ins, lock_proven};
use crate::chat::accounts::model::{
    Credential, DisplayName, Email, Ending, Name, Person, Proven, Role, ZoneName,
};
use crate::chat::names::model::Subject;
use crate::chat::names::store as names;
use crate::chat::news;
use crate::chat::news::model::{News, Stamp};
use crate::db::{Change, Db, reading, reading_many, writing};
use crate::kernel::{Invalid, RoomId, Timestamp, UserId};

/// What came of an attempt to add a person.
pub(in crate::chat::accounts) enum Added {
    /// With the rooms the person is in from the start.
    New(Person, Vec<RoomId>),
    Closed,
    Taken(Taken),
}

/// Which of a name and an address somebody has already.
#[derive(Clone, Copy)]
pub(in crate::chat::accounts) struct Taken {
    name: bool,
    email: bool,
}

impl Taken {
    pub fn complaints(self) -> Vec<Invalid> {
        let name = self.name.then_some(Invalid::new("name", "name-taken"));
        let email = self.email.then_some(Invalid::new("email", "email-taken"));
        name.into_iter().chain(email).collect()
    }
}

pub(in crate::chat::accounts) struct NewPerson<'a> {
    pub name: &'a Name,
    pub email: &'a Email,
    pub password_hash: &'a str,
    /// Whether others than the very first may come.
    pub open: bool,
    pub stamp: Stamp,
}

/// Adds a person and makes them a member of the lobby, in one transaction. The first one of an
/// installation becomes its administrator.
pub(in crate::chat::accounts) async fn add(
    db: &Db,
    new: &NewPerson<'_>,
) -> Result<Added, sqlx::Error> {
    let (folded, skeleton) = (new.name.folded(), new.name.skeleton());
    let mut change = db.change().await?;
    names::lock(&mut change).await?;
    let alike = names::is_like_a_user(&mut change, new.name.as_str(), None).await?;
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
    let name = name > 0 || alike;
    if name || email > 0 {
        return Ok(Added::Taken(Taken { name, email: email > 0 }));
    }
    let row: PersonRow = writing!(change, |connection| {
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
        .bind(if people == 0 { Role::Admin.as_str() } else { Role::Member.as_str() })
        .bind(new.stamp.now.0)
        .fetch_one(connection)
        .await?
    });
    let handle = new.name.as_str();
    names::record(&mut change, Subject::User(UserId(row.id)), &[handle]).await?;
    let rooms = join_lobby(&mut change, UserId(row.id), new.stamp).await?;
    change.commit().await?;
    Ok(Added::New(row.into(), rooms))
}

/// The lobby is everybody's, from the same commit on: nobody exists outside of it.
async fn join_lobby(
    change: &mut Change,
    user: UserId,
    stamp: Stamp,
) -> Result<Vec<RoomId>, sqlx::Error> {
    let rooms: Vec<(i64,)> = writing!(*change, |connection| {
        sqlx::query_as(
            "insert into memberships (user_id, room_id, last_read_seq, joined_at)
             select $1, id, last_seq, $2 from rooms where lobby = 1
             returning room_id",
        )
        .bind(user.0)
        .bind(stamp.now.0)
        .fetch_all(connection)
        .await?
    });
    let rooms: Vec<_> = rooms.into_iter().map(|(id,)| RoomId(id)).collect();
    for room in &rooms {
        news::note(change, stamp, News::Joined(*room, user)).await?;
    }
    Ok(rooms)
}

/// Whether somebody has this name, or one that looks like it, or this address.
pub(in crate::chat::accounts) async fn taken(
    db: &Db,
    name: Option<&Name>,
    email: Option<&Email>,
) -> Result<Taken, sqlx::Error> {
    let wanted = name;
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
    let alike = match wanted {
        Some(name) => names::is_like_any_user(db, name.as_str()).await?,
        None => false,
    };
    Ok(Taken { name: name > 0 || alike, email: email > 0 })
}

/// The active person with this name or address, and the hash of their password.
pub(in crate::chat::accounts) async fn find_by_login(
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
    // A NUL is the one character that PostgreSQL has none of: what holds it names nobody.
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

/// Whether anybody has an account yet.
pub(in crate::chat::accounts) async fn is_empty(db: &Db) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as("select id from users limit 1").fetch_optional(pool).await?
    });
    Ok(found.is_none())
}

/// Somebody with an active account.
pub(in crate::chat::accounts) async fn find(
    db: &Db,
    user: UserId,
) -> Result<Option<Person>, sqlx::Error> {
    let row: Option<PersonRow> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, name, display_name, bot, role, avatar from users
             where id = $1 and deactivated_at is null",
        )
        .bind(user.0)
        .fetch_optional(pool)
        .await?
    });
    Ok(row.map(Person::from))
}

/// Everybody with an active account, by name.
pub(in crate::chat::accounts) async fn list(db: &Db) -> Result<Vec<Person>, sqlx::Error> {
    let rows: Vec<PersonRow> = reading_many!(
        db,
        "id, name, display_name, bot, role, avatar",
        "from users where deactivated_at is null order by sort_key, id",
        |query| query
    );
    Ok(rows.into_iter().map(Person::from).collect())
}

/// Somebody's e-mail address.
pub(in crate::chat::accounts) async fn email_of(
    db: &Db,
    user: UserId,
) -> Result<String, sqlx::Error> {
    let (email,): (String,) = reading!(db, |pool| {
        sqlx::query_as("select email from users where id = $1").bind(user.0).fetch_one(pool).await?
    });
    Ok(email)
}

/// The hash of somebody's password.
pub(in crate::chat::accounts) async fn password_of(
    db: &Db,
    user: UserId,
) -> Result<String, sqlx::Error> {
    let (hash,): (String,) = reading!(db, |pool| {
        sqlx::query_as("select password_hash from users where id = $1")
            .bind(user.0)
            .fetch_one(pool)
            .await?
    });
    Ok(hash)
}

/// False when readers could take the name for that of another user.
pub(in crate::chat::accounts) async fn set_display_name(
    db: &Db,
    person: &Person,
    name: &DisplayName,
    stamp: Stamp,
) -> Result<bool, sqlx::Error> {
    let user = person.id;
    let mut change = db.change().await?;
    names::lock(&mut change).await?;
    if names::is_like_a_user(&mut change, name.as_str(), Some(user)).await? {
        return Ok(false);
    }
    news::note(&mut change, stamp, News::Person(user)).await?;
    writing!(change, |connection| {
        sqlx::query("update users set display_name = $1 where id = $2")
            .bind(name.as_str())
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    names::record(&mut change, Subject::User(user), &[&person.name, name.as_str()]).await?;
    change.commit().await?;
    Ok(true)
}

/// Sets a user's time zone; `once`: only where there is none.
pub(in crate::chat::accounts) async fn set_time_zone(
    db: &Db,
    user: UserId,
    zone: &ZoneName,
    once: bool,
) -> Result<(), sqlx::Error> {
    let mut change = db.change().await?;
    writing!(change, |connection| {
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
    change.commit().await
}

/// What came of a change that takes the password.
pub(in crate::chat::accounts) enum Changed {
    /// With the sign-ins that ended by it.
    Done(Vec<Credential>),
    /// Somebody else has the address.
    Taken,
    /// The password is another one by now.
    Outdated,
}

/// Changes the address and ends all other sign-ins.
pub(in crate::chat::accounts) async fn set_email(
    db: &Db,
    proven: &Proven,
    email: &Email,
    (kept, now): (Credential, Timestamp),
) -> Result<Changed, sqlx::Error> {
    let user = proven.person.id;
    let mut change = db.change().await?;
    // No two have one address.
    names::lock(&mut change).await?;
    if !lock_proven(&mut change, proven).await? {
        return Ok(Changed::Outdated);
    }
    let changed = writing!(change, |connection| {
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
        return Ok(Changed::Taken);
    }
    let ended = end_sign_ins(&mut change, user, Some(kept), (Ending::SignedOut, now)).await?;
    change.commit().await?;
    Ok(Changed::Done(ended))
}

/// Changes the password and ends all other sign-ins.
pub(in crate::chat::accounts) async fn set_password(
    db: &Db,
    proven: &Proven,
    hash: &str,
    (kept, now): (Credential, Timestamp),
) -> Result<Changed, sqlx::Error> {
    let user = proven.person.id;
    let mut change = db.change().await?;
    if !lock_proven(&mut change, proven).await? {
        return Ok(Changed::Outdated);
    }
    put_password(&mut change, user, hash).await?;
    let ended = end_sign_ins(&mut change, user, Some(kept), (Ending::SignedOut, now)).await?;
    change.commit().await?;
    Ok(Changed::Done(ended))
}

pub(super) async fn put_password(
    change: &mut Change,
    user: UserId,
    hash: &str,
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("update users set password_hash = $1 where id = $2")
            .bind(hash)
            .bind(user.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}
