//! The section `http`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// The REST server.
    Http = "http" {
        /// Address and port to listen on.
        listen: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 17010),
        /// What the paths of all endpoints begin with.
        prefix: String = "/zato/sso".into(),
        /// Addresses and CIDR blocks of the proxies whose X-Forwarded-For is believed.
        trusted_proxies: Vec<IpNet> = Vec::new(),
        /// The greatest size of a request body, in bytes.
        max_body_bytes: usize = 1_048_576,
        /// How long one request may take: seconds, or a duration such as "30 s" or "500 ms".
        request_timeout: Duration = Duration::from_secs(30),
    }
}

/// One day.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

impl Validate for Http {
    fn validate(&self) -> Result<(), Invalid> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        let whole =
            self.prefix.starts_with('/') && !self.prefix.ends_with('/') && !self.prefix.contains("//");
        let is_path = whole && self.prefix.chars().all(plain);
        if !is_path && !self.prefix.is_empty() {
            let problem = "must be a path such as /zato/sso, without a slash at its end, or empty";
            return Err(Invalid::new("http.prefix", problem));
        }
        within("http.max_body_bytes", self.max_body_bytes, 1_024..=1_073_741_824)?;
        if self.request_timeout < Duration::from_millis(1) || self.request_timeout > MAX_TIMEOUT {
            return Err(Invalid::new("http.request_timeout", "must be from 1 ms to 24 h"));
        }
        Ok(())
    }
}
