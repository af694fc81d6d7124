//! The clock of the database, by which all processes go that share it. One with a wrong clock of its own would date
//! messages wrongly, and other processes would miss the read markers it sets: they look for recent ones.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{CONNECT_TIMEOUT, PostgresPool, answer};
use crate::db::Db;
use crate::kernel::Clock;
use crate::lifecycle::Lifecycle;

const INTERVAL: Duration = Duration::from_mins(1);
/// A smaller difference in milliseconds is left alone, and one that the way to the database may explain.
const TOLERANCE: i64 = 100;

impl Db {
    /// Corrects the clock by that of a `PostgreSQL` server, now and from time to time.
    pub async fn follow_clock(
        &self,
        clock: &Clock,
        lifecycle: &Lifecycle,
    ) -> Result<(), sqlx::Error> {
        let Self::Postgres(pool) = self else { return Ok(()) };
        correct(pool, clock).await?;
        let (pool, clock, closing) = (pool.clone(), clock.clone(), lifecycle.closing());
        lifecycle.spawn_worker("clock", async move {
            let mut interval = interval(INTERVAL);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while closing.run_until_cancelled(interval.tick()).await.is_some() {
                if let Err(error) = correct(&pool, &clock).await {
                    tracing::warn!(%error, "could not compare the clock with the database's");
                }
            }
        });
        Ok(())
    }
}

async fn correct(pool: &PostgresPool, clock: &Clock) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let asked_at = clock.now().0;
    let time = sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000)::bigint");
    let time = answer(Some(CONNECT_TIMEOUT), time.fetch_one(&mut *connection)).await;
    connection.settle(&time);
    let way = clock.now().0.saturating_sub(asked_at);
    let time: i64 = time?;
    let difference = time.saturating_sub(asked_at.saturating_add(way / 2));
    if difference.saturating_abs() > TOLERANCE.saturating_add(way) {
        clock.correct(difference);
        tracing::warn!(difference_ms = difference, "the clock was corrected by the database's");
    }
    Ok(())
}
