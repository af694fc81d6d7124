//! The SQL of jobs.

use crate::db::{Db, Transaction, reading, writing};
use crate::jobs::model::{ClaimedJob, DeadJob, Job, JobCounts, JobId};
use crate::kernel::Timestamp;

/// Adds a job in the transaction that it follows from. If the same job exists already, dead or running, it
/// becomes due again.
///
/// # Errors
/// If the database fails.
pub async fn enqueue(
    transaction: &mut Transaction,
    job: Job,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, about) = job.columns();
    writing!(*transaction, |connection| {
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

/// Adds a periodic job unless it exists.
pub(super) async fn ensure_scheduled(db: &Db, job: Job, due: Timestamp) -> Result<(), sqlx::Error> {
    let (kind, about) = job.columns();
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
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
    transaction.commit().await
}

/// Claims the job that has been due for the longest time; `None` if none is due, or another process was
/// faster. The job belongs to `lease` until `ends`.
pub(super) async fn claim(
    db: &Db,
    lease: i64,
    (now, ends): (Timestamp, Timestamp),
) -> Result<Option<ClaimedJob>, sqlx::Error> {
    // A read first, so that an idle server does not write every second.
    let due: Option<(i64,)> = reading!(db, |pool| {
        sqlx::query_as(
            "select id from jobs where dead_at is null and due_at <= $1 order by due_at, id limit 1",
        )
        .bind(now.0)
        .fetch_optional(pool)
        .await?
    });
    let Some((id,)) = due else { return Ok(None) };
    let mut transaction = db.begin().await?;
    let row: Option<(String, String, i64)> = writing!(transaction, |connection| {
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
    transaction.commit().await?;
    Ok(row.map(|(kind, about, attempts)| ClaimedJob {
        id: JobId(id),
        job: Job::from_columns(&kind, &about),
        attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
    }))
}

/// Marks a job as done: deletes it, or makes it due again. Does nothing if another process has claimed it since.
pub(super) async fn finish(
    db: &Db,
    (job, lease): (JobId, i64),
    again: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    let sql = match again {
        None => "delete from jobs where id = $1 and lease = $2 and $3 = 0",
        Some(_) => {
            "update jobs set lease = null, attempts = 0, failure = null, due_at = $3
             where id = $1 and lease = $2"
        }
    };
    writing!(transaction, |connection| {
        sqlx::query(sql)
            .bind(job.0)
            .bind(lease)
            .bind(again.map_or(0, |due| due.0))
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await
}

/// Records a failed attempt: the job becomes due `again`, or dead at `now` if `again` is `None`.
pub(super) async fn fail(
    db: &Db,
    (job, lease): (JobId, i64),
    failure: &str,
    (now, again): (Timestamp, Option<Timestamp>),
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    writing!(transaction, |connection| {
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
    transaction.commit().await
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

/// Returns dead jobs, the latest first.
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

/// Makes a dead job due, with all its attempts. Returns false if there is no such job.
pub(super) async fn retry(db: &Db, job: JobId, now: Timestamp) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let revived = writing!(transaction, |connection| {
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
    transaction.commit().await?;
    Ok(revived > 0)
}

/// Deletes a dead job. Returns false if there is no such job.
pub(super) async fn discard(db: &Db, job: JobId) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let deleted = writing!(transaction, |connection| {
        sqlx::query("delete from jobs where id = $1 and dead_at is not null")
            .bind(job.0)
            .execute(connection)
            .await?
            .rows_affected()
    });
    transaction.commit().await?;
    Ok(deleted > 0)
}
