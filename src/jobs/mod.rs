//! The job queue: work that follows from a commit but is not part of it. A job is added in the same
//! transaction and run afterwards by any process on the database. Jobs run at least once, so every job must be
//! idempotent. A failed job is retried with exponential backoff; after `MAX_ATTEMPTS` it is dead and waits
//! for an administrator. The process that runs a job holds a lease on it, so that no other process starts it.

pub mod model;
mod store;

use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use prometheus_client::metrics::counter::Counter;
use tokio::time::{MissedTickBehavior, timeout};
use tracing::Instrument as _;

use self::model::{ClaimedJob, DeadJob, Job, JobCounts, JobId, Lane, Lease};
pub use self::store::enqueue;
pub(crate) use self::store::push_enqueue;
use crate::db::Db;
use crate::kernel::{Clock, Random, ServiceError, Timestamp};
use crate::lifecycle::Lifecycle;

/// How often to poll for due jobs.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a process holds a job. If that process was killed, another one runs the job after this time.
const LEASE: Duration = Duration::from_mins(5);
/// How long a job may run: less than the lease, so that two processes never run it at the same time.
const TIMEOUT: Duration = Duration::from_mins(4);
/// How often a job is tried: for about two hours.
const MAX_ATTEMPTS: u32 = 12;
/// The wait after the first failure. It doubles after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_hours(1);
/// How many dead jobs are shown.
const MAX_SHOWN: i64 = 100;

/// The permission to list, retry and discard dead jobs. The layer above implements it for administrators.
pub trait Operator {}

#[derive(Clone)]
pub struct Jobs {
    db: Db,
    clock: Clock,
    random: Random,
    /// Failed attempts in this process.
    failures: Counter,
}

impl Jobs {
    pub fn new(db: Db, clock: Clock, random: Random) -> Self {
        Self { db, clock, random, failures: Counter::default() }
    }

    /// Starts the task that runs due jobs, as many at the same time as their lane has places.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn start<F>(
        &self,
        lifecycle: &Lifecycle,
        work: impl Fn(Job) -> F + Send + Sync + 'static,
    ) -> Result<(), ServiceError>
    where
        F: Future<Output = Result<(), ServiceError>> + Send,
    {
        store::ensure_scheduled(&self.db, Job::Prune, self.later(Job::Prune.again_after())).await?;
        let jobs = self.clone();
        let closing = lifecycle.closing();
        lifecycle.spawn_worker("jobs", async move {
            // A job interrupted here is run again when its lease ends.
            closing.run_until_cancelled(jobs.run_due(&work)).await;
        });
        Ok(())
    }

    /// Runs due jobs until it is dropped.
    async fn run_due<F>(&self, work: impl Fn(Job) -> F)
    where
        F: Future<Output = Result<(), ServiceError>>,
    {
        let mut interval = tokio::time::interval(POLL_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut running = FuturesUnordered::new();
        let mut lanes = RunningLanes::default();
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                Some(ended) = running.next() => lanes.end(ended),
            }
            loop {
                let free = lanes.free();
                let claim = self.claim(&free);
                tokio::pin!(claim);
                // A job that runs may hold the connection that the claim waits for, so both must go on.
                let claimed = loop {
                    tokio::select! {
                        claimed = &mut claim => break claimed,
                        Some(ended) = running.next() => lanes.end(ended),
                    }
                };
                match claimed {
                    Ok(Some(claimed)) => {
                        let lane = lanes.begin(&claimed);
                        let job = self.run(claimed, &work);
                        running.push(async move { (lane, job.await) });
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "could not poll for jobs");
                        break;
                    }
                }
            }
        }
    }

    async fn claim(&self, lanes: &[Lane]) -> Result<Option<ClaimedJob>, ServiceError> {
        if lanes.is_empty() {
            return Ok(None);
        }
        let lease = Lease(i64::from_le_bytes(self.random.bytes()));
        let now = self.clock.now();
        Ok(store::claim(&self.db, lanes, lease, now.plus(LEASE), now).await?)
    }

    /// Runs the job that has been due for the longest time. Returns false if none is due. A failure of the job
    /// is recorded and is not an error of this function.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn do_next<F>(&self, work: impl Fn(Job) -> F) -> Result<bool, ServiceError>
    where
        F: Future<Output = Result<(), ServiceError>>,
    {
        let Some(claimed) = self.claim(&Lane::ALL).await? else { return Ok(false) };
        self.run(claimed, &work).await?;
        Ok(true)
    }

    /// Runs a job and records how it ended.
    async fn run<F>(
        &self,
        claimed: ClaimedJob,
        work: &impl Fn(Job) -> F,
    ) -> Result<(), ServiceError>
    where
        F: Future<Output = Result<(), ServiceError>>,
    {
        let span = tracing::info_span!("job", kind = claimed.kind(), id = claimed.id.0);
        self.run_in_span(claimed, work).instrument(span).await
    }

    async fn run_in_span<F>(
        &self,
        claimed: ClaimedJob,
        work: &impl Fn(Job) -> F,
    ) -> Result<(), ServiceError>
    where
        F: Future<Output = Result<(), ServiceError>>,
    {
        tracing::debug!(attempt = claimed.attempt, "started");
        let result = match claimed.job {
            // The process was killed during each attempt.
            _ if claimed.attempt > MAX_ATTEMPTS => Err("no attempt came to an end".to_owned()),
            None => Err("this version of Patio does not know how".to_owned()),
            Some(job) => match timeout(TIMEOUT, work(job)).await {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_) => Err(format!("it took longer than {} seconds", TIMEOUT.as_secs())),
            },
        };
        match result {
            Ok(()) => {
                let again = claimed.job.and_then(Job::again_after);
                let again = again.map(|wait| self.later(Some(wait)));
                store::finish(&self.db, &claimed, again).await?;
            }
            Err(failure) => self.record_failure(&claimed, &failure).await?,
        }
        tracing::debug!("finished");
        Ok(())
    }

    async fn record_failure(&self, job: &ClaimedJob, failure: &str) -> Result<(), ServiceError> {
        self.failures.inc();
        let now = self.clock.now();
        let again = (job.attempt < MAX_ATTEMPTS).then(|| now.plus(self.wait(job.attempt)));
        if again.is_some() {
            tracing::warn!(?job, failure, "a job failed and will be retried");
        } else {
            tracing::error!(
                ?job,
                failure,
                "a job failed for the last time: see the administration page"
            );
        }
        Ok(store::fail(&self.db, job, failure, again, now).await?)
    }

    /// Returns the wait after a failed attempt: between half of the backoff and all of it, at random, so that
    /// jobs that failed together are not retried together.
    fn wait(&self, attempt: u32) -> Duration {
        let doubled = FIRST_RETRY.saturating_mul(1 << (attempt - 1).min(16));
        let half = doubled.min(LONGEST_RETRY) / 2;
        half + half.mul_f64(f64::from(u16::from_le_bytes(self.random.bytes())) / 65_536.0)
    }

    fn later(&self, wait: Option<Duration>) -> Timestamp {
        self.clock.now().plus(wait.unwrap_or_default())
    }

    /// Returns the number of failed attempts in this process.
    pub fn failures(&self) -> Counter {
        self.failures.clone()
    }

    /// Counts the jobs in the database by state.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts(&self) -> Result<JobCounts, ServiceError> {
        Ok(store::counts(&self.db).await?)
    }

    /// Returns the dead jobs, the latest first, at most `MAX_SHOWN`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn dead(&self, _: &impl Operator) -> Result<Vec<DeadJob>, ServiceError> {
        Ok(store::dead(&self.db, MAX_SHOWN).await?)
    }

    /// Makes a dead job due, with all its attempts. Returns false if there is no such dead job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn retry(&self, _: &impl Operator, job: JobId) -> Result<bool, ServiceError> {
        Ok(store::retry(&self.db, job, self.clock.now()).await?)
    }

    /// Deletes a dead job. Returns false if there is no such dead job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn discard(&self, _: &impl Operator, job: JobId) -> Result<bool, ServiceError> {
        Ok(store::discard(&self.db, job).await?)
    }
}

/// The lanes of the jobs that run.
#[derive(Default)]
struct RunningLanes(Vec<Lane>);

impl RunningLanes {
    /// Those with places left.
    fn free(&self) -> Vec<Lane> {
        let running = |lane: &Lane| self.0.iter().filter(|running| *running == lane).count();
        Lane::ALL.into_iter().filter(|lane| running(lane) < lane.places()).collect()
    }

    fn begin(&mut self, job: &ClaimedJob) -> Lane {
        let lane = job.lane();
        self.0.push(lane);
        lane
    }

    fn end(&mut self, (lane, result): (Lane, Result<(), ServiceError>)) {
        if let Some(place) = self.0.iter().position(|running| *running == lane) {
            self.0.swap_remove(place);
        }
        if let Err(error) = result {
            tracing::warn!(%error, "could not record the end of a job");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn retry_waits_grow_to_an_hour_and_are_randomized() {
        let db = Db::open(None, Path::new(tempfile::tempdir().expect("a directory").path()))
            .await
            .expect("a database");
        let jobs = Jobs::new(db, Clock::system(), Random::system());
        for attempt in 1..MAX_ATTEMPTS {
            let whole = FIRST_RETRY.saturating_mul(1 << (attempt - 1)).min(LONGEST_RETRY);
            let waits: Vec<_> = (0..50).map(|_| jobs.wait(attempt)).collect();
            assert!(waits.iter().all(|wait| *wait >= whole / 2 && *wait <= whole), "{attempt}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{attempt}");
        }
    }
}
