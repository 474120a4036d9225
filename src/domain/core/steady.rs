//! A clock that never goes back, for what must not be undone by that: the end of a session, a delay, a link that was used.
//!
//! ```text
//!              set back by an hour
//!                      │
//! the system's  ───────┘   ┌───────────      ahead: how far this clock is before the system's
//!                          │
//! this one      ───────────────────────      set forward again: no longer ahead
//! ```
//!
//! What an elapsed time says that no setting of the clock changes tells how far the clock was set. While this clock is
//! ahead it runs a little slower than the system's, so that both meet again where it was the former time that was wrong.
//!
//! Each check of a session asks for the time, so what has elapsed is read only where the system's time is more than a second
//! from the latest that was told. A clock that was set back while nobody asked is therefore taken at its word if it happens to
//! show the very second after the latest that was told: until nobody asks for a second, or [`SteadyClock::check`] is called.
//! Also then no time is told that is before another.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::core::clock::{Clock, Timestamp};

/// By how much the system's clock may differ from what has elapsed without counting as having been set, in microseconds.
const TOLERANCE: i64 = 1_000_000;

/// While this clock is ahead, it runs slower by the inverse of this.
const CATCHING_UP: i64 = 50;

/// A clock that never goes back. It can be told of a later time that was seen before this process began.
#[derive(Debug)]
pub struct SteadyClock {
    system: Arc<dyn Clock>,
    is_steady: bool,
    /// The latest time that was told, in microseconds since 1970. That it only grows keeps the clock from going back, in
    /// whichever order threads see the rest.
    latest: AtomicI64,
    /// By how much it is ahead of the system's. Written by those who have the turn.
    ahead: AtomicI64,
    setting: Mutex<Setting>,
}

#[derive(Debug)]
struct Setting {
    /// The system's time, less what had elapsed, when the clock was last found to have been set.
    origin: i64,
    /// What had elapsed when `ahead` was last made less for it.
    caught_up: i64,
}

impl SteadyClock {
    /// One that follows this clock, and never goes back.
    #[must_use]
    pub fn on(system: Arc<dyn Clock>) -> Self {
        Self::new(system, true)
    }

    /// One that does whatever this clock does.
    #[must_use]
    pub fn like(system: Arc<dyn Clock>) -> Self {
        Self::new(system, false)
    }

    fn new(system: Arc<dyn Clock>, is_steady: bool) -> Self {
        let (now, elapsed) = (system.now().as_micros(), micros(system.elapsed()));
        Self {
            system,
            is_steady,
            latest: AtomicI64::new(now),
            ahead: AtomicI64::new(0),
            setting: Mutex::new(Setting { origin: now.saturating_sub(elapsed), caught_up: elapsed }),
        }
    }

    /// The time, which is never before one that was told.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let system = self.system.now();
        if !self.is_steady {
            return system;
        }
        let mut now = system.as_micros();
        let is_close = now.saturating_sub(self.latest.load(Relaxed)).saturating_abs() <= TOLERANCE;
        if !is_close || self.ahead.load(Relaxed) != 0 {
            now = self.follow();
        }
        Timestamp::from_micros(self.latest.fetch_max(now, Relaxed).max(now))
    }

    /// Looks whether the system's clock was set.
    pub fn check(&self) {
        if self.is_steady {
            self.follow();
        }
    }

    /// What the system's clock says: for what others compare with their own clocks.
    #[must_use]
    pub fn system_time(&self) -> Timestamp {
        self.system.now()
    }

    /// The latest time that was told.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        Timestamp::from_micros(self.latest.load(Relaxed))
    }

    /// By how much it is ahead of the system's.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.ahead.load(Relaxed)).unwrap_or(0))
    }

    /// It was this late already, wherever that was seen. Where clocks are but a moment apart, that is left as it is.
    pub fn raise(&self, seen: Timestamp) {
        if !self.is_steady {
            return;
        }
        self.follow();
        let _turn = self.turn();
        let ahead = self.ahead.load(Relaxed);
        let missing = seen.as_micros().saturating_sub(self.system.now().as_micros().saturating_add(ahead));
        if missing > TOLERANCE {
            self.ahead.store(ahead.saturating_add(missing), Relaxed);
            self.latest.fetch_max(seen.as_micros(), Relaxed);
        }
    }

    /// The time, where the system's clock may have been set, or this one has some catching up to do.
    #[cold]
    fn follow(&self) -> i64 {
        let mut setting = self.turn();
        let (system, elapsed) = (self.system.now().as_micros(), micros(self.system.elapsed()));
        let mut ahead = self.ahead.load(Relaxed);
        let was_ahead = ahead > 0;
        let origin = system.saturating_sub(elapsed);
        let forward = origin.saturating_sub(setting.origin);
        if forward.saturating_abs() > TOLERANCE {
            setting.origin = origin;
            ahead = ahead.saturating_sub(forward).max(0);
        }
        if was_ahead {
            let passed = elapsed.saturating_sub(setting.caught_up).max(0);
            ahead = ahead.saturating_sub(passed / CATCHING_UP).max(0);
        }
        setting.caught_up = elapsed;
        // What has elapsed was set back as well.
        let missing = self.latest.load(Relaxed).saturating_sub(system.saturating_add(ahead));
        if missing > TOLERANCE {
            ahead = ahead.saturating_add(missing);
        }
        self.ahead.store(ahead, Relaxed);
        system.saturating_add(ahead)
    }

    fn turn(&self) -> MutexGuard<'_, Setting> {
        self.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.now()
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;

    const START: Timestamp = Timestamp::from_micros(1_772_020_800_000_000);

    fn pair() -> (Arc<ManualClock>, SteadyClock) {
        let system = Arc::new(ManualClock::new(START));
        (Arc::clone(&system), SteadyClock::on(system))
    }

    /// Seconds after the start.
    fn seconds(clock: &SteadyClock) -> f64 {
        (clock.now().as_micros() - START.as_micros()) as f64 / 1e6
    }

    #[test]
    fn it_follows_the_system() {
        let (system, clock) = pair();
        for _ in 0..5 {
            system.advance_seconds(3_600);
            assert_eq!(clock.now(), system.now());
        }
        assert_eq!(clock.ahead(), Duration::ZERO);
    }

    #[test]
    fn set_back_it_goes_on_and_set_forward_again_it_is_as_before() {
        let (system, clock) = pair();
        // Nobody asked in the meantime.
        system.advance_seconds(600);
        system.advance_seconds(-3_600);
        assert_eq!(seconds(&clock), 600.0);
        system.advance_seconds(8);
        assert!((607.5..=608.0).contains(&seconds(&clock)), "{}", seconds(&clock));
        system.set_forward_seconds(3_600);
        assert_eq!(clock.now(), system.now());
        assert_eq!(clock.ahead(), Duration::ZERO);
    }

    #[test]
    fn it_never_goes_back_whatever_the_system_does() {
        let (system, clock) = pair();
        let mut last = clock.now();
        for step in [5, -1, -1, 7, -900, 3, -900, 86_400, -90_000, 1, 1, 600] {
            system.advance_seconds(step);
            let now = clock.now();
            assert!(now >= last && now >= system.now(), "{step}");
            last = now;
        }
    }

    #[test]
    fn a_setting_that_happens_to_follow_the_latest_time_is_noticed_in_the_end() {
        for is_checked in [true, false] {
            let (system, clock) = pair();
            // Nobody asked for an hour.
            system.advance_seconds(3_601);
            system.advance_seconds(-3_600);
            assert_eq!(seconds(&clock), 1.0);
            if is_checked {
                clock.check();
            } else {
                system.advance_seconds(2);
            }
            assert!(seconds(&clock) > 3_600.0, "{}", seconds(&clock));
        }
    }

    #[test]
    fn small_settings_add_up() {
        let (system, clock) = pair();
        for _ in 0..100 {
            system.set_forward_seconds(-1);
            system.advance_seconds(3);
            assert!(clock.now() >= system.now());
        }
        assert!(seconds(&clock) > 290.0, "{}", seconds(&clock));
    }

    #[test]
    fn what_has_elapsed_is_not_asked_in_the_usual_case() {
        #[derive(Debug)]
        struct Counting(ManualClock, AtomicI64);
        impl Clock for Counting {
            fn now(&self) -> Timestamp {
                self.0.now()
            }
            fn elapsed(&self) -> Duration {
                self.1.fetch_add(1, Relaxed);
                self.0.elapsed()
            }
        }
        let system = Arc::new(Counting(ManualClock::new(START), AtomicI64::new(0)));
        let clock = SteadyClock::on(Arc::clone(&system) as _);
        let before = system.1.load(Relaxed);
        for _ in 0..100 {
            system.0.advance_seconds(1);
            assert_eq!(clock.now(), system.now());
        }
        assert_eq!(system.1.load(Relaxed), before);
    }

    #[test]
    fn the_two_meet_again_in_the_end() {
        let (system, clock) = pair();
        system.advance_seconds(-3_600);
        for _ in 0..49 {
            assert!(clock.now() > system.now());
            system.advance_seconds(3_600);
        }
        system.advance_seconds(7_200);
        assert_eq!(clock.now(), system.now());
    }

    #[test]
    fn what_was_seen_elsewhere_counts() {
        let (system, clock) = pair();
        clock.raise(START.plus_seconds(-5));
        assert_eq!(clock.now(), START);
        clock.raise(START.plus_seconds(1));
        assert_eq!(clock.now(), START);
        clock.raise(START.plus_seconds(3_600));
        assert_eq!(seconds(&clock), 3_600.0);
        assert_eq!(clock.system_time(), START);
        system.advance_seconds(10);
        assert!(seconds(&clock) > 3_609.0);
        assert_eq!(clock.latest(), clock.now());
    }

    #[test]
    fn what_several_see_at_the_same_time_counts_once() {
        for _ in 0..200 {
            let (_, clock) = pair();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| clock.raise(START.plus_seconds(3_600)));
                }
            });
            assert_eq!(clock.ahead(), Duration::from_secs(3_600));
        }
    }

    #[test]
    fn one_that_is_not_steady_does_what_the_system_does() {
        let system = Arc::new(ManualClock::new(START));
        let clock = SteadyClock::like(Arc::clone(&system) as _);
        clock.raise(START.plus_days(1));
        for step in [60, -3_600, 5] {
            system.advance_seconds(step);
            assert_eq!(clock.now(), system.now());
        }
    }
}
