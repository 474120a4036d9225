//! Clients: the applications that users sign in to, and services that get tokens for themselves.

pub mod record;
pub mod token;
pub mod uri;

mod check;
