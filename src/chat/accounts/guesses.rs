//! Wrong passwords, counted by whose they may be: the account they were for, the networks they came
//! from, the device. Right ones do not count.
//!
//! A try is counted before it is judged, so that a thousand at once are not a thousand guesses, and given
//! back when it was right. Who comes while others are being judged waits for the outcome: sixty people
//! behind one address who all know their passwords are all let in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::Notify;

use super::model::CredentialHash;
use crate::config::Switch;
use crate::kernel::{Clock, TokenBuckets, UserId};
use crate::limits::{self, Rate};

/// What wrong passwords are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Device(CredentialHash),
    Network(IpNet),
    /// A hash of what was typed as the name, whether or not anybody has it.
    Account(CredentialHash),
}

impl Key {
    fn rate(&self) -> Rate {
        match self {
            Self::Device(_) => limits::device::WRONG_PASSWORDS,
            Self::Network(network) => {
                limits::network(limits::address::WRONG_PASSWORDS, network.prefix_len())
            }
            Self::Account(_) => limits::user::WRONG_PASSWORDS,
        }
    }
}

#[derive(Clone)]
pub(super) struct PasswordGuesses(Option<Arc<Inner>>);

struct Inner {
    clock: Clock,
    counts: Mutex<Counts>,
    /// Something was judged: those who wait look again.
    judged: Notify,
}

#[derive(Default)]
struct Counts {
    wrong: TokenBuckets<Key>,
    /// Tries that are counted and not judged yet.
    judging: HashMap<Key, usize>,
    /// Those who wait for the outcome of other tries.
    waiting: usize,
    /// Sign-ins with the right password.
    right: TokenBuckets<UserId>,
}

enum AttemptOutcome {
    Yes,
    /// All that is left depends on tries that are being judged.
    Perhaps,
    No,
}

impl PasswordGuesses {
    pub fn new(switch: Switch, clock: Clock) -> Self {
        let (counts, judged) = Default::default();
        Self((switch == Switch::On).then(|| Arc::new(Inner { clock, counts, judged })))
    }

    /// Counts a try under all of the keys, or under none.
    ///
    /// # Errors
    /// How long to wait.
    pub async fn begin(&self, keys: Vec<Key>) -> Result<Attempt, Duration> {
        let Some(inner) = &self.0 else { return Ok(Attempt { counted: None, keys }) };
        let mut place = None;
        loop {
            // Made before the question, so that no outcome falls between the two.
            let judged = inner.judged.notified();
            let (taken, wait) = inner.take(&keys);
            match taken {
                AttemptOutcome::Yes => {
                    return Ok(Attempt { counted: Some(Arc::clone(inner)), keys });
                }
                AttemptOutcome::No => return Err(wait),
                AttemptOutcome::Perhaps if place.is_none() => {
                    place = Some(Place::among_those_who_wait(inner).ok_or(wait)?);
                }
                AttemptOutcome::Perhaps => {}
            }
            judged.await;
        }
    }

    /// Counts a right password, of which nobody needs many either: each is a hash and a new session.
    ///
    /// # Errors
    /// How long to wait.
    pub fn right(&self, user: UserId) -> Result<(), Duration> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let now = inner.clock.now();
        inner.counts().right.take(&user, limits::user::SIGN_INS, now)
    }

    /// Forgets those who guessed nothing for long.
    pub fn prune(&self) {
        if let Some(inner) = &self.0 {
            let now = inner.clock.now();
            let mut counts = inner.counts();
            counts.wrong.prune(now);
            counts.right.prune(now);
        }
    }
}

impl Inner {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, keys: &[Key]) -> (AttemptOutcome, Duration) {
        let now = self.clock.now();
        let mut counts = self.counts();
        let mut wait = Duration::ZERO;
        let mut hope = true;
        for key in keys {
            let until = counts.wrong.wait(key, key.rate(), now);
            wait = wait.max(until);
            hope &= until.is_zero() || counts.judging.contains_key(key);
        }
        match (wait.is_zero(), hope) {
            (true, _) => {
                for key in keys {
                    // There is a token: nothing else happens under the lock.
                    let taken = counts.wrong.take(key, key.rate(), now);
                    debug_assert!(taken.is_ok(), "{key:?}");
                    *counts.judging.entry(key.clone()).or_default() += 1;
                }
                (AttemptOutcome::Yes, wait)
            }
            (false, true) => (AttemptOutcome::Perhaps, wait),
            (false, false) => (AttemptOutcome::No, wait),
        }
    }
}

/// A place among those who wait for an outcome. Their number is bounded.
struct Place(Arc<Inner>);

impl Place {
    fn among_those_who_wait(inner: &Arc<Inner>) -> Option<Self> {
        let mut counts = inner.counts();
        let free = counts.waiting < limits::passwords::WAITING_FOR_OUTCOMES;
        counts.waiting += usize::from(free);
        free.then(|| Self(Arc::clone(inner)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.counts().waiting -= 1;
    }
}

/// A try that is counted. Dropped, it stays so: whoever hangs up before the answer has guessed as well.
pub(super) struct Attempt {
    counted: Option<Arc<Inner>>,
    keys: Vec<Key>,
}

impl Attempt {
    /// It was right, or never judged.
    pub fn give_back(self) {
        if let Some(inner) = &self.counted {
            let mut counts = inner.counts();
            for key in &self.keys {
                counts.wrong.give_back(key, key.rate());
            }
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(inner) = &self.counted else { return };
        let mut counts = inner.counts();
        for key in &self.keys {
            if let Some(judging) = counts.judging.get_mut(key) {
                *judging -= 1;
                if *judging == 0 {
                    counts.judging.remove(key);
                }
            }
        }
        drop(counts);
        inner.judged.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::kernel::Timestamp;

    fn guesses() -> PasswordGuesses {
        PasswordGuesses::new(Switch::On, Clock::from_fn(|| Timestamp(0)))
    }

    fn network(text: &str) -> Vec<Key> {
        vec![Key::Network(text.parse().expect("a network"))]
    }

    /// What comes of a try at once; `None` while it waits.
    fn at_once(guesses: &PasswordGuesses, keys: Vec<Key>) -> Option<Result<Attempt, Duration>> {
        guesses.begin(keys).now_or_never()
    }

    #[test]
    fn right_ones_never_use_anything_up_and_wrong_ones_do() {
        let guesses = guesses();
        let office = || network("203.0.113.7/32");
        for _ in 0..500 {
            at_once(&guesses, office()).expect("no waiting").expect("a try").give_back();
        }
        for _ in 0..20 {
            drop(at_once(&guesses, office()).expect("no waiting").expect("a try"));
        }
        let refused = at_once(&guesses, office()).expect("no waiting").err();
        assert_eq!(refused, Some(Duration::from_secs(15)));
        assert!(at_once(&guesses, network("203.0.113.8/32")).expect("no waiting").is_ok());
    }

    #[tokio::test]
    async fn who_comes_while_others_are_judged_waits_for_the_outcome() {
        let guesses = guesses();
        let office = || network("203.0.113.7/32");
        let begin = || at_once(&guesses, office()).expect("no waiting").expect("a try");
        let mut judged: Vec<Attempt> = (0..20).map(|_| begin()).collect();
        let mut next = Box::pin(guesses.begin(office()));
        assert!(next.as_mut().now_or_never().is_none(), "it waits");
        // Nineteen were wrong; the last is right, and its token serves the next.
        judged.drain(..19).for_each(drop);
        assert!(next.as_mut().now_or_never().is_none(), "one is still being judged");
        judged.pop().expect("the last").give_back();
        let next = next.await.expect("a try");
        let mut later = Box::pin(guesses.begin(office()));
        assert!(later.as_mut().now_or_never().is_none());
        drop(next);
        assert!(later.await.is_err(), "all were wrong");
    }

    #[test]
    fn a_try_is_counted_under_all_of_its_keys_or_under_none() {
        let guesses = guesses();
        let both = || [network("2001:db8:0:1::/64"), network("2001:db8::/48")].concat();
        for _ in 0..20 {
            drop(at_once(&guesses, both()).expect("no waiting").expect("a try"));
        }
        for _ in 0..200 {
            assert!(at_once(&guesses, both()).expect("no waiting").is_err());
        }
        let rest = (0..200)
            .filter(|_| at_once(&guesses, network("2001:db8::/48")).is_some_and(|t| t.is_ok()));
        assert_eq!(rest.count(), 60, "those that were refused took nothing");
    }

    #[test]
    fn those_who_wait_are_bounded_and_leave_no_trace() {
        let guesses = guesses();
        let office = || network("203.0.113.7/32");
        let judged: Vec<_> = (0..20).map(|_| at_once(&guesses, office())).collect();
        let mut waiting: Vec<_> = (0..limits::passwords::WAITING_FOR_OUTCOMES)
            .map(|_| Box::pin(guesses.begin(office())))
            .collect();
        assert!(waiting.iter_mut().all(|try_| try_.as_mut().now_or_never().is_none()));
        assert!(at_once(&guesses, office()).expect("no place").is_err());
        drop((waiting, judged));
        let inner = guesses.0.as_ref().expect("on");
        let counts = inner.counts();
        assert_eq!((counts.waiting, counts.judging.len()), (0, 0));
    }

    #[test]
    fn without_rates_nothing_is_counted() {
        let guesses = PasswordGuesses::new(Switch::Off, Clock::from_fn(|| Timestamp(0)));
        for _ in 0..100 {
            drop(at_once(&guesses, network("203.0.113.7/32")).expect("no waiting").expect("a try"));
            assert!(guesses.right(UserId(1)).is_ok());
        }
    }
}
