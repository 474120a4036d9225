//! The database itself: pools, the writer of SQLite, dialects, errors and migrations.

#[macro_use]
pub(super) mod macros;

pub(crate) mod detached;
pub(super) mod dialect;
pub(super) mod error;
pub(super) mod identity;
pub(super) mod meter;
pub(super) mod migrate;
pub mod owner;
pub(super) mod pool;
pub mod postgres;
pub mod setting;
pub(super) mod span;
pub(super) mod statement;
mod template;
mod types;
pub(super) mod writer;
