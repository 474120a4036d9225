//! Claims that many tokens have (RFC 7519, section 4.1), and their times.

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// How far the clock of whoever made a token may be off, in seconds.
pub const LEEWAY_SECONDS: i64 = 30;

/// For whom a token is: one or several (RFC 7519, section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, audience: &str) -> bool {
        self.all().iter().any(|one| one == audience)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// Whether a token is valid at this time, give or take half a minute. Times are seconds since 1970, possibly with a fraction
/// (RFC 7519, section 2).
#[must_use]
pub fn is_valid_at(now: Timestamp, exp: f64, nbf: Option<f64>) -> bool {
    let (earliest, latest) = (now.plus_seconds(-LEEWAY_SECONDS), now.plus_seconds(LEEWAY_SECONDS));
    exp > seconds(earliest) && nbf.is_none_or(|nbf| nbf <= seconds(latest))
}

/// Whether it ends within so many seconds from now, give or take half a minute.
#[must_use]
pub fn ends_within(now: Timestamp, exp: f64, limit: i64) -> bool {
    exp <= seconds(now.plus_seconds(limit.saturating_add(LEEWAY_SECONDS)))
}
