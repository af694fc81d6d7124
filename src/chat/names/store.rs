//! The SQL of sort keys, filter texts and confusable names.

use super::model::{Subject, filter_text};
use crate::db::{
    Db, Transaction, execute, fetch_all, fetch_optional_scalar, json_rows, set_setting,
};
use crate::kernel::{RoomId, UserId};
use crate::text::collation::{COLLATION_VERSION, sort_key};
use crate::text::names::{KEYS_VERSION, confusable_keys, user_confusable_keys};
use crate::text::normalize;

/// Names filled in per transaction.
const BATCH: i64 = 200;

/// Serializes changes of names until the transaction ends. Otherwise two similar names requested at the
/// same time would both find no conflict. It locks the row of the lobby, with an update that changes
/// nothing.
pub(in crate::chat) async fn lock(transaction: &mut Transaction) -> Result<(), sqlx::Error> {
    execute!(transaction, "update rooms set rev = rev where lobby = 1")?;
    Ok(())
}

/// Whether readers could confuse a name with the handle or display name of a user other than `except`.
pub(in crate::chat) async fn is_like_a_user(
    transaction: &mut Transaction,
    name: &str,
    except: Option<UserId>,
) -> Result<bool, sqlx::Error> {
    let found: Option<UserId> = fetch_optional_scalar!(
        transaction,
        "select subject_id from confusable_names
         where kind = 'user' and subject_id <> $1
           and key in (select value ->> 0 from jsonb_each($2)) limit 1",
        except.unwrap_or(UserId(0)),
        json_rows(&keys(user_confusable_keys, &[name])),
    )?;
    Ok(found.is_some())
}

/// Whether readers could confuse a handle with that of a user. Used to check a form before it is
/// submitted.
pub(in crate::chat) async fn is_like_any_user(db: &Db, name: &str) -> Result<bool, sqlx::Error> {
    let found: Option<UserId> = fetch_optional_scalar!(
        db,
        "select subject_id from confusable_names
         where kind = 'user' and key in (select value ->> 0 from jsonb_each($1)) limit 1",
        json_rows(&keys(user_confusable_keys, &[name])),
    )?;
    Ok(found.is_some())
}

/// Whether readers could confuse a name with that of a public room other than `except`, including
/// deleted rooms that can still be restored.
pub(in crate::chat) async fn is_like_a_public_room(
    transaction: &mut Transaction,
    name: &str,
    except: Option<RoomId>,
) -> Result<bool, sqlx::Error> {
    let found: Option<RoomId> = fetch_optional_scalar!(
        transaction,
        "select r.id from confusable_names c join rooms r on r.id = c.subject_id
         where c.kind = 'room' and r.id <> $1
           and (r.visibility = 'public' or exists (select 1 from deleted_rooms d
             where d.room_id = r.id and d.visibility = 'public' and d.purged_at is null))
           and c.key in (select value ->> 0 from jsonb_each($2)) limit 1",
        except.unwrap_or(RoomId(0)),
        json_rows(&keys(confusable_keys, &[name])),
    )?;
    Ok(found.is_some())
}

/// Replaces the recorded names of a subject. Lists sort it by the last of them.
pub(in crate::chat) async fn record(
    transaction: &mut Transaction,
    subject: Subject,
    names: &[&str],
) -> Result<(), sqlx::Error> {
    let (kind, id, keys) = match subject {
        Subject::User(user) => ("user", user.0, keys(user_confusable_keys, names)),
        Subject::Room(room) => ("room", room.0, keys(confusable_keys, names)),
    };
    execute!(
        transaction,
        "delete from confusable_names where kind = $1 and subject_id = $2",
        kind,
        id
    )?;
    execute!(
        transaction,
        "insert into confusable_names (kind, key, subject_id)
         select distinct $1, value ->> 0, $2 from jsonb_each($3)",
        kind,
        id,
        json_rows(&keys),
    )?;
    let sort_key = sort_key(names.last().copied().unwrap_or_default());
    let update = match subject {
        Subject::User(_) => "update users set sort_key = $1, filter_text = $2 where id = $3",
        Subject::Room(_) => "update rooms set sort_key = $1, filter_text = $2 where id = $3",
    };
    execute!(transaction, update, sort_key, filter_text(names), id)?;
    Ok(())
}

/// The keys of all names, as a list of rows.
fn keys(keys_of: fn(&str) -> Vec<String>, names: &[&str]) -> Vec<[String; 1]> {
    names.iter().flat_map(|name| keys_of(name)).map(|key| [key]).collect()
}

/// Clears keys that another version of the collation, of the confusables or of the normal form made:
/// they cannot be compared with those of this version.
pub(super) async fn forget_old_order(db: &Db) -> Result<(), sqlx::Error> {
    let recorded: Option<String> =
        fetch_optional_scalar!(db, "select value from settings where name = 'collation'")?;
    let filter = normalize::VERSION;
    let version = format!("{COLLATION_VERSION}, names {KEYS_VERSION}, filter {filter}");
    if recorded.as_ref() == Some(&version) {
        return Ok(());
    }
    let mut transaction = db.begin().await?;
    execute!(transaction, "update users set sort_key = null")?;
    execute!(transaction, "update rooms set sort_key = null")?;
    set_setting(&mut transaction, "collation", &version).await?;
    transaction.commit().await
}

/// Records some names that are not recorded yet. Returns true if there may be more.
pub(super) async fn fill_some(db: &Db) -> Result<bool, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct UserNamesRow {
        id: UserId,
        name: String,
        display_name: String,
    }
    #[derive(sqlx::FromRow)]
    struct RoomNameRow {
        id: RoomId,
        name: String,
    }
    let mut transaction = db.begin().await?;
    let users: Vec<UserNamesRow> = fetch_all!(
        transaction,
        "select id, name, display_name from users where sort_key is null order by id limit $1",
        BATCH,
    )?;
    let rooms: Vec<RoomNameRow> = fetch_all!(
        transaction,
        "select id, name from rooms where sort_key is null order by id limit $1",
        BATCH,
    )?;
    for user in &users {
        let names = [user.name.as_str(), &user.display_name];
        record(&mut transaction, Subject::User(user.id), &names).await?;
    }
    for room in &rooms {
        record(&mut transaction, Subject::Room(room.id), &[&room.name]).await?;
    }
    transaction.commit().await?;
    Ok(!users.is_empty() || !rooms.is_empty())
}

/// Reads a page of a list sorted by name, the row closest to its start first. `$from` ends with a condition. The
/// three parameters after those of the values are the position, its id and the number of rows: a statement names them
/// itself, because macros cannot count.
macro_rules! fetch_list_page {
    (
        $db:expr, $start:expr, $columns:expr, $from:expr,
        order by ($key:literal, $id:literal) from $position:literal, $id_at:literal, $rows:literal
        $(, $value:expr)* $(,)?
    ) => {{
        let start: &$crate::kernel::paging::PageStart = $start;
        let (key, id) = (start.position().sort_key(), start.position().id());
        let rows = $crate::kernel::paging::PageStart::rows();
        match start {
            $crate::kernel::paging::PageStart::After(_) => $crate::db::fetch_all_json!(
                $db,
                $columns,
                concat!(
                    $from, " and (", $key, ", ", $id, ") > (", $position, ", ", $id_at, ")",
                    " order by ", $key, ", ", $id, " limit ", $rows
                )
                $(, $value)*, key, id, rows
            ),
            $crate::kernel::paging::PageStart::Before(_) => $crate::db::fetch_all_json!(
                $db,
                $columns,
                concat!(
                    $from, " and (", $key, ", ", $id, ") < (", $position, ", ", $id_at, ")",
                    " order by ", $key, " desc, ", $id, " desc limit ", $rows
                )
                $(, $value)*, key, id, rows
            ),
        }
    }};
}

pub(in crate::chat) use fetch_list_page;
