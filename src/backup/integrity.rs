//! Facts about a copy of the database, and checks of its integrity.

use std::collections::BTreeMap;

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::backup::archive::Entry;
use crate::chat::files::model::ContentHash;
use crate::chat::files::storage::path_of;
use crate::db::sqlite::file;

/// What a manifest states about a database.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    pub migrations: Vec<i64>,
    pub epoch: String,
    pub rows: BTreeMap<String, i64>,
}

/// Reads the facts about a database.
///
/// # Errors
/// If the database cannot be read.
pub async fn facts(connection: &mut SqliteConnection) -> Result<Facts, sqlx::Error> {
    let migrations = file::applied(connection).await?;
    let epoch: Option<(String,)> =
        sqlx::query_as("select value from settings where name = 'epoch'")
            .fetch_optional(&mut *connection)
            .await?;
    let tables: Vec<(String,)> = sqlx::query_as(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut rows = BTreeMap::new();
    for (table,) in tables {
        // A table name cannot be a bind parameter. Quoted like this, it cannot be read as SQL.
        let count = format!("select count(*) from \"{}\"", table.replace('"', "\"\""));
        let (count,): (i64,) =
            sqlx::query_as(AssertSqlSafe(count)).fetch_one(&mut *connection).await?;
        rows.insert(table, count);
    }
    let epoch = epoch.map(|(epoch,)| epoch).unwrap_or_default();
    Ok(Facts { migrations, epoch, rows })
}

/// The contents that files name, as entries of an archive.
///
/// # Errors
/// If the database cannot be read, or has a hash that is none.
pub async fn contents(connection: &mut SqliteConnection) -> anyhow::Result<Vec<Entry>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select hash, size from contents
         where hash in (select hash from files) or hash in (select preview_hash from files)
         order by hash",
    )
    .fetch_all(&mut *connection)
    .await?;
    let entry = |(sha256, size): (String, i64)| {
        let hash = ContentHash::parse(&sha256).context("a content has no SHA-256")?;
        let bytes = u64::try_from(size).context("a content has no size")?;
        Ok(Entry { path: path_of(&hash), bytes, sha256 })
    };
    rows.into_iter().map(entry).collect()
}

/// Invariants of every database. Each query returns the first row that violates one.
pub const INTEGRITY_CHECKS: [(&str, &str); 12] = [
    (
        "message {} has a file whose size is not that of its content",
        "select coalesce(f.message_id, 0) from files f join contents c on c.hash = f.hash
         where c.size <> f.size",
    ),
    (
        "message {} does not have the files that it counts",
        "select m.id from messages m
         where m.files <> (select count(*) from files f where f.message_id = coalesce(m.twin_of, m.id))",
    ),
    (
        "the messages of room {} are not numbered 1, 2, 3 up to last_seq",
        "select id from rooms r
         where id not in (select room_id from deleted_rooms)
           and id not in (select t.room_id from threads t
                          join deleted_rooms d on d.room_id = t.parent_room_id) and (last_seq <> (select count(*) from messages
                            where room_seq_key > r.id << 32 and room_seq_key <= (r.id << 32) + r.last_seq)
            or exists (select 1 from messages
                       where room_seq_key > (r.id << 32) + r.last_seq and room_seq_key < (r.id + 1) << 32))",
    ),
    (
        "room {} has changes after its rev",
        "select id from rooms r
         where exists (select 1 from messages
                       where room_rev_key > (r.id << 32) + r.rev and room_rev_key < (r.id + 1) << 32)",
    ),
    (
        "message {} is in no room or in two rooms",
        "select id from messages m
         where room_seq_key >> 32 <> room_rev_key >> 32 or not exists (select 1 from rooms where id = room_seq_key >> 32)",
    ),
    (
        "room {} is the thread of a message that is not in its room",
        "select room_id from threads t
         where parent_room_id not in (select room_id from deleted_rooms)
           and not exists (select 1 from messages m where m.id = t.head_id and m.thread_id = t.room_id
                                                      and m.room_seq_key >> 32 = t.parent_room_id)",
    ),
    (
        "message {} has an id that was not assigned yet",
        "select id from messages where id > (select last_value from message_ids)",
    ),
    (
        "there is a reaction to message {}, which does not exist",
        "select message_id from reactions r
         where not exists (select 1 from messages where id = r.message_id)",
    ),
    (
        "message {}, which does not exist, is saved",
        "select message_id from saved_messages s
         where not exists (select 1 from messages where id = s.message_id)",
    ),
    (
        "user {} is mentioned in a message that does not exist",
        "select user_id from mentions n
         where not exists (select 1 from messages where room_seq_key = n.room_seq_key)",
    ),
    (
        "the avatar of user {} is missing",
        "select id from users u
         where avatar is not null and not exists (select 1 from avatars where name = u.avatar)",
    ),
    (
        "there is more than one lobby: room {}",
        "select max(id) from rooms where lobby = 1 having count(*) > 1",
    ),
];

/// The violations in a database with the latest schema; empty if it is sound.
///
/// # Errors
/// If the database cannot be read.
pub async fn violations(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let mut violations_found = Vec::new();
    let (integrity,): (String,) =
        sqlx::query_as("pragma integrity_check(1)").fetch_one(&mut *connection).await?;
    if integrity != "ok" {
        violations_found
            .push(format!("the database is corrupted: {}", integrity.replace('\n', " ")));
        return Ok(violations_found);
    }
    let orphans = sqlx::query("pragma foreign_key_check").fetch_all(&mut *connection).await?;
    if !orphans.is_empty() {
        violations_found.push(format!("{} rows refer to rows that do not exist", orphans.len()));
    }
    for (description, query) in INTEGRITY_CHECKS {
        let first: Option<(i64,)> = sqlx::query_as(AssertSqlSafe(format!("{query} limit 1")))
            .fetch_optional(&mut *connection)
            .await?;
        if let Some((id,)) = first {
            violations_found.push(description.replace("{}", &id.to_string()));
        }
    }
    Ok(violations_found)
}

/// Sets a new epoch, so that clients discard the numbers of the old history. Also deletes all
/// password reset links, since some may have been used after the backup.
///
/// # Errors
/// If the database cannot be written.
pub async fn renew(connection: &mut SqliteConnection, epoch: &str) -> Result<(), sqlx::Error> {
    sqlx::query("insert or replace into settings (name, value) values ('epoch', $1)")
        .bind(epoch)
        .execute(&mut *connection)
        .await?;
    sqlx::query("delete from password_resets").execute(connection).await?;
    Ok(())
}

/// Revokes all sessions and tokens.
///
/// # Errors
/// If the database cannot be written.
pub async fn sign_out(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("delete from sessions").execute(&mut *connection).await?;
    sqlx::query("delete from tokens").execute(connection).await?;
    Ok(())
}
