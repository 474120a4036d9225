//! The section `passkey`.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section};
use crate::config::load::setting::choices;
use crate::config::section::pages::Pages;

section! {
    /// Passkeys: what browsers and authenticators bind them to.
    Passkey = "passkey" {
        /// The domain that passkeys belong to (the RP ID), such as example.com: they work there and on hosts below it. If it changes,
        /// all passkeys are lost. Empty: the host of pages.url; where http.listen is an address of this machine alone, localhost;
        /// else there are no passkeys.
        rp_id: String = String::new(),
        /// The web sites that passkeys are used on, such as ["https://login.example.com"]: scheme, host and port, without a path.
        /// Empty: pages.url, else https and the domain; on localhost, any port.
        origins: Vec<String> = Vec::new(),
        /// "preferred" has authenticators ask for a PIN, a finger or a face where they can; "required" refuses what came without.
        user_verification: UserVerification = UserVerification::Preferred,
        /// Whether a passkey is asked for after the password of users without TOTP. "auto": of users who have one that cannot log in by
        /// itself, as a security key that keeps no list; true: of all who have a passkey; false: of nobody.
        second_factor: Option<bool> = None,
    }
}

choices! {
    /// Whether an authenticator must verify its owner.
    UserVerification: r#""preferred" or "required""# {
        /// Where it can.
        Preferred = "preferred",
        /// Always.
        Required = "required",
    }
}

/// Whom passkeys are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyParty {
    /// The RP ID.
    pub id: String,
    origins: Vec<String>,
}

impl PasskeyParty {
    /// Whether passkeys are used on a web site with this origin.
    #[must_use]
    pub fn has_origin(&self, origin: &str) -> bool {
        if !self.origins.is_empty() {
            return self.origins.iter().any(|known| known == origin);
        }
        // Whoever listens on another port of this machine is on this machine.
        let rest = origin.strip_prefix("http://localhost");
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        self.id == LOCALHOST
            && rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
    }
}

const LOCALHOST: &str = "localhost";

impl Passkey {
    /// Whom passkeys are for; None where that is not configured, so that there are none.
    #[must_use]
    pub fn party(&self, pages: &Pages, listen: SocketAddr) -> Option<PasskeyParty> {
        let of_pages = Url::parse(&pages.url).ok().and_then(|url| {
            let id = url.domain().map(str::to_owned)?;
            Some((id, origin_of(&url)))
        });
        let (id, own) = match (self.rp_id.as_str(), of_pages) {
            ("", Some((id, origin))) => (id, vec![origin]),
            ("", None) if listen.ip().is_loopback() => (LOCALHOST.to_owned(), Vec::new()),
            ("", None) => return None,
            (LOCALHOST, None) => (LOCALHOST.to_owned(), Vec::new()),
            (id, Some((host, origin))) if is_within(&host, id) => (id.to_owned(), vec![origin]),
            (id, _) => (id.to_owned(), vec![format!("https://{id}")]),
        };
        let origins = if self.origins.is_empty() { own } else { self.origins.clone() };
        Some(PasskeyParty { id, origins })
    }
}

/// Scheme, host and port of an address, as browsers write them.
fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether a host is this domain, or below it.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl Validate for Passkey {
    fn validate(&self) -> Result<(), Invalid> {
        let is_domain = matches!(Host::parse(&self.rp_id), Ok(Host::Domain(domain)) if domain == self.rp_id);
        let is_address = self.rp_id.parse::<IpAddr>().is_ok();
        if !self.rp_id.is_empty() && (!is_domain || is_address) {
            let problem = "must be a domain in lower case, such as example.com, without scheme and port";
            return Err(Invalid::new("passkey.rp_id", problem));
        }
        let is_origin = |origin: &String| {
            // What an app of Android has in place of an address.
            let is_app = origin.starts_with("android:apk-key-hash:");
            is_app || Url::parse(origin).is_ok_and(|url| origin_of(&url) == *origin)
        };
        if !self.origins.iter().all(is_origin) {
            let problem = "must be a list of scheme, host and port, such as https://login.example.com";
            return Err(Invalid::new("passkey.origins", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(rp_id: &str, origins: &[&str], url: &str, listen: &str) -> Option<PasskeyParty> {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let passkey = Passkey { rp_id: rp_id.to_owned(), origins, ..Passkey::default() };
        passkey.validate().unwrap();
        let pages = Pages { url: url.to_owned(), ..Pages::default() };
        passkey.party(&pages, listen.parse().unwrap())
    }

    #[test]
    fn they_belong_to_the_address_that_people_see() {
        const OPEN: &str = "0.0.0.0:80";
        let table: [(&str, &[&str], &str, &str, &str); 6] = [
            ("", &[], "https://login.example.com/in/", "login.example.com", "https://login.example.com"),
            ("example.com", &[], "https://login.example.com", "example.com", "https://login.example.com"),
            ("example.com", &[], "https://other.test", "example.com", "https://example.com"),
            ("example.com", &[], "", "example.com", "https://example.com"),
            ("example.com", &["https://a.example.com:8443"], "", "example.com", "https://a.example.com:8443"),
            ("", &["https://b.test"], "https://a.test", "a.test", "https://b.test"),
        ];
        for (rp_id, origins, url, id, origin) in table {
            let party = party(rp_id, origins, url, OPEN).unwrap();
            assert_eq!(party.id, id, "{rp_id} {url}");
            assert!(party.has_origin(origin), "{rp_id} {url}");
            assert!(!party.has_origin("https://evil.test"));
            assert!(!party.has_origin("http://localhost"));
        }
        assert_eq!(party("", &[], "", OPEN), None);
        assert_eq!(party("", &[], "http://10.0.0.1", OPEN), None);
    }

    #[test]
    fn on_this_machine_alone_any_port_will_do() {
        let party = party("", &[], "", "127.0.0.1:17010").unwrap();
        assert_eq!(party.id, "localhost");
        for (origin, expected) in [
            ("http://localhost", true),
            ("http://localhost:17010", true),
            ("http://localhost:", false),
            ("http://localhost:1@evil.test", false),
            ("http://localhost.evil.test", false),
            ("https://localhost", false),
            ("http://127.0.0.1:17010", false),
        ] {
            assert_eq!(party.has_origin(origin), expected, "{origin}");
        }
    }

    #[test]
    fn what_no_browser_takes_is_refused() {
        for rp_id in ["https://example.com", "example.com:443", "Example.com", "127.0.0.1", "::1", "a b"] {
            let passkey = Passkey { rp_id: rp_id.to_owned(), ..Passkey::default() };
            assert!(passkey.validate().is_err(), "{rp_id}");
        }
        for origin in ["example.com", "https://example.com/", "https://example.com:443", "", "data:x"] {
            let passkey = Passkey { origins: vec![origin.to_owned()], ..Passkey::default() };
            assert!(passkey.validate().is_err(), "{origin}");
        }
        let app = Passkey { origins: vec!["android:apk-key-hash:x".to_owned()], ..Passkey::default() };
        assert!(app.validate().is_ok());
    }
}
