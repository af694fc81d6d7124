//! The SQL of jobs.

use crate::db::{
    Column, Db, StatementBatch, Transaction, column_type, execute, fetch_all, fetch_one,
    fetch_optional, fetch_optional_scalar, push_insert,
};
use crate::jobs::model::{
    ClaimedJob, DeadJob, Job, JobColumns, JobCounts, JobId, Lane, Lease, PREVIEW_LINKS,
};
use crate::kernel::Timestamp;

column_type!(JobId as i64, |id| id.0, |id| Ok(Self(id)));
column_type!(Lease as i64, |lease| lease.0, |lease| Ok(Self(lease)));

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
    let JobColumns { kind, subject } = job.columns();
    execute!(
        transaction,
        "insert into jobs (kind, subject, due_at, created_at) values ($1, $2, $3, $3)
         on conflict (kind, subject) do update
         set due_at = excluded.due_at, lease = null, attempts = 0, failure = null, dead_at = null",
        kind,
        subject,
        now,
    )?;
    Ok(())
}

/// Adds several jobs of a batch of statements, each as [`enqueue`] does.
pub(crate) fn push_enqueue(statements: &mut StatementBatch, jobs: &[Job], now: Timestamp) {
    let rows: Vec<JobColumns> = jobs.iter().map(|job| job.columns()).collect();
    let times = || Column::Numbers(vec![now.0; rows.len()]);
    let columns = [
        ("kind", Column::Texts(rows.iter().map(|row| row.kind).collect())),
        ("subject", Column::Texts(rows.iter().map(|row| &*row.subject).collect())),
        ("due_at", times()),
        ("created_at", times()),
    ];
    let again = " on conflict (kind, subject) do update
                  set due_at = excluded.due_at, lease = null, attempts = 0, failure = null, dead_at = null";
    push_insert(statements, "jobs", &columns, again);
}

/// Adds a periodic job unless it exists.
pub(super) async fn ensure_scheduled(db: &Db, job: Job, due: Timestamp) -> Result<(), sqlx::Error> {
    let JobColumns { kind, subject } = job.columns();
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "insert into jobs (kind, subject, due_at, created_at) values ($1, $2, $3, $3)
         on conflict (kind, subject) do nothing",
        kind,
        subject,
        due,
    )?;
    transaction.commit().await
}

/// Claims the job of these lanes that has been due for the longest time; `None` if none is due, or another process was
/// faster. No other process starts the job until `lease_ends`.
pub(super) async fn claim(
    db: &Db,
    lanes: &[Lane],
    lease: Lease,
    lease_ends: Timestamp,
    now: Timestamp,
) -> Result<Option<ClaimedJob>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct ClaimedJobRow {
        kind: String,
        subject: String,
        attempts: i64,
    }
    // A read first, so that an idle server does not write every second.
    let due: Option<JobId> = fetch_optional_scalar!(
        db,
        "select id from jobs where dead_at is null and due_at <= $1
           and case when kind = $2 then $3 else $4 end = 1
         order by due_at, id limit 1",
        now,
        PREVIEW_LINKS,
        i64::from(lanes.contains(&Lane::Network)),
        i64::from(lanes.contains(&Lane::Database)),
    )?;
    let Some(id) = due else { return Ok(None) };
    let mut transaction = db.begin().await?;
    let row: Option<ClaimedJobRow> = fetch_optional!(
        transaction,
        "update jobs set lease = $2, due_at = $3, attempts = attempts + 1
         where id = $1 and dead_at is null and due_at <= $4
         returning kind, subject, attempts",
        id,
        lease,
        lease_ends,
        now,
    )?;
    transaction.commit().await?;
    Ok(row.map(|row| ClaimedJob {
        id,
        lease,
        job: Job::from_columns(&row.kind, &row.subject),
        attempt: u32::try_from(row.attempts).unwrap_or(u32::MAX),
    }))
}

/// Marks a job as done: deletes it, or makes it due `again`. Does nothing if another process has claimed it since.
pub(super) async fn finish(
    db: &Db,
    job: &ClaimedJob,
    again: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    match again {
        None => execute!(
            transaction,
            "delete from jobs where id = $1 and lease = $2",
            job.id,
            job.lease
        )?,
        Some(due) => execute!(
            transaction,
            "update jobs set lease = null, attempts = 0, failure = null, due_at = $3
             where id = $1 and lease = $2",
            job.id,
            job.lease,
            due,
        )?,
    };
    transaction.commit().await
}

/// Records a failed attempt: the job becomes due `again`, or dead at `now` if `again` is `None`.
pub(super) async fn fail(
    db: &Db,
    job: &ClaimedJob,
    failure: &str,
    again: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    execute!(
        transaction,
        "update jobs set lease = null, failure = $3, due_at = $4, dead_at = $5
         where id = $1 and lease = $2",
        job.id,
        job.lease,
        failure,
        again.unwrap_or(now),
        again.is_none().then_some(now),
    )?;
    transaction.commit().await
}

pub(super) async fn counts(db: &Db) -> Result<JobCounts, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct CountsRow {
        waiting: i64,
        running: i64,
        dead: i64,
    }
    let row: CountsRow = fetch_one!(
        db,
        "select count(case when dead_at is null and lease is null then 1 end) as waiting,
                count(case when dead_at is null and lease is not null then 1 end) as running,
                count(case when dead_at is not null then 1 end) as dead from jobs",
    )?;
    Ok(JobCounts { waiting: row.waiting, running: row.running, dead: row.dead })
}

/// Returns dead jobs, the latest first.
pub(super) async fn dead(db: &Db, limit: i64) -> Result<Vec<DeadJob>, sqlx::Error> {
    #[derive(sqlx::FromRow)]
    struct DeadJobRow {
        id: JobId,
        kind: String,
        subject: String,
        failure: Option<String>,
        attempts: i64,
        dead_at: Timestamp,
    }
    let rows: Vec<DeadJobRow> = fetch_all!(
        db,
        "select id, kind, subject, failure, attempts, dead_at from jobs
         where dead_at is not null order by dead_at desc, id desc limit $1",
        limit,
    )?;
    let job = |row: DeadJobRow| DeadJob {
        id: row.id,
        kind: row.kind,
        subject: row.subject,
        failure: row.failure.unwrap_or_default(),
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        since: row.dead_at,
    };
    Ok(rows.into_iter().map(job).collect())
}

/// Makes a dead job due, with all its attempts. Returns false if there is no such job.
pub(super) async fn retry(db: &Db, job: JobId, now: Timestamp) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let revived = execute!(
        transaction,
        "update jobs set dead_at = null, attempts = 0, due_at = $2
         where id = $1 and dead_at is not null",
        job,
        now,
    )?;
    transaction.commit().await?;
    Ok(revived > 0)
}

/// Deletes a dead job. Returns false if there is no such job.
pub(super) async fn discard(db: &Db, job: JobId) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let deleted =
        execute!(transaction, "delete from jobs where id = $1 and dead_at is not null", job)?;
    transaction.commit().await?;
    Ok(deleted > 0)
}
