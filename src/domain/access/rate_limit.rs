//! Rate limits: how many requests a user may make from where. Pure: counting is for others.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::{RemoteAddr, Timestamp};

/// How many rules a definition may have.
const MAX_RULES: usize = 1_000;

/// The most requests that a rule may count.
const MAX_COUNT: i64 = 1_000_000_000;

/// The rules of one user, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits(Vec<RateRule>);

/// One rule: from where it counts, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRule {
    from: Origin,
    /// None is unlimited.
    pub limit: Option<RateLimit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Anywhere,
    Network(IpNet),
}

/// So many requests in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub count: i64,
    /// In how long.
    pub window: RateWindow,
}

/// A span of time that begins and ends by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RateWindow {
    Minute,
    Hour,
    Day,
}

impl RateWindow {
    const fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            b"m" => Some(Self::Minute),
            b"h" => Some(Self::Hour),
            b"d" => Some(Self::Day),
            _ => None,
        }
    }

    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// When the window that this instant lies in began.
    #[must_use]
    pub const fn start(self, now: Timestamp) -> Timestamp {
        let length = self.seconds() * 1_000_000;
        Timestamp::from_micros(now.as_micros() - now.as_micros().rem_euclid(length))
    }

    /// When it ends.
    #[must_use]
    pub fn end(self, now: Timestamp) -> Timestamp {
        self.start(now).plus_seconds(self.seconds())
    }

    /// How long it still lasts.
    #[must_use]
    pub fn remaining(self, now: Timestamp) -> Duration {
        self.end(now).since(now)
    }
}

/// A line that is no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct InvalidRateLimit {
    /// Which line, from 1.
    pub line: usize,
    problem: &'static str,
}

impl RateLimits {
    /// Reads one rule a line: `10.0.0.0/8=100/m`. Blank lines are none.
    ///
    /// # Errors
    /// The first line that is no rule.
    pub fn parse(text: &str) -> Result<Self, InvalidRateLimit> {
        let mut rules = Vec::new();
        for (index, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
            let wrong = |problem| InvalidRateLimit { line: index.saturating_add(1), problem };
            if rules.len() == MAX_RULES {
                return Err(wrong("there are 1000 rules at most"));
            }
            rules.push(RateRule::parse(line).map_err(wrong)?);
        }
        Ok(Self(rules))
    }

    /// Whether there is no rule.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first rule that a call from here falls under: each address that was given must lie within what it names. None
    /// means not allowed.
    #[must_use]
    pub fn matching(&self, remote_addr: &RemoteAddr) -> Option<RateRule> {
        self.0.iter().copied().find(|rule| rule.from.holds(remote_addr))
    }
}

impl RateRule {
    fn parse(line: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected <address or CIDR or *>=<count>/<m|h|d>, or =* for no limit";
        let (from, limit) = line.split_once('=').ok_or(EXPECTED)?;
        let from = Origin::parse(from.trim()).ok_or("in front of = there is no address, CIDR block or *")?;
        if limit.trim() == "*" {
            return Ok(Self { from, limit: None });
        }
        let (count, window) = limit.split_once('/').ok_or(EXPECTED)?;
        let count = count.trim();
        // Only digits: a number may otherwise have a sign.
        let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|count| is_number && (1..=MAX_COUNT).contains(count));
        let count = count.ok_or("the count is a whole number from 1 to 1000000000")?;
        let window = RateWindow::parse(window.trim()).ok_or("behind / there is none of m, h and d")?;
        Ok(Self { from, limit: Some(RateLimit { count, window }) })
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Anywhere);
        }
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
        Some(Self::Network(network))
    }

    fn holds(self, remote_addr: &RemoteAddr) -> bool {
        match self {
            Self::Anywhere => true,
            // An IPv4 client of a dual-stack socket looks like ::ffff:10.0.0.1.
            Self::Network(network) => {
                !remote_addr.is_empty()
                    && remote_addr.ips().all(|ip| ip.is_some_and(|ip| network.contains(&ip.to_canonical())))
            }
        }
    }
}

/// As it would be written in a definition.
impl fmt::Display for RateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.from {
            Origin::Anywhere => f.write_str("*")?,
            Origin::Network(network) => write!(f, "{network}")?,
        }
        match self.limit {
            None => f.write_str("=*"),
            Some(RateLimit { count, window: RateWindow::Minute }) => write!(f, "={count}/m"),
            Some(RateLimit { count, window: RateWindow::Hour }) => write!(f, "={count}/h"),
            Some(RateLimit { count, window: RateWindow::Day }) => write!(f, "={count}/d"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matching(definition: &str, address: &str) -> Option<String> {
        let rule = RateLimits::parse(definition).unwrap().matching(&RemoteAddr::from(address));
        rule.map(|rule| rule.to_string())
    }

    #[test]
    fn the_first_rule_that_fits_applies_and_none_is_an_answer() {
        let rules = "10.0.0.7=5/m\r\n\n 10.0.0.0/8 = * \n2001:db8::/32=1/h\n";
        for (address, expected) in [
            ("10.0.0.7", Some("10.0.0.7/32=5/m")),
            ("10.0.0.8", Some("10.0.0.0/8=*")),
            ("::ffff:10.0.0.8", Some("10.0.0.0/8=*")),
            ("2001:db8::1", Some("2001:db8::/32=1/h")),
            ("10.0.0.7, 10.0.0.8", Some("10.0.0.0/8=*")),
            ("10.0.0.7, 11.0.0.1", None),
            ("11.0.0.1", None),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(matching(rules, address).as_deref(), expected, "{address}");
        }
        for address in ["11.0.0.1", "localhost", "", "10.0.0.7, 11.0.0.1"] {
            assert_eq!(matching("10.0.0.7=5/m\n*=1/d", address).as_deref(), Some("*=1/d"), "{address}");
        }
        assert_eq!(matching("", "10.0.0.1"), None);
    }

    #[test]
    fn a_line_that_is_no_rule_is_named() {
        for line in [
            "*",
            "*=",
            "*=5",
            "*=5/",
            "*=5/s",
            "*=0/m",
            "*=-1/m",
            "*=+1/m",
            "*=/m",
            "*=1.5/m",
            "*=1000000001/m",
            "=5/m",
            "localhost=5/m",
            "10.0.0.0/33=5/m",
            "*=5/mm",
            "*=99999999999999999999/d",
            "*=**",
        ] {
            let error = RateLimits::parse(&format!("*=1/d\n\n{line}")).unwrap_err();
            assert_eq!(error.line, 3, "{line}");
            assert!(error.to_string().starts_with("line 3: "), "{error}");
        }
        assert!(RateLimits::parse(&"*=1/d\n".repeat(1_001)).is_err());
    }

    #[test]
    fn windows_begin_and_end_by_the_clock() {
        let now = Timestamp::parse("2026-02-25T15:51:52.5").unwrap();
        for (window, start, end) in [
            (RateWindow::Minute, "2026-02-25T15:51:00", "2026-02-25T15:52:00"),
            (RateWindow::Hour, "2026-02-25T15:00:00", "2026-02-25T16:00:00"),
            (RateWindow::Day, "2026-02-25T00:00:00", "2026-02-26T00:00:00"),
        ] {
            assert_eq!(
                (window.start(now).to_string(), window.end(now).to_string()),
                (start.into(), end.into())
            );
        }
        assert_eq!(RateWindow::Minute.remaining(now), Duration::from_millis(7_500));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}|([*0-9./:=mhd \\n]{0,40})") {
            drop(RateLimits::parse(&text));
        }

        #[test]
        fn what_is_written_is_read_back(a in any::<[u8; 4]>(), prefix in 0u8..=32, count in 1i64..=MAX_COUNT, window in "[mhd]") {
            let line = format!("{}.{}.{}.{}/{prefix}={count}/{window}", a[0], a[1], a[2], a[3]);
            let rules = RateLimits::parse(&line).unwrap();
            let shown = rules.0[0].to_string();
            prop_assert_eq!(&shown, &line);
            prop_assert_eq!(RateLimits::parse(&shown).unwrap(), rules);
        }
    }
}
