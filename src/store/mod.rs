//! Storage: SQLite and PostgreSQL behind one set of statements.
//!
//! A statement is written once, as a constant next to the function that runs it, in the dialect both databases share:
//! `$1` placeholders, `RETURNING`, `ON CONFLICT`, BIGINT microseconds for times. [`sql!`] declares statements and
//! lists them for the test that prepares each one on both engines; the `fetch_*!` and `execute!` macros run one
//! with arguments and rows that can be written and read for both drivers, which the compiler checks. What differs stands in `dialect`.

#[macro_use]
pub mod db;

pub mod access;
pub mod attr;
pub mod audit;
pub mod cache;
pub mod client;
pub mod credential;
pub mod group;
pub mod import;
pub mod linked_auth;
pub mod mail;
pub mod maintenance;
pub mod password;
pub mod session;
pub mod site;
mod statements;
pub mod user;

pub use db::error::OpenError;
pub use db::identity::beside;
pub use db::meter::DbLoad;
pub use db::migrate::{LATEST_VERSION, SchemaState};
pub use db::pool::{Conn, Db, Options, Tx};
pub use db::postgres::server::Server;
pub use statements::statements;

pub(crate) use db::error::map_error;
