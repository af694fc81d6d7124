//! A histogram of durations in nanoseconds with a precision of 1/32, fast enough for a million values per
//! second.

/// Buckets for each power of two.
const STEPS: usize = 32;
const BITS: u32 = STEPS.trailing_zeros();

#[derive(Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; 64 * STEPS], count: 0, largest: 0 }
    }
}

impl Histogram {
    pub fn add(&mut self, nanoseconds: u64) {
        self.buckets[bucket(nanoseconds)] += 1;
        self.count += 1;
        self.largest = self.largest.max(nanoseconds);
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.largest = self.largest.max(other.largest);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The quantile (0 to 1) in milliseconds; 0 if empty.
    pub fn milliseconds(&self, share: f64) -> f64 {
        let mut left = (self.count as f64 * share).ceil().max(1.0);
        for (index, count) in self.buckets.iter().enumerate() {
            left -= *count as f64;
            if left <= 0.0 {
                return upper_end(index).min(self.largest) as f64 / 1e6;
            }
        }
        0.0
    }

    /// The values that every report shows.
    pub fn report(&self) -> serde_json::Value {
        serde_json::json!({
            "count": self.count,
            "p50": self.milliseconds(0.5),
            "p99": self.milliseconds(0.99),
            "max": self.largest as f64 / 1e6,
        })
    }
}

/// The first [`STEPS`] values have one bucket each. Above, the highest bits select it.
fn bucket(value: u64) -> usize {
    let shift = value.checked_ilog2().unwrap_or(0).saturating_sub(BITS);
    let high = usize::try_from(value >> shift).unwrap_or(usize::MAX);
    shift as usize * STEPS + high
}

/// The largest value of a bucket.
fn upper_end(index: usize) -> u64 {
    let shift = (index / STEPS).saturating_sub(1);
    let high = (index - shift * STEPS) as u64;
    ((high + 1) << shift).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_contains_its_values_and_is_narrow() {
        for value in (0..2_000).chain([1 << 20, (1 << 40) + 12_345, u64::MAX / 3]) {
            let top = upper_end(bucket(value));
            assert!(top >= value, "{value} is below the end of its bucket, {top}");
            assert!(top - value <= value / STEPS as u64, "{value} stands for {top} at most");
        }
    }

    #[test]
    fn every_duration_has_a_bucket() {
        assert!(bucket(u64::MAX) < Histogram::default().buckets.len());
        assert_eq!(upper_end(bucket(u64::MAX)), u64::MAX);
    }

    #[test]
    fn percentiles_match_the_values() {
        let mut histogram = Histogram::default();
        for millisecond in 1..=100_u64 {
            histogram.add(millisecond * 1_000_000);
        }
        assert!((histogram.milliseconds(0.5) - 50.0).abs() < 50.0 / 32.0);
        assert!((histogram.milliseconds(0.99) - 99.0).abs() < 99.0 / 32.0);
        assert!((histogram.milliseconds(1.0) - 100.0).abs() < f64::EPSILON);
        assert!(Histogram::default().milliseconds(0.5).abs() < f64::EPSILON);
    }
}
