//! The SQL of exports and imports.

use futures_util::TryStreamExt;
use sqlx::Row as _;

use crate::backup::integrity::INTEGRITY_CHECKS;
use crate::db::{Db, Transaction, reading, writing};
use crate::export::jsonl::{Form, Kind, Row, Value};

/// Passes all rows of a kind to `take`, one by one.
pub async fn each(
    snapshot: &mut Transaction,
    kind: &Kind,
    mut take: impl FnMut(Row) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    writing!(*snapshot, |connection| {
        let mut rows = sqlx::query(kind.select).fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let mut values = Vec::with_capacity(kind.fields.len());
            for (n, field) in kind.fields.iter().enumerate() {
                values.push(match field.form {
                    Form::Number | Form::Flag | Form::Time => Value::Number(row.try_get(n)?),
                    Form::Text => Value::Text(row.try_get(n)?),
                    Form::Bytes => Value::Bytes(row.try_get(n)?),
                });
            }
            take(values)?;
        }
    });
    Ok(())
}

/// Inserts a row. Returns false if it refers to a row that does not exist.
pub async fn put(change: &mut Transaction, kind: &Kind, row: Row) -> Result<bool, sqlx::Error> {
    let done = writing!(*change, |connection| {
        let mut query = sqlx::query(kind.insert);
        for value in row {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query.execute(connection).await?.rows_affected()
    });
    Ok(done > 0)
}

/// Passes all avatars to `take`, ordered by name.
pub async fn pictures(
    snapshot: &mut Transaction,
    mut take: impl FnMut(&str, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    writing!(*snapshot, |connection| {
        let mut rows =
            sqlx::query_as::<_, (String, Vec<u8>)>("select name, image from avatars order by name")
                .fetch(connection);
        while let Some((name, image)) = rows.try_next().await? {
            take(&name, &image)?;
        }
    });
    Ok(())
}

pub async fn put_picture(
    change: &mut Transaction,
    name: &str,
    image: &[u8],
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("insert into avatars (name, image) values ($1, $2)")
            .bind(name)
            .bind(image)
            .execute(connection)
            .await?
            .rows_affected()
    });
    Ok(())
}

/// The greatest message id that was ever assigned.
pub async fn last_message(snapshot: &mut Transaction) -> Result<i64, sqlx::Error> {
    let (last,): (i64,) = writing!(*snapshot, |connection| {
        sqlx::query_as("select value from counters where name = 'message'")
            .fetch_one(connection)
            .await?
    });
    Ok(last)
}

/// Whether there are no users and no messages.
pub async fn is_empty(db: &Db) -> Result<bool, sqlx::Error> {
    let (found,): (i64,) = reading!(db, |pool| {
        sqlx::query_as(
            "select (select count(*) from (select 1 from users limit 1) one)
                  + (select count(*) from (select 1 from messages limit 1) one)",
        )
        .fetch_one(pool)
        .await?
    });
    Ok(found == 0)
}

/// Deletes the lobby that a new installation has.
pub async fn clear(change: &mut Transaction) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("delete from rooms").execute(connection).await?.rows_affected()
    });
    Ok(())
}

/// Finishes an import: moves the counters past the imported ids and sets the new epoch.
pub async fn finish_import(
    change: &mut Transaction,
    last: i64,
    epoch: &str,
) -> Result<(), sqlx::Error> {
    writing!(*change, |connection| {
        sqlx::query("update counters set value = $1 where name = 'message'")
            .bind(last)
            .execute(connection)
            .await?
            .rows_affected()
    });
    writing!(*change, |connection| {
        sqlx::query(
            "insert into meta (name, value) values ('epoch', $1)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(epoch)
        .execute(connection)
        .await?
        .rows_affected()
    });
    // The same statement as in the migration that created the table.
    writing!(*change, |connection| {
        sqlx::query(
            "insert into eras
             select id >> 12, min(created_at), max(created_at) + 1 from messages group by 1",
        )
        .execute(connection)
        .await?
        .rows_affected()
    });
    // At the next start, search indexes all imported messages, newest first.
    writing!(*change, |connection| {
        sqlx::query("insert into meta (name, value) values ('search_below', $1)")
            .bind((last + 1).to_string())
            .execute(connection)
            .await?
            .rows_affected()
    });
    // Exports contain no jobs, so schedule the one that reassigns the rooms of closed accounts.
    writing!(*change, |connection| {
        sqlx::query(
            "insert into jobs (kind, about, due_at, created_at)
             select 'pass-on-rooms', cast(id as text), 0, 0 from users
             where deactivated_at is not null and exists (select 1 from rooms where owner_id = users.id)",
        )
        .execute(connection)
        .await?
        .rows_affected()
    });
    // SQLite continues after the greatest id automatically.
    if let Transaction::Postgres(transaction) = change {
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

/// The first violated invariant, if any.
pub async fn violation(change: &mut Transaction) -> Result<Option<String>, sqlx::Error> {
    for (description, query) in INTEGRITY_CHECKS {
        let first: Option<(i64,)> = writing!(*change, |connection| {
            sqlx::query_as(query).fetch_optional(connection).await?
        });
        if let Some((id,)) = first {
            return Ok(Some(description.replace("{}", &id.to_string())));
        }
    }
    Ok(None)
}
