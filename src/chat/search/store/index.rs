//! Keeping the index: with each batch of messages, in its transaction, and for what was there before.

use crate::chat::search::model::{Entry, has_link};
use crate::db::{Change, Db, writing};
use crate::kernel::{MessageId, UserId, ids};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    pos: i64,
    author_id: i64,
    body: String,
    html: String,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            message: MessageId(row.id),
            room: ids::room_of(row.pos),
            author: UserId(row.author_id),
            body: row.body,
            link: has_link(&row.html),
        }
    }
}

/// A list as one value for `SQLite`.
fn json<T: serde::Serialize>(list: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(list).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// With rising ids, as FTS5 wants them.
fn texts(entries: &[Entry]) -> Result<String, sqlx::Error> {
    let mut rows: Vec<_> = entries.iter().map(|entry| (entry.message.0, entry.text())).collect();
    rows.sort_unstable_by_key(|(id, _)| *id);
    json(&rows)
}

/// Takes messages out of the index. To be called while they have still the text that they were indexed
/// with: `SQLite` is told what to remove.
pub(in crate::chat) async fn forget(
    change: &mut Change,
    messages: &[MessageId],
) -> Result<(), sqlx::Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    match change {
        Change::Sqlite(transaction) => {
            // The plus keeps SQLite from going through all that is indexed.
            let rows: Vec<Row> = sqlx::query_as(
                "select id, pos, author_id, body, html from messages
                 where id in (select value from json_each($1)) and deleted_at is null
                   and +id in (select id from search_docsize)",
            )
            .bind(json(&ids)?)
            .fetch_all(&mut **transaction)
            .await?;
            let entries: Vec<Entry> = rows.into_iter().map(Entry::from).collect();
            sqlx::query(
                "insert into search (search, rowid, tokens)
                 select 'delete', value ->> 0, value ->> 1 from json_each($1)",
            )
            .bind(texts(&entries)?)
            .execute(&mut **transaction)
            .await?;
        }
        Change::Postgres(transaction) => {
            sqlx::query("delete from search where id = any($1)")
                .bind(ids)
                .execute(&mut **transaction)
                .await?;
        }
    }
    Ok(())
}

/// Puts messages into the index that are not in it.
pub(in crate::chat) async fn write(
    change: &mut Change,
    entries: &[Entry],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    match change {
        Change::Sqlite(transaction) => {
            sqlx::query(
                "insert into search (rowid, tokens)
                 select value ->> 0, value ->> 1 from json_each($1)",
            )
            .bind(texts(entries)?)
            .execute(&mut **transaction)
            .await?;
        }
        Change::Postgres(transaction) => {
            let ids: Vec<i64> = entries.iter().map(|entry| entry.message.0).collect();
            let vectors: Vec<String> = entries.iter().map(Entry::vector).collect();
            sqlx::query(
                "insert into search (id, tokens)
                 select id, tokens::tsvector from unnest($1::bigint[], $2::text[]) e (id, tokens)",
            )
            .bind(ids)
            .bind(vectors)
            .execute(&mut **transaction)
            .await?;
        }
    }
    Ok(())
}

/// Indexes a piece of what was there before search was, the newest first. How many messages it was;
/// `None` when all are indexed.
pub(in crate::chat::search) async fn index_earlier(db: &Db) -> Result<Option<usize>, sqlx::Error> {
    const PIECE: i64 = 500;
    let mut change = db.change().await?;
    // An update, so that of two processes one waits.
    let below: Option<(i64,)> = writing!(change, |connection| {
        sqlx::query_as(
            "update meta set value = value where name = 'search_below'
             returning cast(value as bigint)",
        )
        .fetch_optional(connection)
        .await?
    });
    let Some((below,)) = below else { return Ok(None) };
    let rows: Vec<Row> = writing!(change, |connection| {
        sqlx::query_as(
            "select id, pos, author_id, body, html from messages
             where id < $1 and deleted_at is null order by id desc limit $2",
        )
        .bind(below)
        .bind(PIECE)
        .fetch_all(connection)
        .await?
    });
    let entries: Vec<Entry> = rows.into_iter().map(Entry::from).collect();
    let lowest = entries.last().map_or(0, |entry| entry.message.0);
    // Who edited one meanwhile has indexed it.
    let messages: Vec<MessageId> = entries.iter().map(|entry| entry.message).collect();
    forget(&mut change, &messages).await?;
    write(&mut change, &entries).await?;
    writing!(change, |connection| {
        sqlx::query("update meta set value = cast($1 as text) where name = 'search_below'")
            .bind(lowest)
            .execute(connection)
            .await?
            .rows_affected()
    });
    if entries.is_empty() {
        writing!(change, |connection| {
            sqlx::query("delete from meta where name = 'search_below'")
                .execute(connection)
                .await?
                .rows_affected()
        });
    }
    change.commit().await?;
    Ok((!entries.is_empty()).then_some(entries.len()))
}
