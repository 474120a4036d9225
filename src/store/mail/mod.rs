//! Emails that wait to be sent.

pub mod outbox;
