//! The URIs of a client: which may be registered, and which of them a request names.

use url::Url;

use crate::domain::{Client, ClientKind, Code, Error, Result};

/// The longest URI, in bytes.
const MAX_LENGTH: usize = 2048;

/// How many of one sort a client may have.
const MAX_COUNT: usize = 100;

/// Loopback hosts, as they stand in URIs (RFC 8252, section 7.3).
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

fn invalid(field: &str, uri: &str, why: &str) -> Error {
    // Others than its author may read it: cut, and without what is not seen.
    let shown: String = uri.chars().filter(|c| !c.is_control()).take(200).collect();
    Error::refused(Code::ClientInvalid, format!("{field}: \"{shown}\" {why}"))
}

/// Checks what browsers are to be sent to. URIs are kept as they were given: they are compared as text.
///
/// # Errors
/// E014002, which says what would be right.
pub fn check_redirect_uris(field: &str, kind: ClientKind, uris: Vec<String>) -> Result<Vec<String>> {
    if uris.len() > MAX_COUNT {
        return Err(Error::refused(Code::ClientInvalid, format!("{field}: at most {MAX_COUNT}")));
    }
    let mut checked: Vec<String> = Vec::with_capacity(uris.len());
    for uri in uris {
        check_redirect_uri(field, kind, &uri)?;
        if !checked.contains(&uri) {
            checked.push(uri);
        }
    }
    Ok(checked)
}

fn check_redirect_uri(field: &str, kind: ClientKind, uri: &str) -> Result<()> {
    let url = check_absolute(field, uri)?;
    let is_native = kind == ClientKind::Native;
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => {
            Err(invalid(field, uri, "must begin with https://; http is for localhost, 127.0.0.1 and [::1]"))
        }
        scheme if is_native && scheme.contains('.') => Ok(()),
        _ if is_native => Err(invalid(
            field,
            uri,
            "must begin with https://, with http:// on a loopback address, or with a scheme of your own that has a dot in it, \
             as in com.example.app:/callback",
        )),
        _ => Err(invalid(
            field,
            uri,
            "must begin with https://, as in https://app.example.com/callback; schemes of their own are for native clients",
        )),
    }
}

/// Checks an address of the client's own server, or a page of it.
///
/// # Errors
/// E014002, which says what would be right.
pub fn check_web_uri(field: &str, uri: String) -> Result<String> {
    let url = check_absolute(field, &uri)?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        return Ok(uri);
    }
    Err(invalid(field, &uri, "must begin with https://; http is for localhost, 127.0.0.1 and [::1]"))
}

/// Checks for whom tokens are: an absolute URI without a fragment (RFC 8707, section 2), or a name without blanks.
///
/// # Errors
/// E014002, which says what would be right.
pub fn check_audience(field: &str, audience: String) -> Result<String> {
    let is_visible = |text: &str| text.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'#');
    if !audience.is_empty() && audience.len() <= MAX_LENGTH && is_visible(&audience) {
        return Ok(audience);
    }
    let why = "must be of 1 to 2048 visible ASCII characters without #, as in https://api.example.com";
    Err(invalid(field, &audience, why))
}

fn check_absolute(field: &str, uri: &str) -> Result<Url> {
    if uri.len() > MAX_LENGTH {
        return Err(invalid(field, uri, "is too long: at most 2048 bytes"));
    }
    if !uri.bytes().all(|byte| matches!(byte, 0x21..=0x7e)) || uri.contains(['"', '<', '>', '\\', '*']) {
        return Err(invalid(
            field,
            uri,
            "must be of visible ASCII characters, others percent-encoded, and without wildcards",
        ));
    }
    let url = Url::parse(uri).map_err(|_| {
        invalid(field, uri, "must be an absolute URI, as in https://app.example.com/callback")
    })?;
    if uri.contains('#') {
        return Err(invalid(field, uri, "must be without a fragment, which begins with #"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(field, uri, "must be without a user name"));
    }
    let is_web = matches!(url.scheme(), "http" | "https");
    // `https:host` and the like are read by some and not by others.
    let rest = uri.get(url.scheme().len()..).unwrap_or_default();
    let has_authority = rest.strip_prefix("://").is_some_and(|host| !host.starts_with('/'));
    if is_web && (!has_authority || url.host_str().is_none_or(str::is_empty)) {
        return Err(invalid(field, uri, "must name a host, as in https://app.example.com/callback"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    LOOPBACK.contains(&host) || host.ends_with(".localhost")
}

/// A URI on a loopback address without its port: what is before it, and what is behind it. None for any other.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = LOOPBACK.into_iter().find(|host| {
        let behind = rest.strip_prefix(host);
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with([':', '/', '?']))
    })?;
    let behind = rest.strip_prefix(host)?;
    let Some(port) = behind.strip_prefix(':') else { return Some((host, behind)) };
    let end = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
    let (digits, path) = port.split_at(end);
    let is_port = digits.parse::<u16>().is_ok_and(|port| port != 0);
    (is_port && (path.is_empty() || path.starts_with(['/', '?']))).then_some((host, path))
}

/// A URI as it is, and an encoded query behind what it has of one: nothing of it is written in another way.
#[must_use]
pub fn with_query(uri: &str, query: &str) -> String {
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, before)) if before.is_empty() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{query}")
}

impl Client {
    /// Whether users may be sent back to this URI. It is compared as text; on a loopback address, native clients choose their
    /// port each time (RFC 8252, section 7.3).
    #[must_use]
    pub fn has_redirect_uri(&self, given: &str) -> bool {
        self.matches(&self.redirect_uris, given)
    }

    /// Whether users may be sent to this URI after they have logged out.
    #[must_use]
    pub fn has_post_logout_redirect_uri(&self, given: &str) -> bool {
        self.matches(&self.post_logout_redirect_uris, given)
    }

    fn matches(&self, registered: &[String], given: &str) -> bool {
        let is_native = self.kind == ClientKind::Native;
        let loopback = if is_native { without_port(given) } else { None };
        registered.iter().any(|uri| uri == given || (loopback.is_some() && without_port(uri) == loopback))
    }

    /// The origins of its redirect URIs, if it runs where others can read what it is given: its pages may read what the token
    /// endpoint answers (CORS).
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        if !self.is_public() {
            return Vec::new();
        }
        let urls = self.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
        let web = urls.filter(|url| matches!(url.scheme(), "http" | "https"));
        let mut origins: Vec<String> = web.map(|url| url.origin().ascii_serialization()).collect();
        origins.sort_unstable();
        origins.dedup();
        origins
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ClientId, Timestamp};

    fn client(kind: ClientKind, uris: &[&str]) -> Client {
        let id = ClientId::parse("zcli0").unwrap();
        let mut client = Client::plain(id, kind, Timestamp::from_micros(0));
        client.redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        client
    }

    fn accepts(kind: ClientKind, uri: &str) -> bool {
        check_redirect_uris("redirect_uris", kind, vec![uri.to_owned()]).is_ok()
    }

    #[test]
    fn browsers_are_sent_over_tls_or_to_their_own_machine() {
        for good in [
            "https://app.example.com",
            "https://app.example.com/cb?a=b",
            "https://app.example.com:8443/cb",
            "http://localhost:3000/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:1/cb",
            "http://app.localhost/",
        ] {
            for kind in [ClientKind::Web, ClientKind::Spa, ClientKind::Native] {
                assert!(accepts(kind, good), "{good}");
            }
        }
        for bad in [
            "",
            "/cb",
            "//app.example.com/cb",
            "app.example.com/cb",
            "https:app.example.com/cb",
            "https:/app.example.com/cb",
            "https:///cb",
            "https://",
            "http://app.example.com/cb",
            "http://127.0.0.1.example.com/cb",
            "http://10.0.0.1/cb",
            "https://user@app.example.com/cb",
            "https://app.example.com/cb#",
            "https://app.example.com/c b",
            "https://app.example.com/\ncb",
            "https://app.example.com\\cb",
            "https://*.example.com/cb",
            "https://\u{e4}.example.com/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
        ] {
            for kind in [ClientKind::Web, ClientKind::Spa, ClientKind::Native] {
                assert!(!accepts(kind, bad), "{bad}");
            }
        }
        for scheme in ["com.example.app:/cb", "com.example.app://cb"] {
            assert!(accepts(ClientKind::Native, scheme) && !accepts(ClientKind::Web, scheme), "{scheme}");
        }
        assert!(!accepts(ClientKind::Web, &format!("https://a.example/{}", "x".repeat(2048))));
        let many = (0..101).map(|i| format!("https://a.example/{i}")).collect();
        assert!(check_redirect_uris("redirect_uris", ClientKind::Web, many).is_err());
    }

    #[test]
    fn a_redirect_uri_is_compared_as_text() {
        let web = client(ClientKind::Web, &["https://a.example/cb", "http://127.0.0.1:80/cb"]);
        assert!(web.has_redirect_uri("https://a.example/cb"));
        for other in [
            "https://a.example/cb/",
            "https://a.example/CB",
            "https://A.example/cb",
            "https://a.example:443/cb",
            "https://a.example/cb?x=1",
            "https://a.example/x/../cb",
            "https://a.example/cb#",
            "https://a.example.evil.example/cb",
            "http://127.0.0.1:81/cb",
            "",
        ] {
            assert!(!web.has_redirect_uri(other), "{other}");
        }
    }

    #[test]
    fn a_native_client_chooses_its_port_on_a_loopback_address() {
        let native =
            client(ClientKind::Native, &["http://127.0.0.1/cb", "http://[::1]:5000/cb", "http://localhost"]);
        for given in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:1/cb",
            "http://127.0.0.1:65535/cb",
            "http://[::1]/cb",
            "http://[::1]:6000/cb",
            "http://localhost:7000",
        ] {
            assert!(native.has_redirect_uri(given), "{given}");
        }
        for other in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:1/cb/",
            "http://127.0.0.1:1/other",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.2/cb",
            "http://localhost:1/cb",
            "http://localhost.evil.example",
            "https://127.0.0.1:1/cb",
        ] {
            assert!(!native.has_redirect_uri(other), "{other}");
        }
    }

    #[test]
    fn a_query_is_added_to_a_uri_as_it_is() {
        for (uri, expected) in [
            ("https://A.example", "https://A.example?a=b"),
            ("https://a.example:443/x?", "https://a.example:443/x?a=b"),
            ("https://a.example/x?y='%7e'", "https://a.example/x?y='%7e'&a=b"),
            ("https://a.example/x?y&", "https://a.example/x?y&a=b"),
            ("com.example.app:/x", "com.example.app:/x?a=b"),
        ] {
            assert_eq!(with_query(uri, "a=b"), expected);
        }
    }

    #[test]
    fn origins_are_those_of_public_clients_with_pages() {
        let uris = ["https://a.example/cb", "https://a.example/x", "http://localhost:3000/cb"];
        assert_eq!(client(ClientKind::Spa, &uris).origins(), ["http://localhost:3000", "https://a.example"]);
        assert!(client(ClientKind::Web, &uris).origins().is_empty());
        assert!(client(ClientKind::Native, &["com.example.app:/cb"]).origins().is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_accepted_or_refused(text in "(https?://|com\\.x:)?\\PC{0,40}") {
            for kind in [ClientKind::Web, ClientKind::Native] {
                if accepts(kind, &text) {
                    // What is accepted is found again, and is of visible characters alone.
                    prop_assert!(client(kind, &[&text]).has_redirect_uri(&text));
                    prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
                }
            }
        }
    }
}
