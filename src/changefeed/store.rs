//! The SQL of news.

use crate::changefeed::model::{Change, ChangeMeta, ProcessId};
use crate::db::{Db, Transaction, reading, writing};
use crate::kernel::{RoomId, Seq, Timestamp, UserId};

/// Notes for the other processes what this change brings about.
pub async fn record(
    change: &mut Transaction,
    stamp: ChangeMeta,
    news: Change,
) -> Result<(), sqlx::Error> {
    let (kind, room, user) = news.columns();
    writing!(*change, |connection| {
        sqlx::query(
            "insert into news (origin, kind, room_id, user_id, noted_at)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(stamp.process.0)
        .bind(kind)
        .bind(room)
        .bind(user)
        .bind(stamp.now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(())
}

/// The number of the last news so far.
pub(super) async fn last(db: &Db) -> Result<i64, sqlx::Error> {
    let (last,): (i64,) = reading!(db, |pool| {
        sqlx::query_as("select coalesce(max(id), 0) from news").fetch_one(pool).await?
    });
    Ok(last)
}

/// What was noted behind that number, with its own. What another version of Patio noted may mean
/// nothing here.
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
    let news = |(id, origin, kind, room, user): Row| {
        (id, ProcessId(origin), Change::from_columns(&kind, room, user))
    };
    Ok(rows.into_iter().map(news).collect())
}

/// How far people have read who read since then, through other processes.
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
    let read = |(user, room, seq)| ((UserId(user), RoomId(room)), Seq(seq));
    Ok(rows.into_iter().map(read).collect())
}

/// Forgets what every process has long heard of.
pub(super) async fn prune(db: &Db, before: Timestamp) -> Result<(), sqlx::Error> {
    let mut change = db.begin().await?;
    writing!(change, |connection| {
        sqlx::query("delete from news where noted_at < $1")
            .bind(before.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}
