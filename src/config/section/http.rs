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
        /// Another address and port for /metrics, /docs, /openapi.json and health; all but health are then not at http.listen.
        /// An empty string is none.
        admin_listen: Option<SocketAddr> = None,
        /// What the paths of all endpoints begin with.
        prefix: String = "/zato/sso".into(),
        /// Addresses and CIDR blocks of the proxies whose X-Forwarded-For is believed.
        trusted_proxies: Vec<IpNet> = Vec::new(),
        /// The greatest size of a request body, in bytes.
        max_body_bytes: usize = 1_048_576,
        /// How many bytes the request bodies above 4 KiB hold together, those of one address a quarter of it. What goes beyond
        /// is answered with 503.
        max_body_memory: usize = 67_108_864,
        /// How many bytes the answers above 4 KiB hold together until they are read, those to one address a quarter of it.
        /// What goes beyond is answered with 503.
        max_answer_memory: usize = 67_108_864,
        /// The greatest size of the head of a request, in bytes.
        max_header_bytes: usize = 65_536,
        /// How many connections may be open, as far as the file descriptors of the process go. For another one, one that waits for
        /// its client is closed; if none does, it is answered with 503.
        max_connections: usize = 1_024,
        /// The same for each address, or /64 of IPv6, but for http.trusted_proxies.
        max_connections_per_address: usize = 512,
        /// How long one request may take once its head is there, its body included: seconds, or a duration such as "30 s" or
        /// "500 ms".
        request_timeout: Duration = Duration::from_secs(30),
        /// How long the head of a request may take to come, counted from its first byte, that of the first one from the
        /// connection.
        header_timeout: Duration = Duration::from_secs(10),
        /// How long a connection may be silent between two requests.
        idle_timeout: Duration = Duration::from_secs(75),
        /// How long nothing of an answer may be read. Then the connection is closed.
        write_timeout: Duration = Duration::from_secs(10),
        /// How many bytes a second of a body must come, and of an answer be read, at least. 0: any number.
        min_speed: usize = 1_024,
        /// For how long the server says that it is not ready, and serves, before it ends.
        drain: Duration = Duration::ZERO,
        /// Whether there is /metrics.
        metrics: bool = true,
        /// Whether there are /docs and /openapi.json.
        docs: bool = true,
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
        within("http.max_body_memory", self.max_body_memory, 65_536..=1_099_511_627_776)?;
        // hyper takes no less than 8 KiB.
        within("http.max_header_bytes", self.max_header_bytes, 8_192..=1_048_576)?;
        within("http.max_answer_memory", self.max_answer_memory, 65_536..=1_099_511_627_776)?;
        within("http.max_connections", self.max_connections, 1..=1_000_000)?;
        within("http.max_connections_per_address", self.max_connections_per_address, 1..=1_000_000)?;
        within("http.min_speed", self.min_speed, 0..=1_048_576)?;
        for (key, timeout) in [
            ("http.request_timeout", self.request_timeout),
            ("http.header_timeout", self.header_timeout),
            ("http.idle_timeout", self.idle_timeout),
            ("http.write_timeout", self.write_timeout),
        ] {
            if timeout < Duration::from_millis(1) || timeout > MAX_TIMEOUT {
                return Err(Invalid::new(key, "must be from 1 ms to 24 h"));
            }
        }
        if self.drain > MAX_TIMEOUT {
            return Err(Invalid::new("http.drain", "must be from 0 s to 24 h"));
        }
        if self.admin_listen.is_some_and(|admin| admin == self.listen && admin.port() != 0) {
            let problem = "must not be http.listen: choose another port";
            return Err(Invalid::against("http.admin_listen", "http.listen", problem));
        }
        Ok(())
    }
}
