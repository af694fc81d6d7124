//! Maintains the index: with each batch of messages, in its transaction, and in the background for old
//! messages.

use std::borrow::Cow;

use serde::Serialize;

use super::criteria::FILES_COLUMN;
use crate::chat::files::model::Attachment;
use crate::chat::rooms::GATE;
use crate::chat::search::model::{
    Contents, SearchDocument, SearchedFile, has_link, text_with_files, vector_with_files,
};
use crate::db::{
    Db, StatementBatch, Transaction, execute, fetch_all, fetch_optional_scalar,
    power_of_two_chunks, set_setting,
};
use crate::kernel::{MessageId, RoomId, UserId};
use crate::text::normalize::VERSION;

/// The columns of `messages` from which the index entry is made.
#[derive(sqlx::FromRow)]
struct DocumentRow {
    id: MessageId,
    room: RoomId,
    author_id: UserId,
    body: String,
    html: String,
    files: Option<String>,
}

impl From<DocumentRow> for SearchDocument {
    fn from(row: DocumentRow) -> Self {
        let contents = Contents::stored(has_link(&row.html), row.files.as_deref());
        Self { room: row.room, author: row.author_id, body: row.body, contents }
    }
}

/// A query for [`DocumentRow`]s of messages `m`, to be followed by a condition.
macro_rules! SELECT_DOCUMENTS {
    ($rest:literal) => {
        concat!(
            "select m.id, ",
            GATE!("(m.room_seq_key >> 32)"),
            " as room, m.author_id, m.body, m.html, case when m.files > 0 then ",
            FILES_COLUMN!(),
            " end as files from messages m ",
            $rest
        )
    };
}

/// A list as one JSON value for `SQLite`.
fn json<T: Serialize>(list: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(list).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// The index entry of a message.
#[derive(Serialize)]
pub(in crate::chat) struct IndexEntry<'a> {
    pub message: MessageId,
    /// The result of [`tokens`].
    pub tokens: Cow<'a, str>,
}

/// The tokens of a message for this database's index. Call it before the write is queued: it costs as much
/// as storing the message.
pub(in crate::chat) fn tokens(db: &Db, document: &SearchDocument) -> String {
    match db {
        Db::Sqlite { .. } => document.text(),
        Db::Postgres(_) => document.vector(),
    }
}

/// Adds files to the tokens of a message without them: the files of a new message are known when it is stored.
pub(in crate::chat) fn with_files(db: &Db, tokens: &str, attachments: &[Attachment]) -> String {
    let files = attachments.iter().map(SearchedFile::from).collect();
    let contents = Contents { link: false, files };
    match db {
        Db::Sqlite { .. } => text_with_files(tokens.to_owned(), &contents),
        Db::Postgres(_) => vector_with_files(tokens.to_owned(), &contents),
    }
}

/// In ascending order of id, which FTS5 requires.
fn in_order<'a>(entries: &'a [IndexEntry<'_>]) -> Vec<&'a IndexEntry<'a>> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by_key(|entry| entry.message);
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
    match transaction {
        Transaction::Sqlite(_) => {
            // `+id` keeps SQLite from scanning all indexed rows.
            let rows: Vec<DocumentRow> = fetch_all!(
                transaction,
                SELECT_DOCUMENTS!(
                    "where m.id in (select value from json_each($1)) and m.deleted_at is null
                       and +m.id in (select id from search_docsize)"
                ),
                json(messages)?,
            )?;
            let entry = |row: DocumentRow| IndexEntry {
                message: row.id,
                tokens: SearchDocument::from(row).text().into(),
            };
            let entries: Vec<_> = rows.into_iter().map(entry).collect();
            execute!(
                transaction,
                "insert into search (search, rowid, tokens)
                 select 'delete', value ->> 'message', value ->> 'tokens' from json_each($1)",
                json(&in_order(&entries))?,
            )?;
        }
        Transaction::Postgres(transaction) => {
            sqlx::query("delete from search where id = any($1)")
                .bind(messages)
                .execute(&mut **transaction)
                .await?;
        }
    }
    Ok(())
}

/// Adds messages that are not in the index.
pub(in crate::chat) fn write(statements: &mut StatementBatch, entries: &[IndexEntry<'_>]) {
    if entries.is_empty() {
        return;
    }
    match statements {
        StatementBatch::Sqlite(all) => {
            for chunk in power_of_two_chunks(&in_order(entries)) {
                all.next().push("insert into search (rowid, tokens) ").push_values(
                    chunk,
                    |mut row, entry| {
                        row.push_bind(entry.message).push_bind(&*entry.tokens);
                    },
                );
            }
        }
        StatementBatch::Postgres(all) => {
            let ids: Vec<MessageId> = entries.iter().map(|entry| entry.message).collect();
            let vectors: Vec<&str> = entries.iter().map(|entry| &*entry.tokens).collect();
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
    let recorded: Option<String> =
        fetch_optional_scalar!(db, "select value from settings where name = 'search_words'")?;
    if recorded.as_deref() == Some(VERSION) {
        return Ok(());
    }
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "insert into settings (name, value)
         select 'search_below', cast(max(id) + 1 as text) from messages
         where true having max(id) is not null
         on conflict (name) do update set value = excluded.value",
    )?;
    let empty = match &transaction {
        Transaction::Sqlite(_) => "insert into search (search) values ('delete-all')",
        Transaction::Postgres(_) => "truncate search",
    };
    execute!(transaction, empty)?;
    set_setting(&mut transaction, "search_words", VERSION).await?;
    transaction.commit().await
}

/// Indexes one batch of old messages, newest first. Returns its size, or `None` if all messages are
/// indexed.
pub(in crate::chat::search) async fn index_old(db: &Db) -> Result<Option<usize>, sqlx::Error> {
    const BATCH: i64 = 500;
    let mut transaction = db.begin().await?;
    // An update, so that of two processes one waits for the other.
    let below: Option<MessageId> = fetch_optional_scalar!(
        transaction,
        "update settings set value = value where name = 'search_below'
         returning cast(value as bigint)",
    )?;
    let Some(below) = below else { return Ok(None) };
    let rows: Vec<DocumentRow> = fetch_all!(
        transaction,
        SELECT_DOCUMENTS!(
            "where m.id < $1 and m.deleted_at is null and m.twin_of is null order by m.id desc limit $2"
        ),
        below,
        BATCH,
    )?;
    let lowest = rows.last().map_or(MessageId(0), |row| row.id);
    // Messages that were edited since are already indexed, so they are removed first.
    let messages: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    forget(&mut transaction, &messages).await?;
    let entry = |row: DocumentRow| IndexEntry {
        message: row.id,
        tokens: tokens(db, &SearchDocument::from(row)).into(),
    };
    let entries: Vec<_> = rows.into_iter().map(entry).collect();
    let mut statements = StatementBatch::of(&transaction).separate();
    write(&mut statements, &entries);
    statements.run(&mut transaction).await?;
    execute!(
        transaction,
        "update settings set value = cast($1 as text) where name = 'search_below'",
        lowest,
    )?;
    if entries.is_empty() {
        execute!(transaction, "delete from settings where name = 'search_below'")?;
    }
    transaction.commit().await?;
    Ok((!entries.is_empty()).then_some(entries.len()))
}
