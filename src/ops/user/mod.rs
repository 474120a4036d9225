//! Users: creation, reading, changes, approval, deletion, search and sign-up.

pub(super) mod account;
pub(super) mod approval;
pub(super) mod browse;
pub(super) mod confirm_token;
pub(super) mod console;
pub(super) mod deletion;
pub(super) mod email;
pub(super) mod name;
pub(super) mod search;
pub(super) mod signup;
pub(super) mod update;
pub(super) mod view;
