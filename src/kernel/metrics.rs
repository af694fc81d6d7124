//! Counters, gauges and histograms for `/metrics`. An update is one or two atomic additions. Clones share the
//! same values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
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

/// A number that grows and shrinks.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    pub fn increase(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// Decreases the value, by at most what it was increased: it would wrap around below zero.
    pub fn decrease(&self, less: usize) {
        self.0.fetch_sub(less as u64, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The distribution of values over buckets.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    /// The largest value of each bucket but the last, ascending.
    limits: &'static [u64],
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    /// `limits` are the largest values of the buckets, ascending. One more bucket holds all larger values.
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

    /// Returns how many values were at most each limit; `None` is the limit of the last bucket.
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
    fn buckets_are_cumulative() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [1, 2, 10, 11] {
            histogram.observe(value);
        }
        assert_eq!(histogram.cumulative(), [(Some(1), 1), (Some(10), 3), (None, 4)]);
        assert_eq!(histogram.sum(), 24);
    }
}
