//! Emails: their templates, what waits in the outbox, and SMTP.

pub(super) mod envelope;
pub(super) mod mailer;
pub(super) mod message;
pub(super) mod smtp;
pub(super) mod template;
