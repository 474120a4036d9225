//! Counters of operations and emails: atomics, each in a place of its own, so that counting neither waits nor allocates.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::domain::{Distribution, Error, Histogram, Operation};

const OPERATIONS: usize = Operation::ALL.len();

/// What became of an operation, in the order of the counters.
pub(in crate::ops) const OUTCOMES: [&str; 7] =
    ["ok", "refused", "rate_limited", "overloaded", "unavailable", "error", "abandoned"];

/// The outcome of those whose caller has gone away.
const ABANDONED: usize = OUTCOMES.len() - 1;

/// What became of an attempt to send an email, in the order of the counters.
pub(in crate::ops) const EMAIL_OUTCOMES: [&str; 4] = ["sent", "deferred", "given_up", "no_way"];

/// What became of an attempt to send an email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum EmailOutcome {
    Sent,
    Deferred,
    GivenUp,
    NoWay,
}

/// The counters.
#[derive(Debug)]
pub(in crate::ops) struct Counters {
    /// What the cache alone has answered. Here and not behind a pointer: nothing else is counted on the fast path.
    cached: [AtomicU64; OPERATIONS],
    operations: Box<[Counted]>,
    emails: [AtomicU64; EMAIL_OUTCOMES.len()],
    pub throttle_failures: AtomicU64,
    pub throttle_refusals: AtomicU64,
    pub rate_limit_refusals: AtomicU64,
}

/// What is counted of one operation.
#[derive(Debug, Default)]
struct Counted {
    outcomes: [AtomicU64; OUTCOMES.len()],
    durations: Histogram,
}

/// An operation, and what was counted of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct OperationCount {
    pub operation: Operation,
    /// In the order of [`OUTCOMES`]; what the cache alone has answered is among the successes.
    pub outcomes: [u64; OUTCOMES.len()],
    pub cached: u64,
    pub durations: Distribution,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            cached: array::from_fn(|_| AtomicU64::new(0)),
            operations: Operation::ALL.iter().map(|_| Counted::default()).collect(),
            emails: array::from_fn(|_| AtomicU64::new(0)),
            throttle_failures: AtomicU64::new(0),
            throttle_refusals: AtomicU64::new(0),
            rate_limit_refusals: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// The cache alone has answered.
    #[inline]
    pub fn cached(&self, operation: Operation) {
        if let Some(count) = self.cached.get(operation.index()) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// How often the cache alone has answered, whatever was asked.
    pub fn cached_answers(&self) -> u64 {
        self.cached.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// An operation begins. Should what this returns be dropped before it is told the end, its caller has gone away.
    pub fn began(&self, operation: Operation) -> UnderWay<'_> {
        UnderWay {
            counted: self.operations.get(operation.index()),
            start: Instant::now(),
            outcome: ABANDONED,
        }
    }

    /// An attempt to send an email has ended.
    pub fn email(&self, outcome: EmailOutcome) {
        if let Some(count) = self.emails.get(outcome as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// The operations that were called so far.
    pub fn operations(&self) -> impl Iterator<Item = OperationCount> {
        let all = Operation::ALL.iter().zip(&self.cached).zip(&self.operations);
        all.filter_map(|((operation, cached), counted)| {
            let cached = cached.load(Relaxed);
            let mut outcomes = counted.outcomes.each_ref().map(|count| count.load(Relaxed));
            let [successes, ..] = &mut outcomes;
            *successes += cached;
            let is_known = outcomes.iter().any(|count| *count > 0);
            let durations = counted.durations.now();
            is_known.then_some(OperationCount { operation: *operation, outcomes, cached, durations })
        })
    }

    /// What became of emails, in the order of [`EMAIL_OUTCOMES`].
    pub fn emails(&self) -> [u64; EMAIL_OUTCOMES.len()] {
        self.emails.each_ref().map(|count| count.load(Relaxed))
    }
}

/// An operation that is under way.
#[derive(Debug)]
pub(in crate::ops) struct UnderWay<'a> {
    counted: Option<&'a Counted>,
    start: Instant,
    outcome: usize,
}

impl UnderWay<'_> {
    /// It has ended.
    pub fn ended(mut self, error: Option<&Error>) {
        self.outcome = match error {
            None => 0,
            Some(Error::Refused { .. }) => 1,
            Some(Error::RateLimited { .. }) => 2,
            Some(Error::Overloaded(_)) => 3,
            Some(Error::Unavailable(_)) => 4,
            Some(Error::Internal(_)) => 5,
        };
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Some(counted) = self.counted else { return };
        if let Some(count) = counted.outcomes.get(self.outcome) {
            count.fetch_add(1, Relaxed);
        }
        counted.durations.observe(self.start.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Code;

    #[test]
    fn each_outcome_has_its_counter() {
        let counters = Counters::default();
        let errors = [
            None,
            Some(Error::from(Code::AuthNotAllowed)),
            Some(Error::RateLimited { retry_after: Duration::ZERO }),
            Some(Error::Overloaded("full")),
            Some(Error::unavailable("away")),
            Some(Error::internal("broken")),
        ];
        for error in &errors {
            counters.began(Operation::UserLogin).ended(error.as_ref());
        }
        drop(counters.began(Operation::UserLogin));
        counters.cached(Operation::SessionVerify);
        let counted: Vec<OperationCount> = counters.operations().collect();
        let [login, verify] = counted.as_slice() else { panic!("{counted:?}") };
        assert_eq!((login.operation, login.outcomes, login.cached), (Operation::UserLogin, [1; 7], 0));
        assert_eq!(login.durations.count(), 7);
        assert_eq!((verify.operation, verify.outcomes[0], verify.cached), (Operation::SessionVerify, 1, 1));
        assert_eq!(verify.durations.count(), 0);
        counters.email(EmailOutcome::NoWay);
        assert_eq!(counters.emails(), [0, 0, 0, 1]);
    }
}
