//! Storage: SQLite and PostgreSQL behind one set of statements.
//!
//! A statement is written once, as a constant next to the function that runs it, in the dialect both databases share:
//! `$1` placeholders, `RETURNING`, `ON CONFLICT`, BIGINT microseconds for times. [`sql!`] declares statements and
//! lists them for the test that prepares each one on both engines; the `fetch_*!` and `execute!` macros expand a call
//! for both drivers, so that the compiler checks the types for both. What differs stands in `dialect`.

#[macro_use]
mod macros;

pub mod attr;
pub mod audit;
pub mod browser;
mod db;
mod dialect;
pub mod doctor;
mod epoch;
mod epoch_file;
mod error;
pub mod identity;
pub mod import;
pub mod linked_auth;
mod listener;
pub mod maintenance;
mod migrate;
pub mod password_expiry;
pub mod password_history;
pub mod password_reset;
pub mod renewal;
pub mod search;
pub mod sec_def;
pub mod seen;
pub mod session;
pub mod session_cache;
pub mod setting;
pub mod signup;
pub mod site;
pub mod site_session;
pub mod throttle;
mod to_the_end;
pub mod user;
mod writer;
pub mod zato;

pub use db::{Conn, Db, Options, Tx};
pub use error::OpenError;
pub use migrate::{LATEST_VERSION, SchemaState};

pub(crate) use error::map_error;

/// Every statement of the product: name and text.
#[must_use]
pub fn statements() -> Vec<(&'static str, &'static str)> {
    [
        attr::USER_STATEMENTS,
        attr::SESSION_STATEMENTS,
        audit::STATEMENTS,
        browser::STATEMENTS,
        doctor::STATEMENTS,
        identity::STATEMENTS,
        import::STATEMENTS,
        &import::repeated_statements(),
        maintenance::STATEMENTS,
        password_expiry::STATEMENTS,
        linked_auth::STATEMENTS,
        password_history::STATEMENTS,
        password_reset::STATEMENTS,
        renewal::STATEMENTS,
        sec_def::STATEMENTS,
        session::STATEMENTS,
        setting::STATEMENTS,
        signup::STATEMENTS,
        site::STATEMENTS,
        site_session::STATEMENTS,
        throttle::STATEMENTS,
        user::STATEMENTS,
    ]
    .concat()
}
