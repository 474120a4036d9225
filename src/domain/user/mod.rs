//! Users: the account, changes to it, searches and sign-up.

pub(super) mod account;
pub(super) mod browse;
pub(super) mod search;
pub(super) mod signup;
pub(super) mod text;
pub(super) mod update;
