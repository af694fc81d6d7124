//! How often something may happen: what users do, over pages, API and all of their live connections
//! together, and what strangers ask for. Wrong passwords are counted where passwords are compared
//! (`chat::accounts`).
//!
//! Rates only: `RATE_LIMIT=off` lifts all of this.

mod direct;
pub mod routes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;

pub use self::direct::open_direct;
use super::{ClientInfo, Problem};
use crate::config::Switch;
use crate::kernel::{Clock, TokenBuckets, UserId};
use crate::limits::{self, Rate};

/// What users do, by how often they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Posts, edits, deletions, reactions, and every other change that has no rate of its own.
    Write,
    Join,
    /// A new room, or a new conversation.
    NewRoom,
    Search,
}

impl Action {
    fn rate(self) -> Rate {
        match self {
            Self::Write => limits::user::WRITES,
            Self::Join => limits::user::JOINS,
            Self::NewRoom => limits::user::NEW_ROOMS,
            Self::Search => limits::user::SEARCHES,
        }
    }
}

/// What users do one after the other. Uploads are not here: theirs is a bound, not a rate
/// (`uploads`).
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

/// What strangers ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Availability {
    SignUp,
    Availability,
}

#[derive(Clone)]
pub struct RateLimiter(Option<Arc<Limits>>);

struct Limits {
    clock: Clock,
    users: Mutex<TokenBuckets<(UserId, Action)>>,
    running: Mutex<HashMap<(UserId, SlowAction), usize>>,
    /// By network; `None` is the whole installation.
    strangers: Mutex<TokenBuckets<(Availability, Option<IpNet>)>>,
}

impl RateLimiter {
    pub fn new(switch: Switch, clock: Clock) -> Self {
        let limits = || {
            let (users, running, strangers) = Default::default();
            Arc::new(Limits { clock, users, running, strangers })
        };
        Self((switch == Switch::On).then(limits))
    }

    /// Counts what a user does.
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

    /// A place among the few that one user has for slow work.
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

    /// Counts a try to register, by the networks it comes from and over all.
    ///
    /// # Errors
    /// 429, with the time to wait.
    pub fn sign_up(&self, client: ClientInfo) -> Result<(), Problem> {
        let all = (None, limits::installation::SIGN_UPS);
        self.ask(Availability::SignUp, (client, limits::address::SIGN_UPS), Some(all))
    }

    /// Counts a question whether a name or an address is free.
    ///
    /// # Errors
    /// 429, with the time to wait.
    pub fn availability(&self, client: ClientInfo) -> Result<(), Problem> {
        self.ask(Availability::Availability, (client, limits::address::AVAILABILITY), None)
    }

    fn ask(
        &self,
        asked: Availability,
        (client, rate): (ClientInfo, Rate),
        all: Option<(Option<IpNet>, Rate)>,
    ) -> Result<(), Problem> {
        let Some(limits) = &self.0 else { return Ok(()) };
        let networks = client.networks();
        let networks = networks.map(|net| (Some(net), limits::network(rate, net.prefix_len())));
        let counted: Vec<_> = networks.chain(all).collect();
        let now = limits.clock.now();
        let mut strangers = lock(&limits.strangers);
        let wait = |(key, rate): &(_, _)| strangers.wait(&(asked, *key), *rate, now);
        let wait = counted.iter().map(wait).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(Problem::too_many(wait));
        }
        for (key, rate) in counted {
            strangers.take(&(asked, key), rate, now).map_err(Problem::too_many)?;
        }
        Ok(())
    }

    /// Whether there are limits at all.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Forgets those who may do everything again.
    pub fn prune(&self) {
        if let Some(limits) = &self.0 {
            let now = limits.clock.now();
            lock(&limits.users).prune(now);
            lock(&limits.strangers).prune(now);
        }
    }
}

/// Slow work of a user, while it goes on.
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
        RateLimiter::new(switch, Clock::from_fn(|| Timestamp(0)))
    }

    #[test]
    fn a_user_has_so_many_places_for_slow_work_and_gets_each_back() {
        let (ana, luis) = (UserId(1), UserId(2));
        let slow = SlowAction::Search;
        let rates = limiter(Switch::On);
        let mut running: Vec<_> = (0..2).map(|_| rates.start(ana, slow)).collect();
        assert!(running.iter().all(Result::is_ok));
        let refused = rates.start(ana, slow).err().expect("a refusal");
        assert!(refused.retry_after.is_some());
        assert!(rates.start(luis, slow).is_ok(), "others have theirs");
        running.pop();
        running.push(rates.start(ana, slow));
        assert!(running.iter().all(Result::is_ok));
        drop(running);
        let kept = rates.0.as_ref().map(|limits| lock(&limits.running).len());
        assert_eq!(kept, Some(0), "nothing is kept of what is done");
        let lifted: Vec<_> =
            (0..9).map(|_| limiter(Switch::Off).start(ana, SlowAction::Search)).collect();
        assert!(lifted.iter().all(Result::is_ok));
    }
}
