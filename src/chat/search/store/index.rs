//! Keeping the index: with each batch of messages, in its transaction, and for what was there before.

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

/// A list as one value for `SQLite`.
fn json<T: serde::Serialize>(list: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(list).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// What an index holds for a message.
pub(in crate::chat) type Indexed<'a> = (MessageId, Cow<'a, str>);

/// A message's words as the index of this database wants them. To be made before the writer's turn:
/// it costs as much as storing them.
pub(in crate::chat) fn tokens(db: &Db, entry: &SearchDocument) -> String {
    match db {
        Db::Sqlite { .. } => entry.text(),
        Db::Postgres(_) => entry.vector(),
    }
}

/// With rising ids, as FTS5 wants them.
fn in_order<'a>(entries: &'a [Indexed<'_>]) -> Vec<&'a Indexed<'a>> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by_key(|(message, _)| *message);
    sorted
}

/// Takes messages out of the index. To be called while they have still the text that they were indexed
/// with: `SQLite` is told what to remove.
pub(in crate::chat) async fn forget(
    change: &mut Transaction,
    messages: &[MessageId],
) -> Result<(), sqlx::Error> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    match change {
        Transaction::Sqlite(transaction) => {
            // The plus keeps SQLite from going through all that is indexed.
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

/// Puts messages into the index that are not in it.
pub(in crate::chat) fn write(statements: &mut StatementBatch, entries: &[Indexed<'_>]) {
    if entries.is_empty() {
        return;
    }
    match statements {
        StatementBatch::Sqlite(all) => {
            for run in power_of_two_chunks(&in_order(entries)) {
                all.next().push("insert into search (rowid, tokens) ").push_values(
                    run,
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

/// Empties an index that another version of the tokenizer made; it is then rebuilt.
/// Queries would find nothing in the old one.
pub(in crate::chat::search) async fn renew(db: &Db) -> Result<(), sqlx::Error> {
    let known: Option<(String,)> = reading!(db, |pool| {
        sqlx::query_as("select value from meta where name = 'search_words'")
            .fetch_optional(pool)
            .await?
    });
    if known.is_some_and(|(known,)| known == VERSION) {
        return Ok(());
    }
    let mut change = db.begin().await?;
    writing!(change, |connection| {
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
    match &mut change {
        Transaction::Sqlite(transaction) => {
            sqlx::query("insert into search (search) values ('delete-all')")
                .execute(&mut **transaction)
                .await?;
        }
        Transaction::Postgres(transaction) => {
            sqlx::query("truncate search").execute(&mut **transaction).await?;
        }
    }
    writing!(change, |connection| {
        sqlx::query(
            "insert into meta (name, value) values ('search_words', $1)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(VERSION)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}

/// Indexes a piece of what was there before search was, the newest first. How many messages it was;
/// `None` when all are indexed.
pub(in crate::chat::search) async fn index_earlier(db: &Db) -> Result<Option<usize>, sqlx::Error> {
    const PIECE: i64 = 500;
    let mut change = db.begin().await?;
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
    let lowest = rows.last().map_or(0, |row| row.id);
    // Who edited one meanwhile has indexed it.
    let messages: Vec<MessageId> = rows.iter().map(|row| MessageId(row.id)).collect();
    forget(&mut change, &messages).await?;
    let entries: Vec<Indexed<'_>> = rows
        .into_iter()
        .map(|row| (MessageId(row.id), tokens(db, &SearchDocument::from(row)).into()))
        .collect();
    let mut statements = StatementBatch::of(&change).separate();
    write(&mut statements, &entries);
    statements.run(&mut change).await?;
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
