//! The cookies of pages: of this host alone, over TLS alone, for no script (RFC 6265bis, section 4.1.3.2). On this machine alone,
//! where there is no TLS, they do without both, and without the prefix that stands for them.

use axum::http::header;
use axum::http::request::Parts;

use crate::domain::{Password, Ust};

/// What the token of a session that is to outlast the browser begins with.
const KEPT: char = 'k';

/// A longer value was not set by a page.
pub(in crate::http) const MAX_LENGTH: usize = 2_048;

/// For how long a browser keeps what says which device it is, and which language is wanted.
pub(in crate::http) const YEAR: u64 = 31_536_000;

/// A cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Name {
    /// The session.
    Session,
    /// The secret of forms of who has no session.
    Form,
    /// The device, which waits for nobody else's failures.
    Device,
    /// What steps of a login have proved.
    Step,
    /// The language that was chosen.
    Language,
    /// A form that was sent when its session had ended.
    Draft,
    /// Where the browser wanted to go when its user began to sign up.
    Next,
}

impl Name {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "zato_sso_session",
            Self::Form => "zato_sso_form",
            Self::Device => "zato_sso_device",
            Self::Step => "zato_sso_step",
            Self::Language => "zato_sso_language",
            Self::Draft => "zato_sso_draft",
            Self::Next => "zato_sso_next",
        }
    }
}

/// What a browser has sent.
#[derive(Debug)]
pub(in crate::http) struct Jar {
    /// Whether the browser is on this machine, and comes without TLS.
    is_plain: bool,
    pairs: Vec<(String, String)>,
}

impl Jar {
    /// From a request. `url` is the address of the server as people see it: where that begins with https, a host of this machine is
    /// only how a proxy calls it.
    pub fn read(parts: &Parts, url: &str) -> Self {
        let lines = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let pairs = pairs
            .filter(|(name, _)| name.contains("zato_sso_"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let is_plain = !url.starts_with("https:") && host(parts).is_some_and(is_loopback);
        Self { is_plain, pairs }
    }

    /// The value of a cookie, if a page can have set it.
    pub fn get(&self, name: Name) -> Option<&str> {
        let name = self.full_name(name);
        let (_, value) = self.pairs.iter().find(|(known, _)| *known == name)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (!value.is_empty() && value.len() <= MAX_LENGTH && value.bytes().all(is_plain)).then_some(value)
    }

    /// The token of the session.
    pub fn ust(&self) -> Option<Ust> {
        let value = self.get(Name::Session)?;
        Some(Ust::from(value.strip_prefix(KEPT).unwrap_or(value)))
    }

    /// Whether the session is to outlast the browser.
    pub fn is_kept(&self) -> bool {
        self.get(Name::Session).is_some_and(|value| value.starts_with(KEPT))
    }

    /// Sets the session: until so many seconds are over where it is to outlast the browser.
    pub fn set_session(&self, ust: &Ust, kept_for: Option<u64>) -> String {
        let kept = kept_for.map(|_| KEPT.to_string()).unwrap_or_default();
        self.set(Name::Session, &format!("{kept}{}", ust.expose()), kept_for)
    }

    /// Sets the device.
    pub fn set_device(&self, token: &Password) -> String {
        self.set(Name::Device, token.expose(), Some(YEAR))
    }

    /// The line that sets a cookie: for as long as the browser runs, or for so many seconds.
    pub fn set(&self, name: Name, value: &str, seconds: Option<u64>) -> String {
        let name = self.full_name(name);
        let secure = if self.is_plain { "" } else { "; Secure" };
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        format!("{name}={value}; Path=/{secure}; HttpOnly; SameSite=Lax{age}")
    }

    /// The line that takes a cookie away.
    pub fn clear(&self, name: Name) -> String {
        self.set(name, "", Some(0))
    }

    fn full_name(&self, name: Name) -> String {
        let prefix = if self.is_plain { "" } else { "__Host-" };
        format!("{prefix}{}", name.as_str())
    }
}

/// The host and port that a request is for.
pub(in crate::http) fn host(parts: &Parts) -> Option<&str> {
    let header = || parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    parts.uri.authority().map(|authority| authority.as_str()).or_else(header)
}

/// Whether a host is this machine, seen from itself.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_local_name = name.eq_ignore_ascii_case("localhost");
    is_local_name || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn jar(host: &str, cookie: &str) -> Jar {
        let request = Request::builder().header("host", host).header("cookie", cookie).body(()).unwrap();
        Jar::read(&request.into_parts().0, "")
    }

    #[test]
    fn a_cookie_is_of_its_host_over_tls_but_on_this_machine() {
        let set = |host: &str| jar(host, "").set_session(&Ust::from("zust1"), None);
        let safe = "__Host-zato_sso_session=zust1; Path=/; Secure; HttpOnly; SameSite=Lax";
        for host in
            ["sso.example", "localhost.example", "127.0.0.1.example:80", "10.0.0.1", "[2001:db8::1]:80"]
        {
            assert_eq!(set(host), safe, "{host}");
        }
        for host in ["localhost", "LOCALHOST:17010", "127.0.0.1:80", "127.9.9.9", "[::1]:80"] {
            assert_eq!(set(host), "zato_sso_session=zust1; Path=/; HttpOnly; SameSite=Lax", "{host}");
        }
        let kept = jar("sso.example", "").set_session(&Ust::from("zust1"), Some(60));
        assert!(kept.starts_with("__Host-zato_sso_session=kzust1;") && kept.ends_with("; Max-Age=60"));
        // A proxy that does not pass on the host.
        let request = Request::builder().header("host", "127.0.0.1:17010").body(()).unwrap();
        let jar = Jar::read(&request.into_parts().0, "https://sso.example");
        assert_eq!(jar.set_session(&Ust::from("zust1"), None), safe);
    }

    #[test]
    fn only_what_a_page_has_set_is_read() {
        let of = |host: &str, cookie: &str| jar(host, cookie).ust().map(|ust| ust.expose().to_owned());
        let found = Some("zust1".to_owned());
        assert_eq!(of("sso.example", "a=b; __Host-zato_sso_session=zust1"), found);
        assert_eq!(of("sso.example", "__Host-zato_sso_session=kzust1"), found);
        // A page of another host below the same domain can set this one.
        assert_eq!(of("sso.example", "zato_sso_session=zust1"), None);
        assert_eq!(of("localhost:1", "zato_sso_session=zust1; x"), found);
        for wrong in ["", "a b", "a\"b", &"a".repeat(2_049)] {
            assert_eq!(of("localhost", &format!("zato_sso_session={wrong}")), None, "{wrong}");
        }
    }
}
