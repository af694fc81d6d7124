//! Rate limits for wrong passwords, by account, network and device. Right passwords do not count.
//!
//! A try takes its tokens before the password is checked, so that a thousand parallel tries are not a
//! thousand guesses; if it was right, it returns them. A try that finds no token while others are being
//! checked waits for their outcome: sixty users behind one address who all know their passwords can all
//! sign in at the same time. It learns of outcomes in this process only; the tokens are those of all processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::Notify;

use super::model::CredentialHash;
use crate::attempts::Attempts;
use crate::attempts::model::{Bucket, Refusal, TakeError};
use crate::config::Switch;
use crate::kernel::{Clock, ServiceError, TokenBuckets, UserId};
use crate::limits;

/// What wrong passwords are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Device(CredentialHash),
    Network(IpNet),
    /// A hash of the typed name, even if no user has it.
    Account(CredentialHash),
}

impl Key {
    fn bucket(&self) -> Bucket {
        match self {
            Self::Device(device) => {
                let rate = limits::device::WRONG_PASSWORDS;
                Bucket::new("wrong password, device", device.to_hex(), rate)
            }
            Self::Network(network) => {
                let rate = limits::address::WRONG_PASSWORDS;
                let rate = limits::network(rate, network.prefix_len());
                Bucket::new("wrong password, network", network, rate)
            }
            Self::Account(account) => {
                let rate = limits::user::WRONG_PASSWORDS;
                Bucket::new("wrong password, account", account.to_hex(), rate)
            }
        }
    }
}

#[derive(Clone)]
pub(super) struct PasswordGuesses(Option<Arc<Inner>>);

struct Inner {
    clock: Clock,
    wrong: Attempts,
    counts: Mutex<Counts>,
    /// Notified when a try was checked, so that waiting tries look again.
    judged: Notify,
}

#[derive(Default)]
struct Counts {
    /// Tries of this process that took tokens and were not checked yet.
    judging: HashMap<Key, usize>,
    /// Number of tries that wait for the outcome of others.
    waiting: usize,
    /// Sign-ins with the right password.
    right: TokenBuckets<UserId>,
}

impl PasswordGuesses {
    pub fn new(switch: Switch, clock: Clock, wrong: Attempts) -> Self {
        let counts = Mutex::default();
        let judged = Notify::default();
        Self((switch == Switch::On).then(|| Arc::new(Inner { clock, wrong, counts, judged })))
    }

    /// Takes a token for each key, or none at all.
    ///
    /// # Errors
    /// How long to wait.
    pub async fn begin(&self, keys: Vec<Key>) -> Result<Attempt, TakeError> {
        let Some(inner) = &self.0 else { return Ok(Attempt { counted: None, keys }) };
        let buckets: Vec<Bucket> = keys.iter().map(Key::bucket).collect();
        let mut waiting_slot = None;
        loop {
            let before = inner.judging(&keys);
            match inner.wrong.take(&buckets).await {
                Ok(()) => return Ok(Attempt::new(inner, keys)),
                Err(TakeError::Refused(refusal)) => {
                    inner.until_judged(&keys, before, refusal, &mut waiting_slot).await?;
                }
                Err(error) => return Err(error),
            }
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
            inner.wrong.prune();
            inner.counts().right.prune(inner.clock.now());
        }
    }
}

impl Inner {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many tries with each of these keys are being checked.
    fn judging(&self, keys: &[Key]) -> Vec<usize> {
        let counts = self.counts();
        keys.iter().map(|key| counts.judging.get(key).copied().unwrap_or_default()).collect()
    }

    /// Waits until fewer tries than `before` are being checked of a key that has no token: one may have been returned.
    ///
    /// # Errors
    /// The refusal, if one of these keys is not being checked, or too many tries wait.
    async fn until_judged(
        self: &Arc<Self>,
        keys: &[Key],
        mut before: Vec<usize>,
        refusal: Refusal,
        waiting_slot: &mut Option<WaitingSlot>,
    ) -> Result<(), TakeError> {
        loop {
            // Created before the numbers are read, so that no outcome in between is missed.
            let judged = self.judged.notified();
            let now = self.judging(keys);
            let numbers = before.iter().zip(&now).zip(refusal.waits());
            let empty: Vec<_> =
                numbers.filter(|(_, wait)| !wait.is_zero()).map(|(numbers, _)| numbers).collect();
            if empty.iter().any(|(before, now)| now < before) {
                return Ok(());
            }
            if empty.iter().any(|(_, now)| **now == 0) {
                return Err(TakeError::Refused(refusal));
            }
            if waiting_slot.is_none() {
                *waiting_slot = WaitingSlot::acquire(self);
            }
            if waiting_slot.is_none() {
                return Err(TakeError::Refused(refusal));
            }
            before = now;
            judged.await;
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
    fn new(inner: &Arc<Inner>, keys: Vec<Key>) -> Self {
        let mut counts = inner.counts();
        for key in &keys {
            *counts.judging.entry(key.clone()).or_default() += 1;
        }
        drop(counts);
        Self { counted: Some(Arc::clone(inner)), keys }
    }

    /// Returns the tokens: the password was right, or was not checked.
    pub async fn give_back(self) -> Result<(), ServiceError> {
        let Some(inner) = &self.counted else { return Ok(()) };
        let buckets: Vec<Bucket> = self.keys.iter().map(Key::bucket).collect();
        inner.wrong.give_back(&buckets).await
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
        switched(Switch::On)
    }

    fn switched(switch: Switch) -> PasswordGuesses {
        let clock = Clock::from_fn(|| Timestamp(0));
        PasswordGuesses::new(switch, clock.clone(), Attempts::in_memory(clock))
    }

    fn network(text: &str) -> Vec<Key> {
        vec![Key::Network(text.parse().expect("a network"))]
    }

    /// The result of a try that does not wait; `None` if it waits.
    fn at_once(guesses: &PasswordGuesses, keys: Vec<Key>) -> Option<Result<Attempt, TakeError>> {
        guesses.begin(keys).now_or_never()
    }

    fn give_back(attempt: Attempt) {
        attempt.give_back().now_or_never().expect("no waiting").expect("given back");
    }

    #[test]
    fn only_wrong_passwords_use_up_tokens() {
        let guesses = guesses();
        let office = || network("203.0.113.7/32");
        for _ in 0..500 {
            give_back(at_once(&guesses, office()).expect("no waiting").expect("a try"));
        }
        for _ in 0..20 {
            drop(at_once(&guesses, office()).expect("no waiting").expect("a try"));
        }
        let refused = at_once(&guesses, office()).expect("no waiting").err();
        let Some(TakeError::Refused(refusal)) = refused else { panic!("no refusal") };
        assert_eq!(refusal.wait(), Duration::from_secs(15));
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
        give_back(judged.pop().expect("the last"));
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
        let guesses = switched(Switch::Off);
        for _ in 0..100 {
            drop(at_once(&guesses, network("203.0.113.7/32")).expect("no waiting").expect("a try"));
            assert!(guesses.right(UserId(1)).is_ok());
        }
    }
}
