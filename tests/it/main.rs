//! The integration tests: one binary, every test on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

#[macro_use]
mod support;

mod attr;
mod attr_quota;
#[cfg(feature = "server")]
mod attr_rest;
mod audit;
#[cfg(feature = "server")]
mod audit_chain;
#[cfg(feature = "server")]
mod audit_search;
#[cfg(feature = "server")]
mod authenticator;
mod browse;
#[cfg(feature = "server")]
mod browser;
#[cfg(feature = "server")]
mod cli;
#[cfg(feature = "server")]
mod cli_backup;
#[cfg(feature = "server")]
mod cli_client;
#[cfg(feature = "server")]
mod cli_convert;
#[cfg(feature = "server")]
mod cli_credential;
#[cfg(feature = "server")]
mod cli_doctor;
#[cfg(feature = "server")]
mod cli_import;
#[cfg(feature = "server")]
mod cli_maintenance;
#[cfg(feature = "server")]
mod cli_refusals;
#[cfg(feature = "server")]
mod cli_sec_def;
#[cfg(feature = "server")]
mod cli_serve;
#[cfg(feature = "server")]
mod cli_session;
#[cfg(feature = "server")]
mod cli_site;
mod client;
mod client_auth;
#[cfg(feature = "server")]
mod client_rest;
#[cfg(feature = "server")]
mod command;
mod device;
mod email;
mod external_auth;
#[cfg(feature = "server")]
mod faces;
mod floors;
mod fresh;
#[cfg(feature = "server")]
#[path = "../fuzz/mod.rs"]
mod fuzz;
mod given_up;
mod group;
mod hooks;
#[cfg(feature = "server")]
mod http;
#[cfg(feature = "server")]
mod http_blocks;
#[cfg(feature = "server")]
mod http_server;
mod idle;
mod import;
#[cfg(feature = "server")]
mod import_credentials;
mod import_rows;
mod linked_auth;
#[cfg(feature = "server")]
mod linked_auth_rest;
mod login;
mod maintenance;
#[cfg(feature = "server")]
mod matrix;
mod metrics;
mod names;
mod new_device;
#[cfg(feature = "server")]
mod oidc_claims;
#[cfg(feature = "server")]
mod oidc_code;
#[cfg(feature = "server")]
mod oidc_device;
#[cfg(feature = "server")]
mod oidc_dpop;
#[cfg(feature = "server")]
mod oidc_exchange;
#[cfg(feature = "server")]
mod oidc_guard;
#[cfg(feature = "server")]
mod oidc_logout;
#[cfg(feature = "server")]
mod oidc_register;
#[cfg(feature = "server")]
mod oidc_token;
mod open;
#[cfg(feature = "server")]
mod openapi;
#[cfg(feature = "server")]
mod openid;
mod outbox;
#[cfg(feature = "server")]
mod page;
#[cfg(feature = "server")]
mod page_account;
#[cfg(feature = "server")]
mod page_admin;
#[cfg(feature = "server")]
mod page_attack;
#[cfg(feature = "server")]
mod page_console;
#[cfg(feature = "server")]
mod page_login;
#[cfg(feature = "server")]
mod page_look;
#[cfg(feature = "server")]
mod page_manager;
#[cfg(feature = "server")]
mod page_passkey;
#[cfg(feature = "server")]
mod passkey;
#[cfg(feature = "server")]
mod passkey_attack;
mod password;
mod password_reset;
#[cfg(feature = "server")]
mod password_reset_rest;
#[cfg(feature = "server")]
mod recovery_code;
mod renewal;
mod rest;
mod search;
mod session;
mod signing_key;
mod signup;
mod signup_limit;
#[cfg(feature = "server")]
mod signup_rest;
mod signup_wait;
mod site;
#[cfg(feature = "server")]
mod site_bounds;
#[cfg(feature = "server")]
mod site_oneall;
#[cfg(feature = "server")]
mod site_resources;
#[cfg(feature = "server")]
mod site_rest;
mod site_user;
mod smtp;
mod store;
mod super_user;
mod throttle;
mod throttle_place;
mod time;
mod token_verify;
mod totp;
mod user;
mod user_change;
mod zato_data;
#[cfg(feature = "server")]
mod zato_import;
mod zato_source;
