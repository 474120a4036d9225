//! The delay after failed logins: a pure state machine.
//!
//! ```text
//!            fail (fewer than the threshold)
//!              ┌───┐
//!              │   ▼
//!   ────────▶ open ──fail (at the threshold)──▶ delayed ──time──▶ open, the count kept
//!              ▲                                                   │
//!              └──────────────── succeed, or a day goes by ────────┘   (the count starts anew)
//! ```
//!
//! While delayed nothing is tried, so that nothing fails either: an attempt is refused without a look at the password.
//!
//! No success clears the count of an address, which many users share. It fades instead: one failure is forgotten every so
//! often, so that an office does not end in a delay that never ends, while guessing on and on does not get past it.

use std::time::Duration;

use crate::domain::Timestamp;

/// How long after a failure, and the delay that it brought, the count starts anew.
const FORGOTTEN_AFTER_SECONDS: i64 = 86_400;

/// By how much the clocks of nodes may differ.
const CLOCKS_DIFFER_BY: Duration = Duration::from_secs(60);

/// From which failure there is a delay, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleRules {
    /// The number of consecutive failures from which there is one; at least 1.
    pub threshold: u32,
    /// Seconds of the first delay. Each further failure doubles it.
    pub initial_delay: u32,
    /// Seconds that the delay grows to at most.
    pub max_delay: u32,
    /// Seconds after which one failure is forgotten; None: they stay until a success, or until a day has gone by.
    pub fades_every: Option<u32>,
}

/// What is known of the failures of one user, or from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Consecutive failures, less those that have faded.
    pub count: i64,
    /// When the first of them was, or since when they fade.
    pub since: Timestamp,
    /// Until when there are no attempts.
    pub blocked_until: Timestamp,
    /// When all that is forgotten.
    pub expiration: Timestamp,
}

impl Throttle {
    /// Before the first failure.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self { count: 0, since: now, blocked_until: Timestamp::from_micros(0), expiration: now }
    }

    /// How long the delay still lasts; None while attempts are allowed. One that would last longer than it ever did was
    /// begun by a clock that was ahead: how much of it has passed is not known, and it ends. Clocks of nodes may differ a
    /// little.
    #[must_use]
    pub fn remaining(&self, rules: ThrottleRules, now: Timestamp) -> Option<Duration> {
        let whole = match delay(rules, self.count) {
            0 => rules.max_delay.into(),
            seconds => u64::try_from(seconds).unwrap_or(u64::MAX),
        };
        let (whole, remaining) = (Duration::from_secs(whole), self.blocked_until.since(now));
        let is_possible = !remaining.is_zero() && remaining <= whole.saturating_add(CLOCKS_DIFFER_BY);
        is_possible.then(|| remaining.min(whole))
    }

    /// What becomes of it by one more failure.
    #[must_use]
    pub fn after_failure(self, rules: ThrottleRules, now: Timestamp) -> Self {
        let start = if self.expiration <= now { Self::new(now) } else { self.faded(rules, now) };
        let count = start.count.saturating_add(1);
        let blocked_until = match delay(rules, count) {
            0 => start.blocked_until,
            seconds => now.plus_seconds(seconds),
        };
        let expiration = blocked_until.max(now).plus_seconds(FORGOTTEN_AFTER_SECONDS);
        Self { count, since: start.since, blocked_until, expiration }
    }

    /// The same without the failures that have faded by now.
    fn faded(self, rules: ThrottleRules, now: Timestamp) -> Self {
        let Some(period) = rules.fades_every.map(i64::from).filter(|period| *period > 0) else { return self };
        let passed = i64::try_from(now.since(self.since).as_secs()).unwrap_or(i64::MAX);
        let gone = passed.checked_div(period).unwrap_or(0);
        if gone >= self.count {
            return Self { count: 0, since: now, ..self };
        }
        let since = self.since.plus_seconds(gone.saturating_mul(period));
        Self { count: self.count.saturating_sub(gone), since, ..self }
    }
}

/// Seconds of the delay after so many failures.
fn delay(rules: ThrottleRules, count: i64) -> i64 {
    let Ok(doublings) = u32::try_from(count.saturating_sub(i64::from(rules.threshold))) else { return 0 };
    let grown = i64::from(rules.initial_delay).checked_shl(doublings.min(32)).unwrap_or(i64::MAX);
    grown.min(rules.max_delay.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: ThrottleRules =
        ThrottleRules { threshold: 5, initial_delay: 1, max_delay: 900, fades_every: None };
    const START: Timestamp = Timestamp::from_micros(1_772_020_800_000_000);

    #[test]
    fn from_the_fifth_failure_a_delay_doubles_from_a_second_to_a_quarter_of_an_hour() {
        let mut throttle = Throttle::new(START);
        let mut delays = Vec::new();
        for _ in 0..17 {
            throttle = throttle.after_failure(RULES, START);
            delays.push(throttle.remaining(RULES, START).map_or(0, |remaining| remaining.as_secs()));
        }
        assert_eq!(delays, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(throttle.since, START);
    }

    #[test]
    fn a_day_without_a_failure_is_a_new_start() {
        let mut throttle = Throttle::new(START);
        for _ in 0..50 {
            throttle = throttle.after_failure(RULES, START);
        }
        let almost = START.plus_seconds(900 + 86_399);
        assert_eq!(throttle.after_failure(RULES, almost).count, 51);
        let later = START.plus_seconds(900 + 86_400);
        let anew = throttle.after_failure(RULES, later);
        assert_eq!((anew.count, anew.since, anew.remaining(RULES, later)), (1, later, None));
    }

    #[test]
    fn a_clock_that_steps_back_does_not_lock_out_forever() {
        let mut throttle = Throttle::new(START);
        for _ in 0..20 {
            throttle = throttle.after_failure(RULES, START);
        }
        assert_eq!(throttle.remaining(RULES, START), Some(Duration::from_secs(900)));
        assert_eq!(throttle.remaining(RULES, START.plus_seconds(-60)), Some(Duration::from_secs(900)));
        for earlier in [START.plus_seconds(-61), START.plus_seconds(-3_600), START.plus_days(-30)] {
            assert_eq!(throttle.remaining(RULES, earlier), None);
            let again = throttle.after_failure(RULES, earlier);
            assert_eq!(again.remaining(RULES, earlier), Some(Duration::from_secs(900)));
        }
    }

    #[test]
    fn what_fades_ends_in_no_endless_delay() {
        let rules = ThrottleRules { threshold: 100, fades_every: Some(60), ..RULES };
        // An office of many people: one of them errs every two minutes, for a month.
        let (mut throttle, mut now) = (Throttle::new(START), START);
        for _ in 0..20_000 {
            assert_eq!(throttle.remaining(rules, now), None);
            throttle = throttle.after_failure(rules, now);
            now = now.plus_seconds(120);
        }
        assert_eq!(throttle.count, 1);
        // A hundred at once are too many, and are forgotten one after the other.
        for _ in 0..100 {
            throttle = throttle.after_failure(rules, now);
        }
        assert_eq!(throttle.remaining(rules, now), Some(Duration::from_secs(1)));
        now = now.plus_seconds(30 * 60);
        throttle = throttle.after_failure(rules, now);
        assert_eq!((throttle.count, throttle.remaining(rules, now)), (71, None));
    }

    #[test]
    fn who_guesses_on_and_on_gets_one_try_a_minute_in_the_long_run() {
        let rules = ThrottleRules { threshold: 100, fades_every: Some(60), ..RULES };
        let (mut throttle, mut now, mut tries, mut longest) = (Throttle::new(START), START, 0, 0);
        while now < START.plus_days(1) {
            throttle = throttle.after_failure(rules, now);
            tries += 1;
            let delay = throttle.remaining(rules, now).map_or(0, |left| left.as_secs());
            longest = longest.max(delay);
            now = now.plus_seconds(delay as i64);
        }
        assert!(tries < 100 + 1_440 + 20, "{tries}");
        assert!(longest <= 128, "{longest}");
    }

    proptest! {
        #[test]
        fn no_delay_is_longer_than_the_longest_and_none_ever_shrinks(
            threshold in 1u32..=100, initial in 1u32..=86_400, more in 0u32..=86_400, pauses in prop::collection::vec(0i64..2_000, 1..200)
        ) {
            let max_delay = initial.saturating_add(more).min(86_400);
            let rules = ThrottleRules { threshold, initial_delay: initial, max_delay, fades_every: None };
            let (mut throttle, mut now, mut last) = (Throttle::new(START), START, 0);
            for (failures, pause) in pauses.into_iter().enumerate() {
                now = now.plus_seconds(throttle.remaining(rules, now).map_or(pause, |left| left.as_secs() as i64));
                prop_assert!(throttle.remaining(rules, now).is_none(), "an attempt after the delay is allowed");
                throttle = throttle.after_failure(rules, now);
                let delay = throttle.remaining(rules, now).map_or(0, |left| left.as_secs());
                prop_assert!(delay <= u64::from(max_delay) && delay >= last);
                prop_assert_eq!(delay > 0, failures + 1 >= threshold as usize);
                last = delay;
            }
        }
    }
}
