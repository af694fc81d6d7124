//! Rate limits: of users, over pages, API and all their live connections together, in this process; and of
//! unauthenticated clients by network, together with other processes (`attempts`). Wrong passwords are counted in
//! `chat::accounts`, where passwords are verified.
//!
//! Contains only rates: `RATE_LIMIT=off` lifts all of them.

mod direct;
pub mod routes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::direct::open_fixed;
use super::{ClientInfo, Problem};
use crate::attempts::Attempts;
use crate::attempts::model::{Bucket, TakeError};
use crate::config::Switch;
use crate::kernel::{Clock, TokenBuckets, UserId};
use crate::limits::{self, Rate};

/// Actions of users, by rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Posts, edits, deletions, reactions, and every other change without its own rate.
    Write,
    Join,
    /// A new room, or a new direct message.
    NewRoom,
    Search,
    /// A file that begins to arrive.
    NewFile,
}

impl Action {
    fn rate(self) -> Rate {
        match self {
            Self::Write => limits::user::WRITES,
            Self::Join => limits::user::JOINS,
            Self::NewRoom => limits::user::NEW_ROOMS,
            Self::Search => limits::user::SEARCHES,
            Self::NewFile => limits::user::NEW_FILES,
        }
    }
}

/// Slow actions, of which a user may run only a few at the same time. Uploads are not here: their limit also
/// holds with `RATE_LIMIT=off` (`uploads`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SlowAction {
    Search,
}

impl SlowAction {
    fn at_once(self) -> usize {
        match self {
            Self::Search => limits::user::SEARCHES_AT_ONCE,
        }
    }
}

#[derive(Clone)]
pub struct RateLimiter(Option<Arc<Limits>>);

struct Limits {
    clock: Clock,
    users: Mutex<TokenBuckets<(UserId, Action)>>,
    running: Mutex<HashMap<(UserId, SlowAction), usize>>,
    /// Of unauthenticated clients.
    attempts: Attempts,
}

impl RateLimiter {
    pub fn new(switch: Switch, clock: Clock, attempts: Attempts) -> Self {
        let limits = || {
            Arc::new(Limits { clock, users: Mutex::default(), running: Mutex::default(), attempts })
        };
        Self((switch == Switch::On).then(limits))
    }

    /// Counts an action of a user.
    ///
    /// # Errors
    /// 429, with the time to wait.
    pub fn spend(&self, user: UserId, action: Action) -> Result<(), Problem> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let taken = lock(&limits.users).take(&(user, action), action.rate(), limits.clock.now());
        taken.map_err(Problem::too_many)
    }

    fn give_back(&self, user: UserId, action: Action) {
        if let Some(limits) = &self.0 {
            lock(&limits.users).give_back(&(user, action), action.rate());
        }
    }

    /// Starts a slow action, unless the user has too many running. The guard ends it.
    fn start(&self, user: UserId, slow: SlowAction) -> Result<Option<RunningGuard>, Problem> {
        let Some(limits) = &self.0 else { return Ok(None) };
        let mut running = lock(&limits.running);
        let count = running.entry((user, slow)).or_default();
        if *count >= slow.at_once() {
            return Err(Problem::too_many(Duration::from_secs(1)));
        }
        *count += 1;
        Ok(Some(RunningGuard { limits: limits.clone(), user, slow }))
    }

    /// Counts an attempt to register, per network of the client and for the whole installation.
    ///
    /// # Errors
    /// 429, with the time to wait.
    pub async fn sign_up(&self, client: ClientInfo) -> Result<(), Problem> {
        let all = Bucket::new("sign-up", "all", limits::installation::SIGN_UPS);
        self.attempt("sign-up", (client, limits::address::SIGN_UPS), Some(all)).await
    }

    /// Counts a check whether a name or an e-mail address is free.
    ///
    /// # Errors
    /// 429, with the time to wait.
    pub async fn availability(&self, client: ClientInfo) -> Result<(), Problem> {
        self.attempt("availability", (client, limits::address::AVAILABILITY), None).await
    }

    /// Counts an invitation link that is kept for a client until it signs in.
    ///
    /// # Errors
    /// 429, with the time to wait.
    pub async fn invitation(&self, client: ClientInfo) -> Result<(), Problem> {
        self.attempt("invitation", (client, limits::address::INVITATIONS), None).await
    }

    /// Counts an attempt of a client by each of its networks.
    async fn attempt(
        &self,
        kind: &str,
        (client, rate): (ClientInfo, Rate),
        all: Option<Bucket>,
    ) -> Result<(), Problem> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let networks = client.networks();
        let networks =
            networks.map(|net| Bucket::new(kind, net, limits::network(rate, net.prefix_len())));
        let buckets: Vec<Bucket> = networks.chain(all).collect();
        limits.attempts.take(&buckets).await.map_err(|error| match error {
            TakeError::Refused(refusal) => Problem::too_many(refusal.wait()),
            TakeError::Service(error) => error.into(),
        })
    }

    /// Whether rate limits are on.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Drops full buckets.
    pub fn prune(&self) {
        if let Some(limits) = &self.0 {
            let now = limits.clock.now();
            lock(&limits.users).prune(now);
            limits.attempts.prune();
        }
    }
}

/// A running slow action of a user.
struct RunningGuard {
    limits: Arc<Limits>,
    user: UserId,
    slow: SlowAction,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        let mut running = lock(&self.limits.running);
        let key = (self.user, self.slow);
        if let Some(count) = running.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                running.remove(&key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Timestamp;

    fn limiter(switch: Switch) -> RateLimiter {
        let clock = Clock::from_fn(|| Timestamp(0));
        RateLimiter::new(switch, clock.clone(), Attempts::in_memory(clock))
    }

    #[test]
    fn slow_actions_are_limited_per_user_and_end_with_their_guard() {
        let (ana, luis) = (UserId(1), UserId(2));
        let slow = SlowAction::Search;
        let rates = limiter(Switch::On);
        let mut running: Vec<_> = (0..2).map(|_| rates.start(ana, slow)).collect();
        assert!(running.iter().all(Result::is_ok));
        let refused = rates.start(ana, slow).err().expect("a refusal");
        assert!(refused.retry_after.is_some());
        assert!(rates.start(luis, slow).is_ok(), "limits are per user");
        running.pop();
        running.push(rates.start(ana, slow));
        assert!(running.iter().all(Result::is_ok));
        drop(running);
        let kept = rates.0.as_ref().map(|limits| lock(&limits.running).len());
        assert_eq!(kept, Some(0), "nothing is kept of finished actions");
        let lifted: Vec<_> =
            (0..9).map(|_| limiter(Switch::Off).start(ana, SlowAction::Search)).collect();
        assert!(lifted.iter().all(Result::is_ok));
    }
}
