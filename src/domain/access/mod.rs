//! Limits on calls: the login throttle and rate limits, as pure rules.

pub(super) mod rate_limit;
pub(super) mod throttle;
