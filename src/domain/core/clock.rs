//! Time: a UTC instant in microseconds, and where it comes from.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A UTC instant with microsecond precision, as databases keep it: microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 9999-12-31T00:00:00: the expiry of what does not expire.
    pub const NEVER: Self = Self(253_402_214_400 * MICROS_PER_SECOND);

    /// From microseconds since 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970; zero before it.
    #[must_use]
    pub fn as_unix_seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(MICROS_PER_SECOND)).unwrap_or(0)
    }

    /// This instant moved by so many seconds (backwards when negative), never past [`Self::NEVER`].
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let moved = self.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND));
        Self(moved.min(Self::NEVER.0))
    }

    /// This instant moved by so many minutes.
    #[must_use]
    pub fn plus_minutes(self, minutes: i64) -> Self {
        self.plus_seconds(minutes.saturating_mul(60))
    }

    /// This instant moved by so many hours.
    #[must_use]
    pub fn plus_hours(self, hours: i64) -> Self {
        self.plus_seconds(hours.saturating_mul(3_600))
    }

    /// This instant moved by so many days.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(86_400))
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Date and time in UTC, without an offset.
    #[must_use]
    pub fn to_naive(self) -> NaiveDateTime {
        DateTime::from_timestamp_micros(self.0).map_or(NaiveDateTime::MAX, |time| time.naive_utc())
    }

    /// As it stands in the headers of mails (RFC 2822, section 3.3), in UTC.
    #[must_use]
    pub fn to_rfc_2822(self) -> String {
        self.to_naive().format("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// From a date and time in UTC.
    #[must_use]
    pub fn from_naive(time: NaiveDateTime) -> Self {
        Self(time.and_utc().timestamp_micros())
    }

    /// Reads ISO 8601 and what databases write in its place: `2026-02-25T15:51:52.081767`, with or without seconds and
    /// fraction, `T` or a space between date and time, an optional offset (`Z`, `UTC`, `+01`, `+0100`, `+01:00`, which is
    /// applied), or a date alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return date.and_hms_opt(0, 0, 0).map(Self::from_naive);
        }
        let (local, offset) = split_offset(text)?;
        let time = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(local, format).ok())?;
        time.checked_sub_signed(offset).map(Self::from_naive)
    }
}

/// Splits a time from its offset from UTC, which is zero where there is none.
fn split_offset(text: &str) -> Option<(&str, TimeDelta)> {
    /// How long a date is, which has hyphens too.
    const DATE: usize = 10;
    for utc in ["Z", "z", "UTC", "GMT"] {
        if let Some(local) = text.strip_suffix(utc) {
            return Some((local.trim_end(), TimeDelta::zero()));
        }
    }
    let time = text.get(DATE..)?;
    let Some(at) = time.find(['+', '-']) else { return Some((text, TimeDelta::zero())) };
    let (local, offset) = text.split_at_checked(DATE + at)?;
    let (sign, digits) = offset.split_at_checked(1)?;
    let numbers: Vec<&str> = match digits.split(':').collect::<Vec<_>>().as_slice() {
        [together] if together.len() == 4 => {
            let (hours, minutes) = together.split_at_checked(2)?;
            vec![hours, minutes]
        }
        parts if parts.len() <= 3 => parts.to_vec(),
        _ => return None,
    };
    let mut seconds = 0;
    for (number, (unit, limit)) in numbers.iter().zip([(3600, 24), (60, 60), (1, 60)]) {
        let is_number = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse::<i64>().ok().filter(|number| is_number && *number < limit)?;
        seconds += number * unit;
    }
    Some((local.trim_end(), TimeDelta::seconds(if sign == "-" { -seconds } else { seconds })))
}

/// As Python's `datetime.isoformat()` writes it: no offset, no fraction when it is zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.to_naive();
        if self.0.rem_euclid(MICROS_PER_SECOND) == 0 {
            write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S"))
        } else {
            write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6f"))
        }
    }
}

/// Where the current time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// What has elapsed since some moment, whatever the clock was set to since.
    fn elapsed(&self) -> Duration;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since_epoch.map_or(0, |elapsed| elapsed.as_micros());
        Timestamp(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that stands still until it is moved, for tests.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    elapsed: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub const fn new(start: Timestamp) -> Self {
        Self { now: AtomicI64::new(start.0), elapsed: AtomicI64::new(0) }
    }

    /// Lets so much time pass, or sets the clock back when negative.
    pub fn advance_seconds(&self, seconds: i64) {
        let micros = seconds.saturating_mul(MICROS_PER_SECOND);
        self.now.fetch_add(micros, Ordering::SeqCst);
        self.elapsed.fetch_add(micros.max(0), Ordering::SeqCst);
    }

    /// Sets the clock forward, in no time.
    pub fn set_forward_seconds(&self, seconds: i64) {
        self.now.fetch_add(seconds.saturating_mul(MICROS_PER_SECOND), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.elapsed.load(Ordering::SeqCst).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_mails_have_it() {
        assert_eq!(
            Timestamp::from_micros(1_390_560_034_900_000).to_rfc_2822(),
            "Fri, 24 Jan 2014 10:40:34 +0000"
        );
    }

    #[test]
    fn is_written_as_python_writes_it() {
        let whole = Timestamp::from_micros(1_772_034_712_000_000);
        assert_eq!(whole.to_string(), "2026-02-25T15:51:52");
        let fraction = Timestamp::from_micros(1_772_034_712_081_767);
        assert_eq!(fraction.to_string(), "2026-02-25T15:51:52.081767");
        assert_eq!(Timestamp::NEVER.to_string(), "9999-12-31T00:00:00");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for micros in [0, 1, 999_999, 1_772_034_712_081_767, Timestamp::NEVER.0] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn reads_offsets_and_bare_dates_and_refuses_the_rest() {
        let midnight = Timestamp::parse("2026-02-25").unwrap();
        assert_eq!(Timestamp::parse("2026-02-25T02:00:00+02:00"), Some(midnight));
        assert_eq!(Timestamp::parse("2026-02-25 00:00:00"), Some(midnight));
        for text in ["", "now", "2026-13-01", "2026-02-25T25:00:00", "1772034712"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    /// As PostgreSQL, MySQL, SQLite, Ruby, Go and PHP write it.
    #[test]
    fn reads_what_databases_write() {
        let noon = Timestamp::parse("2026-11-27T12:00:00").unwrap();
        for text in [
            "2026-11-27 12:00:00+00",
            "2026-11-27 12:00:00.000000+00",
            "2026-11-27 12:00:00-00",
            "2026-11-27 13:00:00+01",
            "2026-11-27 17:30:00+0530",
            "2026-11-27T17:30:00+05:30",
            "2026-11-27 12:19:32+00:19:32",
            "2026-11-27T08:30:00.0-0330",
            "2026-11-27T08:30-03:30",
            "2026-11-27 12:00",
            "2026-11-27T12:00Z",
            "2026-11-27T12:00:00.000z",
            "2026-11-27 12:00:00 UTC",
            "2026-11-27 12:00:00 +0000",
            "2026-11-27 12:00:00 +00:00",
            "2026-11-28 12:00:00+24:00",
        ] {
            let expected = (!text.contains("24:00")).then_some(noon);
            assert_eq!(Timestamp::parse(text), expected, "{text}");
        }
        assert_eq!(Timestamp::parse("2026-11-27 12:00:00.25+00").unwrap().as_micros() % 1_000_000, 250_000);
        for text in [
            "2026-11-27 12",
            "2026-11-27 12:00:00+1",
            "2026-11-27 12:00:00+001",
            "2026-11-27 12:00:00+01:",
            "2026-11-27 12:00:00+01:60",
            "2026-11-27 12:00:00+aa",
            "2026-11-27 12:00:00+01+01",
            "2026-11-27 12:00:00+\u{e9}",
            "2026-11-27 12:00:00 CEST",
            "2026-11-27+01",
            "2026-11-27Z",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_stops_at_the_end_of_time() {
        assert_eq!(Timestamp::NEVER.plus_days(i64::MAX), Timestamp::NEVER);
        assert_eq!(Timestamp(0).plus_days(1), Timestamp(86_400 * MICROS_PER_SECOND));
        assert_eq!(Timestamp(0).since(Timestamp(5)), Duration::ZERO);
    }
}
