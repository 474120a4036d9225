//! How much a transaction of an import writes: so much that others who write wait for it no longer than for themselves.

use std::time::Duration;

/// How long a transaction is to take. On SQLite one writes at a time: a login waits for as long.
const AIM: Duration = Duration::from_millis(35);

/// What is written first, before it is known how fast that is.
const FIRST: usize = 100;

/// The most rows of one transaction: a fast database gains nothing by more.
const MOST: usize = 8000;

/// How long a transaction may take, in rows. A user with all that is theirs is in one transaction, so a user with many
/// attributes may exceed it alone.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Pace {
    rows: usize,
}

impl Pace {
    pub(in crate::ops) const fn new() -> Self {
        Self { rows: FIRST }
    }

    /// How many of the next users, who make so many rows each, one transaction takes: one at least, if there are any.
    pub(in crate::ops) fn share(self, rows_of: impl Iterator<Item = usize>) -> usize {
        let mut sum = 0_usize;
        let fits = |rows: &usize| {
            sum = sum.saturating_add(*rows);
            sum <= self.rows
        };
        let mut rows_of = rows_of.peekable();
        let is_any = rows_of.peek().is_some();
        rows_of.take_while(fits).count().max(usize::from(is_any))
    }

    /// So many rows took so long: the next transaction is as large as fits the time, and at most twice as large.
    pub(in crate::ops) fn took(&mut self, rows: usize, time: Duration) {
        let micros = time.as_micros().max(1);
        let fitting = u128::try_from(rows).unwrap_or(u128::MAX).saturating_mul(AIM.as_micros()) / micros;
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        // A small transaction at the end of a batch says little of a large one.
        if fitting < self.rows || rows * 2 > self.rows {
            self.rows = fitting.clamp(1, self.rows.saturating_mul(2).min(MOST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_takes_what_fits_and_one_user_at_least() {
        let pace = Pace { rows: 10 };
        assert_eq!(pace.share([3, 3, 3, 3].into_iter()), 3);
        assert_eq!(pace.share([5, 5, 1].into_iter()), 2);
        assert_eq!(pace.share([5000, 1].into_iter()), 1);
        assert_eq!(pace.share([2].into_iter()), 1);
        assert_eq!(pace.share(std::iter::empty()), 0);
    }

    #[test]
    fn the_pace_follows_the_database() {
        let mut pace = Pace::new();
        // A hundred rows a millisecond.
        for _ in 0..10 {
            pace.took(pace.rows, Duration::from_micros(pace.rows as u64 * 10));
        }
        assert_eq!(pace.rows, 3500);
        // It becomes fifty times slower, and the next transaction is short again.
        pace.took(3500, Duration::from_millis(1750));
        assert_eq!(pace.rows, 70);
        pace.took(3, Duration::from_micros(1));
        assert_eq!(pace.rows, 70);
        pace.took(70, Duration::ZERO);
        assert_eq!(pace.rows, 140);
        for _ in 0..20 {
            pace.took(pace.rows, Duration::ZERO);
        }
        assert_eq!(pace.rows, MOST);
        pace.took(1, Duration::from_secs(1000));
        assert_eq!(pace.rows, 1);
    }
}
