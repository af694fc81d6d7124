//! How often somebody may try to sign in or to register, or ask whether a name is taken.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::{Client, Problem};
use crate::config::Switch;

/// Tries at once, and then one in so many seconds. A family behind one address signs in with
/// ease; a machine that guesses gets some 5,700 guesses a day.
const SIGN_IN: (u32, Duration) = (20, Duration::from_secs(15));
/// A class that registers together from one school does, too.
const SIGN_UP: (u32, Duration) = (40, Duration::from_secs(30));
/// A few people who fill in the form at once ask that often; who collects addresses that have an
/// account is no faster in the long run than by trying to register.
const AVAILABILITY: (u32, Duration) = (120, Duration::from_secs(30));

#[derive(Clone)]
pub struct Throttle(Option<Arc<Limits>>);

struct Limits {
    sign_in: DefaultKeyedRateLimiter<IpAddr>,
    sign_up: DefaultKeyedRateLimiter<IpAddr>,
    availability: DefaultKeyedRateLimiter<IpAddr>,
}

impl Throttle {
    pub fn new(switch: Switch) -> Self {
        let limits = || Limits {
            sign_in: limiter(SIGN_IN),
            sign_up: limiter(SIGN_UP),
            availability: limiter(AVAILABILITY),
        };
        Self((switch == Switch::On).then(|| Arc::new(limits())))
    }

    /// # Errors
    /// 429, with the time to wait.
    pub fn sign_in(&self, client: Client) -> Result<(), Problem> {
        self.check(client, |limits| &limits.sign_in)
    }

    /// # Errors
    /// 429, with the time to wait.
    pub fn sign_up(&self, client: Client) -> Result<(), Problem> {
        self.check(client, |limits| &limits.sign_up)
    }

    /// # Errors
    /// 429, with the time to wait.
    pub fn availability(&self, client: Client) -> Result<(), Problem> {
        self.check(client, |limits| &limits.availability)
    }

    /// Forgets those who have not tried for long.
    pub fn prune(&self) {
        if let Some(limits) = &self.0 {
            limits.sign_in.retain_recent();
            limits.sign_up.retain_recent();
            limits.availability.retain_recent();
        }
    }

    fn check(
        &self,
        client: Client,
        which: impl Fn(&Limits) -> &DefaultKeyedRateLimiter<IpAddr>,
    ) -> Result<(), Problem> {
        let Some(limits) = &self.0 else { return Ok(()) };
        which(limits)
            .check_key(&client.bucket())
            .map_err(|until| Problem::too_many(until.wait_time_from(DefaultClock::default().now())))
    }
}

fn limiter((burst, every): (u32, Duration)) -> DefaultKeyedRateLimiter<IpAddr> {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(every).map(|quota| quota.allow_burst(burst));
    RateLimiter::keyed(quota.unwrap_or(Quota::per_minute(burst)))
}
