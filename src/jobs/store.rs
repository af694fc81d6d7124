//! The SQL of jobs.

use crate::db::{Db, Transaction, reading, writing};
use crate::jobs::model::{ClaimedJob, DeadJob, Job, JobCounts, JobId};
use crate::kernel::Timestamp;

/// Adds work in the transaction of what it follows from. What is there already, given up or just being
/// done, is to be done once more.
pub async fn enqueue(
    change: &mut Transaction,
    work: Job,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, about) = work.columns();
    writing!(*change, |connection| {
        sqlx::query(
            "insert into jobs (kind, about, due_at, created_at) values ($1, $2, $3, $3)
             on conflict (kind, about) do update
             set due_at = excluded.due_at, lease = null, attempts = 0, failure = null, dead_at = null",
        )
        .bind(kind)
        .bind(about)
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(())
}

/// Adds work that comes back by itself, unless it is there.
pub(super) async fn ensure_scheduled(
    db: &Db,
    work: Job,
    due: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, about) = work.columns();
    let mut change = db.begin().await?;
    writing!(change, |connection| {
        sqlx::query(
            "insert into jobs (kind, about, due_at, created_at) values ($1, $2, $3, $3)
             on conflict (kind, about) do nothing",
        )
        .bind(kind)
        .bind(about)
        .bind(due.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}

/// Begins the job that has been due for longest; `None` when none is, or another process was faster.
/// From now on it is the lease's, until `ends`.
pub(super) async fn claim(
    db: &Db,
    lease: i64,
    (now, ends): (Timestamp, Timestamp),
) -> Result<Option<ClaimedJob>, sqlx::Error> {
    // Looked at first: an idle server shall not write every second.
    let due: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as(
            "select id from jobs where dead_at is null and due_at <= $1 order by due_at, id limit 1",
        )
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    let Some((id,)) = due else { return Ok(None) };
    let mut change = db.begin().await?;
    let row: Option<(String, String, i64)> = writing!(change, |connection| {
        sqlx::query_as(
            "update jobs set lease = $2, due_at = $3, attempts = attempts + 1
             where id = $1 and dead_at is null and due_at <= $4
             returning kind, about, attempts",
        )
        .bind(id)
        .bind(lease)
        .bind(ends.0)
        .bind(now.0)
        .fetch_optional(connection)
        .await?
    });
    change.commit().await?;
    Ok(row.map(|(kind, about, attempts)| ClaimedJob {
        id: JobId(id),
        job: Job::from_columns(&kind, &about),
        attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
    }))
}

/// Notes that a job is done: it is gone, or due again. Not where the lease has passed to somebody else.
pub(super) async fn finish(
    db: &Db,
    (job, lease): (JobId, i64),
    again: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    let mut change = db.begin().await?;
    let sql = match again {
        None => "delete from jobs where id = $1 and lease = $2 and $3 = 0",
        Some(_) => {
            "update jobs set lease = null, attempts = 0, failure = null, due_at = $3
             where id = $1 and lease = $2"
        }
    };
    writing!(change, |connection| {
        sqlx::query(sql)
            .bind(job.0)
            .bind(lease)
            .bind(again.map_or(0, |due| due.0))
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await
}

/// Notes that an attempt failed: the job is due again later, or given up (`None`) at `now`.
pub(super) async fn fail(
    db: &Db,
    (job, lease): (JobId, i64),
    failure: &str,
    (now, again): (Timestamp, Option<Timestamp>),
) -> Result<(), sqlx::Error> {
    let mut change = db.begin().await?;
    writing!(change, |connection| {
        sqlx::query(
            "update jobs set lease = null, failure = $3, due_at = $4, dead_at = $5
             where id = $1 and lease = $2",
        )
        .bind(job.0)
        .bind(lease)
        .bind(failure)
        .bind(again.unwrap_or(now).0)
        .bind(again.is_none().then_some(now.0))
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await
}

pub(super) async fn counts(db: &Db) -> Result<JobCounts, sqlx::Error> {
    let (waiting, running, dead): (i64, i64, i64) = reading!(db, |pool| {
        sqlx::query_as(
            "select count(case when dead_at is null and lease is null then 1 end),
                    count(case when dead_at is null and lease is not null then 1 end),
                    count(case when dead_at is not null then 1 end) from jobs",
        )
        .fetch_one(pool)
        .await?
    });
    Ok(JobCounts { waiting, running, dead })
}

/// What was given up, the latest first.
pub(super) async fn dead(db: &Db, limit: i64) -> Result<Vec<DeadJob>, sqlx::Error> {
    type Row = (i64, String, String, Option<String>, i64, i64);
    let rows: Vec<Row> = reading!(db, |pool| {
        sqlx::query_as(
            "select id, kind, about, failure, attempts, dead_at from jobs
             where dead_at is not null order by dead_at desc, id desc limit $1",
        )
        .bind(limit)
        .fetch_all(pool)
        .await?
    });
    let job = |(id, kind, about, failure, attempts, dead_at): Row| DeadJob {
        id: JobId(id),
        kind,
        subject: about,
        failure: failure.unwrap_or_default(),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        since: Timestamp(dead_at),
    };
    Ok(rows.into_iter().map(job).collect())
}

/// Makes what was given up due, with all its attempts. False when there is no such job.
pub(super) async fn retry(db: &Db, job: JobId, now: Timestamp) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    let revived = writing!(change, |connection| {
        sqlx::query(
            "update jobs set dead_at = null, attempts = 0, due_at = $2
             where id = $1 and dead_at is not null",
        )
        .bind(job.0)
        .bind(now.0)
        .execute(connection)
        .await?
        .rows_affected()
    });
    change.commit().await?;
    Ok(revived > 0)
}

/// Forgets what was given up. False when there is no such job.
pub(super) async fn discard(db: &Db, job: JobId) -> Result<bool, sqlx::Error> {
    let mut change = db.begin().await?;
    let dropped = writing!(change, |connection| {
        sqlx::query("delete from jobs where id = $1 and dead_at is not null")
            .bind(job.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    change.commit().await?;
    Ok(dropped > 0)
}
