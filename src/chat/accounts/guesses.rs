//! Rate limits for wrong passwords, by account, network and device. Right passwords do not count.
//!
//! A try takes its tokens before the password is checked, so that a thousand parallel tries are not a
//! thousand guesses; if it was right, it returns them. A try that finds no token while others are being
//! checked waits for their outcome: sixty users behind one address who all know their passwords can all
//! sign in at the same time.

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
    /// A hash of the typed name, even if no user has it.
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
    /// Notified when a try was checked, so that waiting tries look again.
    judged: Notify,
}

#[derive(Default)]
struct Counts {
    wrong: TokenBuckets<Key>,
    /// Tries that took tokens and were not checked yet.
    judging: HashMap<Key, usize>,
    /// Number of tries that wait for the outcome of others.
    waiting: usize,
    /// Sign-ins with the right password.
    right: TokenBuckets<UserId>,
}

enum AttemptOutcome {
    Yes,
    /// All missing tokens depend on tries that are being checked.
    Perhaps,
    No,
}

impl PasswordGuesses {
    pub fn new(switch: Switch, clock: Clock) -> Self {
        let counts = Mutex::default();
        let judged = Notify::default();
        Self((switch == Switch::On).then(|| Arc::new(Inner { clock, counts, judged })))
    }

    /// Takes a token for each key, or none at all.
    ///
    /// # Errors
    /// How long to wait.
    pub async fn begin(&self, keys: Vec<Key>) -> Result<Attempt, Duration> {
        let Some(inner) = &self.0 else { return Ok(Attempt { counted: None, keys }) };
        let mut waiting_slot = None;
        loop {
            // Subscribe before taking tokens, so that no outcome between the two is missed.
            let judged = inner.judged.notified();
            let (outcome, wait) = inner.take(&keys);
            match outcome {
                AttemptOutcome::Yes => {
                    return Ok(Attempt { counted: Some(Arc::clone(inner)), keys });
                }
                AttemptOutcome::No => return Err(wait),
                AttemptOutcome::Perhaps if waiting_slot.is_none() => {
                    waiting_slot = Some(WaitingSlot::acquire(inner).ok_or(wait)?);
                }
                AttemptOutcome::Perhaps => {}
            }
            judged.await;
        }
    }

    /// Counts a right password. These are limited too, because each costs a hash and a session.
    ///
    /// # Errors
    /// How long to wait.
    pub fn right(&self, user: UserId) -> Result<(), Duration> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let now = inner.clock.now();
        inner.counts().right.take(&user, limits::user::SIGN_INS, now)
    }

    /// Drops the counters that are full again.
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
        let mut may_succeed = true;
        for key in keys {
            let key_wait = counts.wrong.wait(key, key.rate(), now);
            wait = wait.max(key_wait);
            may_succeed &= key_wait.is_zero() || counts.judging.contains_key(key);
        }
        match (wait.is_zero(), may_succeed) {
            (true, _) => {
                for key in keys {
                    // All keys have a token, and the lock is held, so this cannot fail.
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

/// A slot among the waiting tries. Their number is limited.
struct WaitingSlot(Arc<Inner>);

impl WaitingSlot {
    fn acquire(inner: &Arc<Inner>) -> Option<Self> {
        let mut counts = inner.counts();
        let free = counts.waiting < limits::passwords::WAITING_FOR_OUTCOMES;
        counts.waiting += usize::from(free);
        free.then(|| Self(Arc::clone(inner)))
    }
}

impl Drop for WaitingSlot {
    fn drop(&mut self) {
        self.0.counts().waiting -= 1;
    }
}

/// A try that took its tokens. If it is dropped they stay taken: a client that disconnects before the
/// response has guessed as well.
pub(super) struct Attempt {
    counted: Option<Arc<Inner>>,
    keys: Vec<Key>,
}

impl Attempt {
    /// Returns the tokens: the password was right, or was not checked.
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

    /// The result of a try that does not wait; `None` if it waits.
    fn at_once(guesses: &PasswordGuesses, keys: Vec<Key>) -> Option<Result<Attempt, Duration>> {
        guesses.begin(keys).now_or_never()
    }

    #[test]
    fn only_wrong_passwords_use_up_tokens() {
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
    async fn a_try_waits_for_the_outcome_of_others() {
        let guesses = guesses();
        let office = || network("203.0.113.7/32");
        let begin = || at_once(&guesses, office()).expect("no waiting").expect("a try");
        let mut judged: Vec<Attempt> = (0..20).map(|_| begin()).collect();
        let mut next = Box::pin(guesses.begin(office()));
        assert!(next.as_mut().now_or_never().is_none(), "it waits");
        // Nineteen were wrong; the last one is right, and the next try gets its token.
        judged.drain(..19).for_each(drop);
        assert!(next.as_mut().now_or_never().is_none(), "one is still being checked");
        judged.pop().expect("the last").give_back();
        let next = next.await.expect("a try");
        let mut later = Box::pin(guesses.begin(office()));
        assert!(later.as_mut().now_or_never().is_none());
        drop(next);
        assert!(later.await.is_err(), "all were wrong");
    }

    #[test]
    fn a_try_takes_a_token_for_every_key_or_for_none() {
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
    fn waiting_tries_are_limited_and_leave_no_trace() {
        let guesses = guesses();
        let office = || network("203.0.113.7/32");
        let judged: Vec<_> = (0..20).map(|_| at_once(&guesses, office())).collect();
        let mut waiting: Vec<_> = (0..limits::passwords::WAITING_FOR_OUTCOMES)
            .map(|_| Box::pin(guesses.begin(office())))
            .collect();
        assert!(waiting.iter_mut().all(|try_| try_.as_mut().now_or_never().is_none()));
        assert!(at_once(&guesses, office()).expect("no free slot").is_err());
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
