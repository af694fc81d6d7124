//! Token buckets, the algorithm behind every rate limit. A bucket is stored as one number, the time at which
//! it will be full again (the generic cell rate algorithm), so full buckets need not be stored.
//!
//! Unlike in existing crates, a token can be given back, the caller passes the time, and memory is bounded
//! even if attackers invent keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use super::Timestamp;
use crate::limits::Rate;

/// How many buckets are kept that are not full. If there are more, the emptiest ones stay: a client close to
/// its limit cannot reset its bucket by making the server create many others.
const MAX_KEYS: usize = 65_536;

/// One bucket. A new bucket is full.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    full_at: Timestamp,
}

impl Default for TokenBucket {
    fn default() -> Self {
        Self { full_at: Timestamp(i64::MIN) }
    }
}

impl TokenBucket {
    /// Takes a token.
    ///
    /// # Errors
    /// The time until the next token.
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let wait = self.wait(rate, now);
        self.full_at = self.clamped(rate, now);
        if wait.is_zero() {
            self.full_at = self.full_at.plus(rate.every);
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// Returns the time until there is a token; zero if there is one. There is one if the bucket is full again
    /// within the time that all tokens but one take.
    pub fn wait(&self, rate: Rate, now: Timestamp) -> Duration {
        let slack = rate.every * rate.burst.saturating_sub(1);
        now.until(self.clamped(rate, now)).saturating_sub(slack)
    }

    /// Returns a taken token.
    pub fn give_back(&mut self, rate: Rate) {
        self.full_at = self.full_at.minus(rate.every);
    }

    fn is_full(self, now: Timestamp) -> bool {
        self.full_at <= now
    }

    /// Limits the time to one whole bucket, so that a clock that was set back blocks no longer than that.
    fn clamped(self, rate: Rate, now: Timestamp) -> Timestamp {
        self.full_at.clamp(now, now.plus(rate.every * rate.burst))
    }
}

/// Buckets by key.
#[derive(Debug)]
pub struct TokenBuckets<K> {
    buckets: HashMap<K, TokenBucket>,
    max_keys: usize,
}

impl<K> Default for TokenBuckets<K> {
    fn default() -> Self {
        Self { buckets: HashMap::new(), max_keys: MAX_KEYS }
    }
}

impl<K: Eq + Hash + Clone> TokenBuckets<K> {
    /// Takes a token.
    ///
    /// # Errors
    /// The time until the next token.
    pub fn take(&mut self, key: &K, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let mut bucket = self.bucket(key);
        let taken = bucket.take(rate, now);
        if self.buckets.len() >= self.max_keys {
            self.make_room(now);
        }
        self.buckets.insert(key.clone(), bucket);
        taken
    }

    /// Returns the time until there is a token; zero if there is one.
    pub fn wait(&self, key: &K, rate: Rate, now: Timestamp) -> Duration {
        self.bucket(key).wait(rate, now)
    }

    /// Returns a taken token.
    pub fn give_back(&mut self, key: &K, rate: Rate) {
        if let Some(bucket) = self.buckets.get_mut(key) {
            bucket.give_back(rate);
        }
    }

    /// Drops full buckets.
    pub fn prune(&mut self, now: Timestamp) {
        self.buckets.retain(|_, bucket| !bucket.is_full(now));
        self.buckets.shrink_to_fit();
    }

    fn bucket(&self, key: &K) -> TokenBucket {
        self.buckets.get(key).copied().unwrap_or_default()
    }

    /// Drops full buckets, and if more than half are left, the fuller half of them.
    fn make_room(&mut self, now: Timestamp) {
        self.buckets.retain(|_, bucket| !bucket.is_full(now));
        if self.buckets.len() < self.max_keys / 2 {
            return;
        }
        let mut times: Vec<_> = self.buckets.values().map(|bucket| bucket.full_at).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.buckets.retain(|_, bucket| bucket.full_at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 200, every: Duration::from_millis(20) };

    fn taken(buckets: &mut TokenBuckets<u32>, key: u32, tries: usize, now: i64) -> usize {
        (0..tries).filter(|_| buckets.take(&key, RATE, Timestamp(now)).is_ok()).count()
    }

    #[test]
    fn a_burst_passes_immediately_and_then_one_per_interval() {
        let mut buckets = TokenBuckets::default();
        assert_eq!(taken(&mut buckets, 1, 300, 0), 200);
        assert_eq!(taken(&mut buckets, 2, 300, 0), 200, "each key has a bucket");
        let wait = buckets.take(&1, RATE, Timestamp(5));
        assert_eq!(wait, Err(Duration::from_millis(15)));
        assert_eq!(taken(&mut buckets, 1, 100, 19), 0);
        assert_eq!(taken(&mut buckets, 1, 100, 1_000), 50);
        assert_eq!(taken(&mut buckets, 1, 300, 1_000_000), 200);
        // A clock that is set back empties at most one whole bucket and adds no tokens.
        assert_eq!(taken(&mut buckets, 1, 10, 0), 0);
        assert_eq!(taken(&mut buckets, 1, 300, 4_000), 200, "nor for longer than that");
    }

    #[test]
    fn no_more_tokens_can_be_returned_than_were_taken() {
        let mut buckets = TokenBuckets::default();
        assert_eq!(taken(&mut buckets, 1, 201, 0), 200);
        for _ in 0..3 {
            buckets.give_back(&1, RATE);
        }
        assert_eq!(taken(&mut buckets, 1, 10, 0), 3);
        for _ in 0..1_000 {
            buckets.give_back(&1, RATE);
        }
        assert_eq!(taken(&mut buckets, 1, 300, 0), 200);
    }

    #[test]
    fn memory_is_bounded_and_the_emptiest_buckets_stay() {
        let mut buckets = TokenBuckets { max_keys: 100, ..TokenBuckets::default() };
        assert_eq!(taken(&mut buckets, 0, 200, 0), 200);
        for key in 1..10_000 {
            assert_eq!(taken(&mut buckets, key, 1, 0), 1);
            assert!(buckets.buckets.len() <= 100);
        }
        assert_eq!(taken(&mut buckets, 0, 1, 0), 0, "it was not forgotten");
        buckets.prune(Timestamp(20));
        assert_eq!(buckets.buckets.len(), 1);
    }
}
