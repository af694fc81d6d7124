//! Numbers for whoever watches the server: counts, levels, and how values are spread. Noting one is
//! an atomic addition or two; clones are the same number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often something happened.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How much there is just now.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    pub fn increase(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// By no more than it was raised.
    pub fn decrease(&self, less: usize) {
        self.0.fetch_sub(less as u64, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How values are spread over a few sizes.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    /// The largest value of each but the last, ascending.
    limits: &'static [u64],
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    /// `limits` are the largest values of the buckets, ascending; what is above them all has one too.
    pub fn new(limits: &'static [u64]) -> Self {
        let counts = (0..=limits.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Buckets { limits, counts, sum: AtomicU64::new(0) }))
    }

    pub fn observe(&self, value: u64) {
        let Buckets { limits, counts, sum } = &*self.0;
        let bucket = limits.partition_point(|limit| *limit < value);
        if let Some(count) = counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        sum.fetch_add(value, Ordering::Relaxed);
    }

    /// For each limit, and for `None` at the end: how many values were not above it.
    pub fn cumulative(&self) -> Vec<(Option<u64>, u64)> {
        let limits = self.0.limits.iter().copied().map(Some).chain([None]);
        let mut total = 0;
        let counts = self.0.counts.iter().map(|count| {
            total += count.load(Ordering::Relaxed);
            total
        });
        limits.zip(counts).collect()
    }

    pub fn sum(&self) -> u64 {
        self.0.sum.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_for_every_limit_that_it_is_not_above() {
        let spread = Histogram::new(&[1, 10]);
        for value in [1, 2, 10, 11] {
            spread.observe(value);
        }
        assert_eq!(spread.cumulative(), [(Some(1), 1), (Some(10), 3), (None, 4)]);
        assert_eq!(spread.sum(), 24);
    }
}
