//! Who may do what: common checks, the throttle, rate limits, and the fast path of checks.

pub(super) mod actor;
pub(super) mod app;
pub(super) mod check;
pub(super) mod fast_path;
pub(super) mod fresh;
pub(super) mod how;
pub(super) mod idle;
pub(super) mod mail_limit;
pub(super) mod methods;
pub(super) mod name;
pub(super) mod proxy;
pub(super) mod rate_limit;
pub(super) mod throttle;
pub(super) mod user_row;
pub(super) mod way_in;
