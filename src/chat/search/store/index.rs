//! Maintains the index: with each batch of messages, in its transaction, and in the background for old
//! messages.

use std::borrow::Cow;

use crate::chat::search::model::{SearchDocument, has_link};
use crate::db::{Db, StatementBatch, Transaction, power_of_two_chunks, reading, writing};
use crate::kernel::ids::RoomKey;
use crate::kernel::{MessageId, UserId};
use crate::text::normalize::VERSION;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    pos: i64,
    author_id: i64,
    body: String,
    html: String,
}

impl From<Row> for SearchDocument {
    fn from(row: Row) -> Self {
        Self {
            room: RoomKey::stored(row.pos).room(),
            author: UserId(row.author_id),
            body: row.body,
            link: has_link(&row.html),
        }
    }
}

/// A list as one JSON value for `SQLite`.
fn json<T: serde::Serialize>(list: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(list).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The index entry of a message.
pub(in crate::chat) type Indexed<'a> = (MessageId, Cow<'a, str>);

/// The index entry of a message for this database. Call it before the write is queued: it costs as much
/// as storing the message.
pub(in crate::chat) fn tokens(db: &Db, document: &SearchDocument) -> String {
    match db {
        Db::Sqlite { .. } => document.text(),
        Db::Postgres(_) => document.vector(),
    }
}

/// In ascending order of id, which FTS5 requires.
fn in_order<'a>(entries: &'a [Indexed<'_>]) -> Vec<&'a Indexed<'a>> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by_key(|(message, _)| *message);
    sorted
}

/// Removes messages from the index. Call it before their text changes: `SQLite` must be given the text
/// that was indexed.
pub(in crate::chat) async fn forget(
    transaction: &mut Transaction,
    messages: &[MessageId],
) -> Result<(), sqlx::Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    match transaction {
        Transaction::Sqlite(transaction) => {
            // `+id` keeps SQLite from scanning all indexed rows.
            let rows: Vec<Row> = sqlx::query_as(
                "select id, pos, author_id, body, html from messages
                 where id in (select value from json_each($1)) and deleted_at is null
                   and +id in (select id from search_docsize)",
            )
            .bind(json(&ids)?)
            .fetch_all(&mut **transaction)
            .await?;
            let entries: Vec<Indexed<'_>> = rows
                .into_iter()
                .map(|row| (MessageId(row.id), SearchDocument::from(row).text().into()))
                .collect();
            sqlx::query(
                "insert into search (search, rowid, tokens)
                 select 'delete', value ->> 0, value ->> 1 from json_each($1)",
            )
            .bind(json(&in_order(&entries))?)
            .execute(&mut **transaction)
            .await?;
        }
        Transaction::Postgres(transaction) => {
            sqlx::query("delete from search where id = any($1)")
                .bind(ids)
                .execute(&mut **transaction)
                .await?;
        }
    }
    Ok(())
}

/// Adds messages that are not in the index.
pub(in crate::chat) fn write(statements: &mut StatementBatch, entries: &[Indexed<'_>]) {
    if entries.is_empty() {
        return;
    }
    match statements {
        StatementBatch::Sqlite(all) => {
            for chunk in power_of_two_chunks(&in_order(entries)) {
                all.next().push("insert into search (rowid, tokens) ").push_values(
                    chunk,
                    |mut row, (message, tokens)| {
                        row.push_bind(message.0).push_bind(&**tokens);
                    },
                );
            }
        }
        StatementBatch::Postgres(all) => {
            let ids: Vec<i64> = entries.iter().map(|(message, _)| message.0).collect();
            let vectors: Vec<&str> = entries.iter().map(|(_, tokens)| &**tokens).collect();
            all.next()
                .push("insert into search (id, tokens) select id, tokens::tsvector from unnest(")
                .push_bind(ids)
                .push("::bigint[], ")
                .push_bind(vectors)
                .push("::text[]) e (id, tokens)");
        }
    }
}

/// Empties an index made by another version of the tokenizer, so that it is rebuilt. Queries would find
/// nothing in it.
pub(in crate::chat::search) async fn renew(db: &Db) -> Result<(), sqlx::Error> {
    let recorded: Option<(String,)> = reading!(db, |pool| {
        sqlx::query_as("select value from meta where name = 'search_words'")
            .fetch_optional(pool)
            .await?
    });
    if recorded.is_some_and(|(recorded,)| recorded == VERSION) {
        return Ok(());
    }
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query(
            "insert into meta (name, value)
             select 'search_below', cast(max(id) + 1 as text) from messages
             where true having max(id) is not null
             on conflict (name) do update set value = excluded.value",
        )
        .execute(connection)
        .await?
        .rows_affected()
    });
    match &mut transaction {
        Transaction::Sqlite(transaction) => {
            sqlx::query("insert into search (search) values ('delete-all')")
                .execute(&mut **transaction)
                .await?;
        }
        Transaction::Postgres(transaction) => {
            sqlx::query("truncate search").execute(&mut **transaction).await?;
        }
    }
    writing!(transaction, |connection| {
        sqlx::query(
            "insert into meta (name, value) values ('search_words', $1)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(VERSION)
        .execute(connection)
        .await?
        .rows_affected()
    });
    transaction.commit().await
}

/// Indexes one batch of old messages, newest first. Returns its size, or `None` if all messages are
/// indexed.
pub(in crate::chat::search) async fn index_old(db: &Db) -> Result<Option<usize>, sqlx::Error> {
    const BATCH: i64 = 500;
    let mut transaction = db.begin().await?;
    // An update, so that of two processes one waits for the other.
    let below: Option<(i64,)> = writing!(transaction, |connection| {
        sqlx::query_as(
            "update meta set value = value where name = 'search_below'
             returning cast(value as bigint)",
        )
        .fetch_optional(connection)
        .await?
    });
    let Some((below,)) = below else { return Ok(None) };
    let rows: Vec<Row> = writing!(transaction, |connection| {
        sqlx::query_as(
            "select id, pos, author_id, body, html from messages
             where id < $1 and deleted_at is null order by id desc limit $2",
        )
        .bind(below)
        .bind(BATCH)
        .fetch_all(connection)
        .await?
    });
    let lowest = rows.last().map_or(0, |row| row.id);
    // Messages that were edited since are already indexed, so they are removed first.
    let messages: Vec<MessageId> = rows.iter().map(|row| MessageId(row.id)).collect();
    forget(&mut transaction, &messages).await?;
    let entries: Vec<Indexed<'_>> = rows
        .into_iter()
        .map(|row| (MessageId(row.id), tokens(db, &SearchDocument::from(row)).into()))
        .collect();
    let mut statements = StatementBatch::of(&transaction).separate();
    write(&mut statements, &entries);
    statements.run(&mut transaction).await?;
    writing!(transaction, |connection| {
        sqlx::query("update meta set value = cast($1 as text) where name = 'search_below'")
            .bind(lowest)
            .execute(connection)
            .await?
            .rows_affected()
    });
    if entries.is_empty() {
        writing!(transaction, |connection| {
            sqlx::query("delete from meta where name = 'search_below'")
                .execute(connection)
                .await?
                .rows_affected()
        });
    }
    transaction.commit().await?;
    Ok((!entries.is_empty()).then_some(entries.len()))
}
