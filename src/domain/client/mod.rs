//! Clients: the applications that users sign in to, and services that get tokens for themselves.

pub mod metadata;
pub mod oauth_error;
pub mod record;
pub mod request;
pub mod token;
pub mod uri;

mod check;
