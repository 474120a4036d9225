//! The section `smtp`.

use std::net::{IpAddr, Ipv6Addr};

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

use crate::config::load::error::Invalid;
use crate::config::load::secret_url::SecretUrl;
use crate::config::load::section::{Validate, section};

section! {
    /// The server that sends email.
    Smtp = "smtp" {
        /// Such as smtp://user:password@host:587?tls=starttls; tls may also be wrapper, as in smtps://, or none. Without
        /// tls it is starttls, but for servers on this machine. Without a URL nothing is sent, and the log says so.
        url: SecretUrl = SecretUrl::default(),
    }
}

/// How a connection to the server is encrypted. Certificates are checked wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// It begins in clear, and nothing is sent before it is encrypted.
    StartTls,
    /// It is encrypted from its first byte.
    Wrapper,
    /// It is not.
    None,
}

/// The server as `smtp.url` names it.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Its name or address, an IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How connections to it are encrypted.
    pub tls: SmtpTls,
    /// Name and password, if it asks for them.
    pub credentials: Option<(String, SecretString)>,
}

impl Smtp {
    /// What `smtp.url` says; None if it is not set.
    ///
    /// # Errors
    /// What is wrong with it, never with the URL itself, to be read after the key.
    pub fn server(&self) -> Result<Option<SmtpServer>, String> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let text = self.url.expose();
        if !text.starts_with("smtp://") && !text.starts_with("smtps://") {
            return Err("must begin with smtp:// or smtps://".to_owned());
        }
        let url = Url::parse(text).map_err(|error| format!("cannot be read: {error}"))?;
        let (host, is_local) = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => (decoded(name)?, name == "localhost"),
            Some(Host::Ipv4(address)) => (address.to_string(), address.is_loopback()),
            Some(Host::Ipv6(address)) => (address.to_string(), address == Ipv6Addr::LOCALHOST),
            Some(Host::Domain(_)) | None => return Err("must name a host".to_owned()),
        };
        // A URL parser reads the host as an address only where the scheme is one of the web's.
        let is_local = is_local || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(
                "has something behind the port: a # or / in a password is written %23 or %2F".to_owned()
            );
        }
        let tls = tls(&url, is_local)?;
        let default_port = match tls {
            SmtpTls::StartTls => 587,
            SmtpTls::Wrapper => 465,
            SmtpTls::None => 25,
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                Some((decoded(user)?, SecretString::from(decoded(password)?)))
            }
            _ => return Err("must have both a user and a password, or neither".to_owned()),
        };
        Ok(Some(SmtpServer { host, port: url.port().unwrap_or(default_port), tls, credentials }))
    }
}

fn tls(url: &Url, is_local: bool) -> Result<SmtpTls, String> {
    let is_wrapped = url.scheme() == "smtps";
    let mut tls = match (is_wrapped, is_local) {
        (true, _) => SmtpTls::Wrapper,
        (false, true) => SmtpTls::None,
        (false, false) => SmtpTls::StartTls,
    };
    for (name, value) in url.query_pairs() {
        tls = match (&*name, &*value) {
            ("tls", "wrapper") => SmtpTls::Wrapper,
            ("tls", "starttls") if !is_wrapped => SmtpTls::StartTls,
            ("tls", "none") if !is_wrapped => SmtpTls::None,
            ("tls", "starttls" | "none") => return Err("is smtps://, which goes with tls=wrapper".to_owned()),
            ("tls", _) => return Err("has a tls that is none of starttls, wrapper, none".to_owned()),
            _ => return Err("has a parameter other than tls".to_owned()),
        };
    }
    Ok(tls)
}

fn decoded(part: &str) -> Result<String, String> {
    let decoded = percent_decode_str(part).decode_utf8();
    decoded.map(Into::into).map_err(|_| "has an escape that is not UTF-8".to_owned())
}

impl Validate for Smtp {
    fn validate(&self) -> Result<(), Invalid> {
        self.server().map(drop).map_err(|problem| Invalid::new("smtp.url", problem))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn server(url: &str) -> Result<Option<SmtpServer>, String> {
        Smtp { url: SecretUrl::from(url) }.server()
    }

    #[test]
    fn a_url_names_server_port_encryption_and_credentials() {
        let table = [
            ("smtp://mail.example.com", "mail.example.com", 587, SmtpTls::StartTls),
            ("smtp://mail.example.com:2525?tls=starttls", "mail.example.com", 2525, SmtpTls::StartTls),
            ("smtp://mail.example.com?tls=none", "mail.example.com", 25, SmtpTls::None),
            ("smtp://mail.example.com/?tls=wrapper", "mail.example.com", 465, SmtpTls::Wrapper),
            ("smtps://mail.example.com", "mail.example.com", 465, SmtpTls::Wrapper),
            ("smtp://localhost:8025", "localhost", 8025, SmtpTls::None),
            ("smtp://127.0.0.1", "127.0.0.1", 25, SmtpTls::None),
            ("smtp://127.0.0.1?tls=starttls", "127.0.0.1", 587, SmtpTls::StartTls),
            ("smtp://[::1]:25", "::1", 25, SmtpTls::None),
            ("smtp://[2001:db8::1]", "2001:db8::1", 587, SmtpTls::StartTls),
        ];
        for (url, host, port, tls) in table {
            let server = server(url).unwrap().unwrap();
            assert_eq!((server.host.as_str(), server.port, server.tls), (host, port, tls), "{url}");
            assert!(server.credentials.is_none());
        }
        assert!(server("").unwrap().is_none());
        let (user, password) =
            server("smtp://me%40example.com:p%2Fw%C3%A9@h").unwrap().unwrap().credentials.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("me@example.com", "p/w\u{e9}"));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_url() {
        for url in [
            "u:hunter2@host",
            "smtp://u:hunter2@",
            "smtp://",
            "smtp://u:hunter2@host:99999",
            "smtp://u:hunter2@host?tls=maybe",
            "smtp://u:hunter2@host?x=hunter2",
            "smtps://u:hunter2@host?tls=none",
            "smtp://u:hunter2/x@host",
            "smtp://u:hunter2#x@host",
            "smtp://host/hunter2",
            "smtp://u@host",
            "smtp://:hunter2@host",
            "smtp://u:%ffhunter2@host",
        ] {
            let problem = server(url).unwrap_err();
            assert!(!problem.contains("hunter2") && !problem.contains('\n'), "{url}: {problem}");
        }
    }
}
