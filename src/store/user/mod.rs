//! Users, searches among them, and sign-ups that wait for confirmation.

pub mod account;
pub mod browse;
pub mod email_change;
pub mod name;
pub mod profile;
pub mod search;
pub mod signup;
