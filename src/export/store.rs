//! The SQL of exports and imports, except that of each kind of records.

use futures_util::{Stream, TryStreamExt};

use crate::backup::integrity::INTEGRITY_CHECKS;
use crate::chat::files::model::Content;
use crate::db::{
    Db, Transaction, execute, fetch_all, fetch_optional, fetch_scalar, fetch_scalars, set_setting,
};
use crate::export::jsonl::Record;
use crate::export::records::FileContent;

/// Passes all records of a kind to `take`, one by one.
pub async fn for_each<R: Record>(
    snapshot: &mut Transaction,
    take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    match snapshot {
        Transaction::Sqlite(snapshot) => {
            pass_on(sqlx::query_as(R::SELECT).fetch(&mut **snapshot), take).await
        }
        Transaction::Postgres(snapshot) => {
            pass_on(sqlx::query_as(R::SELECT).fetch(&mut **snapshot), take).await
        }
    }
}

/// Passes all avatars to `take`, ordered by name.
pub async fn for_each_avatar(
    snapshot: &mut Transaction,
    mut take: impl FnMut(&str, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    const SELECT: &str = "select name, image from avatars order by name";
    let take = |(name, image): (String, Vec<u8>)| take(&name, &image);
    match snapshot {
        Transaction::Sqlite(snapshot) => {
            pass_on(sqlx::query_as(SELECT).fetch(&mut **snapshot), take).await
        }
        Transaction::Postgres(snapshot) => {
            pass_on(sqlx::query_as(SELECT).fetch(&mut **snapshot), take).await
        }
    }
}

async fn pass_on<R>(
    mut rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    mut take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while let Some(row) = rows.try_next().await? {
        take(row)?;
    }
    Ok(())
}

/// The names of the avatars that users have.
pub async fn avatar_names(transaction: &mut Transaction) -> Result<Vec<String>, sqlx::Error> {
    fetch_scalars!(transaction, "select avatar from users where avatar is not null order by id")
}

pub async fn add_avatar(
    transaction: &mut Transaction,
    name: &str,
    image: &[u8],
) -> Result<(), sqlx::Error> {
    execute!(transaction, "insert into avatars (name, image) values ($1, $2)", name, image)?;
    Ok(())
}

/// All contents.
pub async fn contents(transaction: &mut Transaction) -> Result<Vec<Content>, sqlx::Error> {
    let rows: Vec<FileContent> =
        fetch_all!(transaction, "select hash, size from contents order by hash")?;
    let content =
        |row: FileContent| row.content().map_err(|error| sqlx::Error::Decode(error.into()));
    rows.into_iter().map(content).collect()
}

/// The greatest message id that was ever assigned.
pub async fn last_message_id(snapshot: &mut Transaction) -> Result<i64, sqlx::Error> {
    fetch_scalar!(snapshot, "select last_value from message_ids")
}

/// Whether there are no users and no messages.
pub async fn is_empty(db: &Db) -> Result<bool, sqlx::Error> {
    let found: i64 = fetch_scalar!(
        db,
        "select (select count(*) from (select 1 from users limit 1) one)
              + (select count(*) from (select 1 from messages limit 1) one)",
    )?;
    Ok(found == 0)
}

/// Deletes the lobby that a new installation has.
pub async fn clear(transaction: &mut Transaction) -> Result<(), sqlx::Error> {
    execute!(transaction, "delete from rooms")?;
    Ok(())
}

/// Finishes an import: moves the last id past the imported ids and sets the new epoch. `last` is the greatest
/// message id that was assigned where the export was made.
pub async fn finish_import(
    transaction: &mut Transaction,
    last: i64,
    epoch: &str,
) -> Result<(), sqlx::Error> {
    let greatest: i64 = fetch_scalar!(transaction, "select coalesce(max(id), 0) from messages")?;
    let last = last.max(greatest);
    let assigned = match transaction {
        Transaction::Sqlite(_) => "update counters set value = $1 where name = 'message'",
        Transaction::Postgres(_) => "select setval('message_ids', $1)",
    };
    execute!(transaction, assigned, last)?;
    set_setting(transaction, "epoch", epoch).await?;
    execute!(
        transaction,
        "insert into message_time_ranges
         select id >> 12, min(created_at), max(created_at) + 1 from messages group by 1",
    )?;
    count_replies(transaction).await?;
    execute!(
        transaction,
        "update messages set files =
           (select count(*) from files f where f.message_id = coalesce(messages.twin_of, messages.id))
         where id in (select message_id from files) or twin_of in (select message_id from files)",
    )?;
    // At the next start, search indexes all imported messages, newest first.
    execute!(
        transaction,
        "insert into settings (name, value) values ('search_below', $1)",
        (last + 1).to_string(),
    )?;
    // Exports contain no jobs, so schedule the one that reassigns the rooms of closed accounts.
    execute!(
        transaction,
        "insert into jobs (kind, subject, due_at, created_at)
         select 'pass-on-rooms', cast(id as text), 0, 0 from users
         where deactivated_at is not null
           and exists (select 1 from rooms where owner_id = users.id)",
    )?;
    // SQLite continues after the greatest id automatically.
    if let Transaction::Postgres(transaction) = transaction {
        for query in [
            "select setval(pg_get_serial_sequence('users', 'id'), max(id)) from users having max(id) > 0",
            "select setval(pg_get_serial_sequence('rooms', 'id'), max(id)) from rooms having max(id) > 0",
            "select setval(pg_get_serial_sequence('audit', 'id'), max(id)) from audit having max(id) > 0",
        ] {
            sqlx::query(query).execute(&mut **transaction).await?;
        }
    }
    Ok(())
}

/// Computes what the heads of threads show of them.
async fn count_replies(transaction: &mut Transaction) -> Result<(), sqlx::Error> {
    for query in [
        "update messages set thread_id = (select room_id from threads where head_id = messages.id)
         where id in (select head_id from threads)",
        "insert into thread_authors (room_id, user_id, replies, last_seq)
         select t.room_id, m.author_id, count(*), max(m.room_seq_key & 4294967295)
         from messages m join threads t on t.room_id = m.room_seq_key >> 32
         where m.deleted_at is null group by t.room_id, m.author_id",
        "update threads set
           replies = (select coalesce(sum(a.replies), 0) from thread_authors a where a.room_id = threads.room_id),
           last_reply_at =
             (select m.created_at from messages m where m.room_seq_key = (threads.room_id << 32)
                + (select max(a.last_seq) from thread_authors a where a.room_id = threads.room_id))",
    ] {
        execute!(transaction, query)?;
    }
    Ok(())
}

/// The first violated invariant, if any.
pub async fn violation(transaction: &mut Transaction) -> Result<Option<String>, sqlx::Error> {
    for (description, query) in INTEGRITY_CHECKS {
        let first: Option<(i64,)> = fetch_optional!(transaction, query)?;
        if let Some((id,)) = first {
            return Ok(Some(description.replace("{}", &id.to_string())));
        }
    }
    Ok(None)
}
