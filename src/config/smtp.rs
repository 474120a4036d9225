//! The section `smtp`.

use super::error::Invalid;
use super::secret_url::SecretUrl;
use super::section::{Validate, section};

section! {
    /// The server that sends email.
    Smtp = "smtp" {
        /// Such as smtp://user:password@host:587?tls=starttls. Without it nothing is sent, and the log says so.
        url: SecretUrl = SecretUrl::default(),
    }
}

impl Validate for Smtp {
    fn validate(&self) -> Result<(), Invalid> {
        let url = self.url.expose();
        let host = url.strip_prefix("smtp://").or_else(|| url.strip_prefix("smtps://"));
        match host {
            None if !url.is_empty() => Err(Invalid::new("smtp.url", "must begin with smtp:// or smtps://")),
            Some("") => Err(Invalid::new("smtp.url", "must name a host")),
            _ => Ok(()),
        }
    }
}
