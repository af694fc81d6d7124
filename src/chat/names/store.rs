//! The SQL of names.

use super::model::Subject;
use crate::db::{Db, Transaction, json_rows, reading, writing};
use crate::kernel::{RoomId, UserId};
use crate::text::collation::{COLLATION_VERSION, sort_key};
use crate::text::names::{KEYS_VERSION, confusable_keys, user_confusable_keys};

/// So many names are filled in by one transaction.
const PIECE: i64 = 200;

/// Names are taken one after the other: two that look alike, asked for at the same time, would both
/// find nothing in their way. Locked is the lobby, by an update that changes nothing.
pub(in crate::chat) async fn lock(change: &mut Transaction) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("update rooms set rev = rev where lobby = 1")
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// Whether readers could take a name for that of a user, by handle or display name. `except` may
/// have it.
pub(in crate::chat) async fn is_like_a_user(
    change: &mut Transaction,
    name: &str,
    except: Option<UserId>,
) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = writing!(*change, |connection| {
        sqlx::query_as(
            "select subject_id from confusable_names
             where kind = 'user' and subject_id <> $1
               and key in (select value ->> 0 from jsonb_each($2)) limit 1",
        )
        .bind(except.map_or(0, |user| user.0))
        .bind(json_rows(&keys(user_confusable_keys, &[name])))
        .fetch_optional(connection)
        .await?
    });
    Ok(found.is_some())
}

/// Whether readers could take a handle for that of a user, as a form asks before it is sent.
pub(in crate::chat) async fn is_like_any_user(db: &Db, name: &str) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as(
            "select subject_id from confusable_names
             where kind = 'user' and key in (select value ->> 0 from jsonb_each($1)) limit 1",
        )
        .bind(json_rows(&keys(user_confusable_keys, &[name])))
        .fetch_optional(pool)
        .await?
    });
    Ok(found.is_some())
}

/// Whether readers could take a name for that of a public room, or of one that was deleted and keeps
/// its name for a while. `except` may have it.
pub(in crate::chat) async fn is_like_a_public_room(
    change: &mut Transaction,
    name: &str,
    except: Option<RoomId>,
) -> Result<bool, sqlx::Error> {
    let found: Option<(i64,)> = writing!(*change, |connection| {
        sqlx::query_as(
            "select r.id from confusable_names c join rooms r on r.id = c.subject_id
             where c.kind = 'room' and r.id <> $1
               and (r.visibility = 'public' or exists (select 1 from deleted_rooms d
                 where d.room_id = r.id and d.visibility = 'public' and d.purged_at is null))
               and c.key in (select value ->> 0 from jsonb_each($2)) limit 1",
        )
        .bind(except.map_or(0, |room| room.0))
        .bind(json_rows(&keys(confusable_keys, &[name])))
        .fetch_optional(connection)
        .await?
    });
    Ok(found.is_some())
}

/// Records the names of something in place of those before. It stands in lists by the last of them.
pub(in crate::chat) async fn record(
    change: &mut Transaction,
    subject: Subject,
    names: &[&str],
) -> Result<(), sqlx::Error> {
    let (kind, id, keys) = match subject {
        Subject::User(user) => ("user", user.0, keys(user_confusable_keys, names)),
        Subject::Room(room) => ("room", room.0, keys(confusable_keys, names)),
    };
    writing!(*change, |connection| {
        sqlx::query("delete from confusable_names where kind = $1 and subject_id = $2")
            .bind(kind)
            .bind(id)
            .execute(connection)
            .await?
            .rows_affected()
    });
    writing!(*change, |connection| {
        sqlx::query(
            "insert into confusable_names (kind, key, subject_id)
             select distinct $1, value ->> 0, $2 from jsonb_each($3)",
        )
        .bind(kind)
        .bind(id)
        .bind(json_rows(&keys))
        .execute(connection)
        .await?
        .rows_affected()
    });
    let key = sort_key(names.last().copied().unwrap_or_default());
    let update = match subject {
        Subject::User(_) => "update users set sort_key = $1 where id = $2",
        Subject::Room(_) => "update rooms set sort_key = $1 where id = $2",
    };
    writing!(*change, |connection| {
        sqlx::query(update).bind(&key).bind(id).execute(connection).await?.rows_affected()
    });
    Ok(())
}

/// As a list of rows.
fn keys(of: fn(&str) -> Vec<String>, names: &[&str]) -> Vec<[String; 1]> {
    names.iter().flat_map(|name| of(name)).map(|key| [key]).collect()
}

/// Forgets the keys of another version of the collation, or of what looks alike: they do not compare
/// with those of this one.
pub(super) async fn forget_old_order(db: &Db) -> Result<(), sqlx::Error> {
    let known: Option<(String,)> = reading!(db, |pool| {
        sqlx::query_as("select value from meta where name = 'collation'")
            .fetch_optional(pool)
            .await?
    });
    let version = format!("{COLLATION_VERSION}, names {KEYS_VERSION}");
    if known.is_some_and(|(known,)| known == version) {
        return Ok(());
    }
    let mut change = db.begin().await?;
    for statement in ["update users set sort_key = null", "update rooms set sort_key = null"] {
        writing!(change, |connection| {
            sqlx::query(statement).execute(connection).await?.rows_affected()
        });
    }
    writing!(change, |connection| {
        sqlx::query(
            "insert into meta (name, value) values ('collation', $1)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(&version)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}

/// Records some names that are not recorded yet. True when there may be more.
pub(super) async fn fill_some(db: &Db) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    let users: Vec<(i64, String, String)> = writing!(change, |connection| {
        sqlx::query_as(
            "select id, name, display_name from users where sort_key is null order by id limit $1",
        )
        .bind(PIECE)
        .fetch_all(connection)
        .await?
    });
    let rooms: Vec<(i64, String)> = writing!(change, |connection| {
        sqlx::query_as("select id, name from rooms where sort_key is null order by id limit $1")
            .bind(PIECE)
            .fetch_all(connection)
            .await?
    });
    for (id, name, shown) in &users {
        record(&mut change, Subject::User(UserId(*id)), &[name, shown]).await?;
    }
    for (id, name) in &rooms {
        record(&mut change, Subject::Room(RoomId(*id)), &[name]).await?;
    }
    change.commit().await?;
    Ok(!users.is_empty() || !rooms.is_empty())
}
