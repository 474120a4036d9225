//! Durations counted in a histogram, by atomics alone.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The upper bounds of the buckets but the last, which has none: microseconds, and the same as seconds in words.
pub const BOUNDS: [(u64, &str); 12] = [
    (200, "0.0002"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_000, "0.002"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1.0"),
    (5_000_000, "5.0"),
];

const BUCKETS: usize = BOUNDS.len() + 1;

/// How many durations there were, from a session check to the slowest hash.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many there were up to each bound, and how many in all.
    pub up_to: [u64; BUCKETS],
    /// How long they took together.
    pub sum: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: array::from_fn(|_| AtomicU64::new(0)), nanos: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one that took so long.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let number = BOUNDS.partition_point(|(micros, _)| micros.saturating_mul(1_000) < nanos);
        if let Some(bucket) = self.buckets.get(number) {
            bucket.fetch_add(1, Relaxed);
        }
        self.nanos.fetch_add(nanos, Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn now(&self) -> Distribution {
        let mut sum = 0;
        let up_to = self.buckets.each_ref().map(|bucket| {
            sum += bucket.load(Relaxed);
            sum
        });
        Distribution { up_to, sum: Duration::from_nanos(self.nanos.load(Relaxed)) }
    }
}

impl Distribution {
    /// How many there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        let [.., all] = self.up_to;
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_whose_bound_it_does_not_pass() {
        let histogram = Histogram::default();
        for micros in [0, 200, 201, 5_000_000, 5_000_001, 90_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let Distribution { up_to, sum } = histogram.now();
        assert_eq!(up_to, [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 6]);
        assert_eq!(sum, Duration::from_micros(100_000_402));
        assert_eq!(histogram.now().count(), 6);
    }

    #[test]
    fn the_words_of_the_bounds_are_their_values() {
        for (micros, seconds) in BOUNDS {
            assert_eq!(Duration::from_micros(micros), Duration::from_secs_f64(seconds.parse().unwrap()));
        }
    }
}
