//! The SQL of the change feed.

use crate::changefeed::model::{Change, ChangeMeta, ProcessId};
use crate::db::{Db, Transaction, reading, writing};
use crate::kernel::{RoomId, Seq, Timestamp, UserId};

/// Records a change for the other processes, in the transaction that makes it.
///
/// # Errors
/// If the database fails.
pub async fn record(
    transaction: &mut Transaction,
    meta: ChangeMeta,
    change: Change,
) -> Result<(), sqlx::Error> {
    let (kind, room, user) = change.columns();
    writing!(*transaction, |connection| {
        sqlx::query(
            "insert into news (origin, kind, room_id, user_id, noted_at)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(meta.process.0)
        .bind(kind)
        .bind(room)
        .bind(user)
        .bind(meta.now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(())
}

/// Returns the id of the latest change.
pub(super) async fn last(db: &Db) -> Result<i64, sqlx::Error> {
    let (last,): (i64,) = reading!(db, |pool| {
        sqlx::query_as("select coalesce(max(id), 0) from news").fetch_one(pool).await?
    });
    Ok(last)
}

/// Returns the changes after an id, with their ids. A change is `None` if this version of Patio does not know
/// its kind, because another version recorded it.
pub(super) async fn after(
    db: &Db,
    last: i64,
) -> Result<Vec<(i64, ProcessId, Option<Change>)>, sqlx::Error> {
    type Row = (i64, i64, String, Option<i64>, Option<i64>);
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, origin, kind, room_id, user_id from news where id > $1 order by id",
        )
        .bind(last)
        .fetch_all(pool)
        .await?
    });
    let change = |(id, origin, kind, room, user): Row| {
        (id, ProcessId(origin), Change::from_columns(&kind, room, user))
    };
    Ok(rows.into_iter().map(change).collect())
}

/// Returns the read markers that other processes have moved since `then`.
pub(super) async fn reads_since(
    db: &Db,
    then: Timestamp,
    me: ProcessId,
) -> Result<Vec<((UserId, RoomId), Seq)>, sqlx::Error> {
    let rows: Vec<(i64, i64, i64)> = reading!(db, |pool| {
        sqlx::query_as(
            "select user_id, room_id, last_read_seq from memberships
             where read_at >= $1 and read_by <> $2",
        )
        .bind(then.0)
        .bind(me.0)
        .fetch_all(pool)
        .await?
    });
    let marker = |(user, room, seq)| ((UserId(user), RoomId(room)), Seq(seq));
    Ok(rows.into_iter().map(marker).collect())
}

/// Deletes the changes recorded before a time.
pub(super) async fn prune(db: &Db, before: Timestamp) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
        sqlx::query("delete from news where noted_at < $1")
            .bind(before.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}
