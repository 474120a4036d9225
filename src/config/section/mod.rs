//! The sections of the configuration, one a file.

pub(super) mod admin;
pub(super) mod apps;
pub(super) mod attr;
pub(super) mod audit;
pub(super) mod cleanup;
pub(super) mod database;
pub(super) mod email;
pub(super) mod hash;
pub(super) mod hash_secret;
pub(super) mod http;
pub(super) mod log;
pub(super) mod login;
pub(super) mod main;
pub(super) mod oidc;
pub(super) mod otel;
pub(super) mod pages;
pub(super) mod passkey;
pub(super) mod password;
pub(super) mod password_reset;
pub(super) mod search;
pub(super) mod session;
pub(super) mod signup;
pub(super) mod smtp;
pub(super) mod throttle;
pub(super) mod user_address_list;
pub(super) mod user_validation;
