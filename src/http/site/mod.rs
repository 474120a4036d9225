//! The sessions API, in OneAll's format, and what browsers need of it.
//!
//! Files import in this order: `value`, `envelope`, `failure` and `request`, `reply`, `endpoint`, then the blocks
//! (`session`, `identity`, `user`, `connection`, `about`), `table` and `browser`.

mod about;
pub(super) mod browser;
mod connection;
pub(super) mod endpoint;
pub(super) mod envelope;
pub(super) mod failure;
mod identity;
mod reply;
mod request;
mod session;
pub(super) mod table;
mod user;
mod value;
