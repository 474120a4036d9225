//! The integration tests: one binary, every test on both databases.

#[macro_use]
mod support;

mod login;
mod open;
mod password;
mod session;
mod store;
mod user;
