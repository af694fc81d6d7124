//! Jobs: what must follow from a commit and is not part of it. A job is added in that same transaction,
//! and done afterwards by whichever process on the database comes first: at once, or after the next
//! start. One that fails is tried again, later each time; one that always fails is given up and waits
//! for an administrator. Whoever does a job holds a lease on it, and nobody else begins it meanwhile.

pub mod model;
mod store;

use std::future::Future;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, timeout};

use self::model::{ClaimedJob, DeadJob, Job, JobCounts, JobId};
pub use self::store::enqueue;
use crate::db::Db;
use crate::kernel::metrics::Counter;
use crate::kernel::{Clock, Random, ServiceError, Timestamp};
use crate::lifecycle::Lifecycle;

/// How often to look for what is due.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a job is somebody's. When its process was killed, another one does it after this.
const LEASE: Duration = Duration::from_mins(5);
/// How long a job may take: less, so that it is not done twice at a time.
const TIMEOUT: Duration = Duration::from_mins(4);
/// How often a job is tried: for some two hours.
const MAX_ATTEMPTS: u32 = 12;
/// How long to wait after the first failure; twice as long after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_hours(1);
/// How many of those that were given up are shown.
const MAX_SHOWN: i64 = 100;

/// Proof that somebody may look at failed jobs, retry and discard them. The ring above says who.
pub trait Operator {}

#[derive(Clone)]
pub struct Jobs {
    db: Db,
    clock: Clock,
    random: Random,
    /// Attempts that failed in this process.
    failures: Counter,
}

impl Jobs {
    pub fn new(db: Db, clock: Clock, random: Random) -> Self {
        Self { db, clock, random, failures: Counter::default() }
    }

    /// Starts the task that does what is due, one job after the other.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn start<F>(
        &self,
        lifecycle: &Lifecycle,
        work: impl Fn(Job) -> F + Send + Sync + 'static,
    ) -> Result<(), ServiceError>
    where
        F: Future<Output = Result<(), ServiceError>> + Send,
    {
        store::ensure_scheduled(&self.db, Job::Prune, self.later(Job::Prune.again_after())).await?;
        let (jobs, closing) = (self.clone(), lifecycle.closing());
        lifecycle.spawn_worker(async move {
            let mut beat = tokio::time::interval(POLL_INTERVAL);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while closing.run_until_cancelled(beat.tick()).await.is_some() {
                let all = async {
                    while jobs.do_next(&work).await? {}
                    Ok::<_, ServiceError>(())
                };
                // What is cut off here is done elsewhere, or after the next start.
                if let Some(Err(fault)) = closing.run_until_cancelled(all).await {
                    tracing::warn!(%fault, "jobs could not be looked at");
                }
            }
        });
        Ok(())
    }

    /// Does the job that has been due for longest. False when none is.
    ///
    /// # Errors
    /// When the database cannot be asked. That the work fails is noted, and no error here.
    pub async fn do_next<F>(&self, work: impl Fn(Job) -> F) -> Result<bool, ServiceError>
    where
        F: Future<Output = Result<(), ServiceError>>,
    {
        let lease = i64::from_le_bytes(self.random.bytes());
        let now = self.clock.now();
        let Some(taken) = store::claim(&self.db, lease, (now, now.plus(LEASE))).await? else {
            return Ok(false);
        };
        let done = match taken.job {
            // Its processes ended in the middle of it, again and again.
            _ if taken.attempt > MAX_ATTEMPTS => Err("no attempt came to an end".to_owned()),
            None => Err("this version of Patio does not know how".to_owned()),
            Some(work_now) => match timeout(TIMEOUT, work(work_now)).await {
                Ok(done) => done.map_err(|fault| fault.to_string()),
                Err(_) => Err(format!("it took longer than {} seconds", TIMEOUT.as_secs())),
            },
        };
        match done {
            Ok(()) => {
                let again = taken.job.and_then(Job::again_after);
                let again = again.map(|wait| self.later(Some(wait)));
                store::finish(&self.db, (taken.id, lease), again).await?;
            }
            Err(failure) => self.note_failure(&taken, lease, &failure).await?,
        }
        Ok(true)
    }

    async fn note_failure(
        &self,
        taken: &ClaimedJob,
        lease: i64,
        failure: &str,
    ) -> Result<(), ServiceError> {
        self.failures.add(1);
        let (job, now) = ((taken.id, lease), self.clock.now());
        let again = (taken.attempt < MAX_ATTEMPTS).then(|| now.plus(self.wait(taken.attempt)));
        if again.is_some() {
            tracing::warn!(?taken, failure, "a job failed and is tried again");
        } else {
            tracing::error!(?taken, failure, "a job is given up: see the page of administrators");
        }
        Ok(store::fail(&self.db, job, failure, (now, again)).await?)
    }

    /// How long to wait after an attempt that failed: between half of the time and all of it, so that
    /// what failed together does not come back together.
    fn wait(&self, attempt: u32) -> Duration {
        let doubled = FIRST_RETRY.saturating_mul(1 << (attempt - 1).min(16));
        let half = doubled.min(LONGEST_RETRY) / 2;
        half + half.mul_f64(f64::from(u16::from_le_bytes(self.random.bytes())) / 65_536.0)
    }

    fn later(&self, wait: Option<Duration>) -> Timestamp {
        self.clock.now().plus(wait.unwrap_or_default())
    }

    /// Attempts that failed in this process so far.
    pub fn failures(&self) -> u64 {
        self.failures.get()
    }

    /// How many jobs there are.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn counts(&self) -> Result<JobCounts, ServiceError> {
        Ok(store::counts(&self.db).await?)
    }

    /// The latest that were given up, the latest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn dead(&self, _: &impl Operator) -> Result<Vec<DeadJob>, ServiceError> {
        Ok(store::dead(&self.db, MAX_SHOWN).await?)
    }

    /// Gives a job that was given up all its attempts again. False when there is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn retry(&self, _: &impl Operator, job: JobId) -> Result<bool, ServiceError> {
        Ok(store::retry(&self.db, job, self.clock.now()).await?)
    }

    /// Forgets a job that was given up. False when there is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn discard(&self, _: &impl Operator, job: JobId) -> Result<bool, ServiceError> {
        Ok(store::discard(&self.db, job).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[tokio::test]
    async fn waits_grow_up_to_an_hour_and_differ() {
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
