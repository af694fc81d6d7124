//! The SQL of counted attempts, on `PostgreSQL` only. Each statement is a transaction of its own, and rows are locked in
//! the order of their keys or not waited for: no two can wait for each other, and none waits for long.
//!
//! A row is a bucket, as [`TokenBucket`](crate::kernel::TokenBucket) describes it. A missing one is full.

use std::time::Duration;

use serde::Serialize;

use super::model::Bucket;
use crate::db::{Db, execute, fetch_all, json_rows};
use crate::kernel::Timestamp;

/// How many rows are deleted at a time, and how many times.
const PRUNED_AT_ONCE: i64 = 1_000;
const PRUNED_TIMES: usize = 100;

#[derive(Serialize)]
struct Asked {
    key: String,
    every: i64,
    burst: u32,
}

impl Asked {
    fn all(buckets: &[Bucket]) -> Vec<Self> {
        let asked = |of: &Bucket| Self {
            key: of.key.to_hex(),
            every: i64::try_from(of.rate.every.as_millis()).unwrap_or(i64::MAX),
            burst: of.rate.burst,
        };
        buckets.iter().map(asked).collect()
    }
}

/// Takes a token of each bucket, or of none. Returns how long to wait for each.
///
/// Whether there is a token is decided twice: of all buckets before any is changed, and of each again while its row is
/// locked. In between others may have taken the last one; what was taken of the other buckets is then given back.
pub(super) async fn take(
    db: &Db,
    buckets: &[Bucket],
    now: Timestamp,
) -> Result<Vec<Duration>, sqlx::Error> {
    if buckets.is_empty() {
        return Ok(Vec::new());
    }
    let asked = Asked::all(buckets);
    let results: Vec<(i64, bool)> = fetch_all!(
        db,
        "with given as (
           select key::bigint as number, decode(value->>'key', 'hex') as key,
                  (value->>'every')::bigint as every, (value->>'burst')::bigint as burst
           from jsonb_each($1)
         ), asked as materialized (
           select number, key, given.every, given.burst,
                  greatest(least(coalesce(attempts.full_at, $2), $2 + given.every * given.burst)
                           - $2 - given.every * (given.burst - 1), 0) as wait
           from given left join attempts using (key)
         ), taken as (
           insert into attempts (key, every, burst, full_at)
           select key, every, burst, $2 + every from asked
           where not exists (select from asked where wait > 0)
           order by key
           on conflict (key) do update
           set every = excluded.every, burst = excluded.burst,
               full_at = greatest(attempts.full_at, $2) + excluded.every
           where attempts.full_at - $2 <= excluded.every * (excluded.burst - 1)
           returning key
         )
         select wait, exists (select from taken where taken.key = asked.key) from asked order by number",
        json_rows(&asked),
        now,
    )?;
    let mut waits: Vec<Duration> = results
        .iter()
        .map(|(wait, _)| Duration::from_millis(u64::try_from(*wait).unwrap_or_default()))
        .collect();
    if waits.iter().all(Duration::is_zero) {
        let (mut taken, mut is_complete) = (Vec::new(), true);
        for ((of, wait), (_, is_taken)) in buckets.iter().zip(&mut waits).zip(&results) {
            if *is_taken {
                taken.push(*of);
            } else {
                // Others took the last token a moment ago, so the next one is at most so far away.
                (*wait, is_complete) = (of.rate.every, false);
            }
        }
        if !is_complete {
            give_back(db, &taken).await?;
        }
    }
    Ok(waits)
}

/// Returns the tokens that were taken.
pub(super) async fn give_back(db: &Db, buckets: &[Bucket]) -> Result<(), sqlx::Error> {
    if buckets.is_empty() {
        return Ok(());
    }
    let asked = Asked::all(buckets);
    execute!(
        db,
        "with given as (
           select key from attempts
           where key in (select decode(value->>'key', 'hex') from jsonb_each($1))
           order by key for update
         )
         update attempts set full_at = full_at - every from given where attempts.key = given.key",
        json_rows(&asked),
    )?;
    Ok(())
}

/// Deletes buckets that are full, and those that a wrong clock has emptied for longer than they take to fill.
pub(super) async fn prune(db: &Db, now: Timestamp) -> Result<(), sqlx::Error> {
    for _ in 0..PRUNED_TIMES {
        let deleted = execute!(
            db,
            "delete from attempts where key in (
               select key from attempts where full_at <= $1 or full_at > $1 + every * burst
               limit $2 for update skip locked
             )",
            now,
            PRUNED_AT_ONCE,
        )?;
        if deleted < PRUNED_AT_ONCE.unsigned_abs() {
            break;
        }
    }
    Ok(())
}
