//! Emails: their templates, the queue, and SMTP.

pub(super) mod message;
pub(super) mod queue;
pub(super) mod smtp;
pub(super) mod template;
