//! URLs that may hold a password, which does not print.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::config::load::setting::{Setting, as_toml};
use crate::config::load::value::Value;

/// A URL with, perhaps, a password. [`Display`](fmt::Display) and [`Debug`](fmt::Debug) mask it.
#[derive(Clone, Default)]
pub struct SecretUrl(SecretString);

impl SecretUrl {
    /// The URL itself, for the moment it is needed.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<&str> for SecretUrl {
    fn from(url: &str) -> Self {
        Self(SecretString::from(url))
    }
}

/// Query parameters that cannot be secret.
const PLAIN_PARAMETERS: [&str; 9] = [
    "sslmode",
    "ssl-mode",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "application_name",
    "tls",
    "connect_timeout",
];

/// The URL with what may be secret replaced: the password, and query parameters of unknown meaning. A password that is not
/// percent-encoded makes it uncertain where it ends; then all behind the scheme is masked.
impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.expose();
        let Some((scheme, rest)) = url.split_once("://") else {
            return f.write_str(if url.is_empty() { "" } else { "***" });
        };
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if tail.contains('@') || tail.contains('#') {
            return write!(f, "{scheme}://***");
        }
        write!(f, "{scheme}://")?;
        match authority.rsplit_once('@') {
            Some((user_info, host)) => match user_info.split_once(':') {
                Some((user, _)) => write!(f, "{user}:***@{host}")?,
                None => f.write_str(authority)?,
            },
            None => f.write_str(authority)?,
        }
        let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
        f.write_str(path)?;
        for (index, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            match parameter.split_once('=') {
                Some((name, _)) if !PLAIN_PARAMETERS.contains(&name) => write!(f, "{name}=***")?,
                _ => f.write_str(parameter)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Setting for SecretUrl {
    const EXPECTED: &'static str = "a URL";
    const IS_SECRET: bool = true;

    fn read(value: &Value) -> Result<Self, String> {
        value.string().map(|url| Self::from(url.trim())).ok_or_else(|| value.found_in_secret())
    }

    fn show(&self) -> String {
        as_toml(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(url: &str) -> String {
        let url = SecretUrl::from(url);
        assert_eq!(format!("{url:?}"), url.to_string());
        url.to_string()
    }

    #[test]
    fn the_password_is_masked_and_the_rest_is_not() {
        assert_eq!(masked("smtp://user:pw@host:587?tls=starttls"), "smtp://user:***@host:587?tls=starttls");
        assert_eq!(masked("smtp://user:p@w@host"), "smtp://user:***@host");
        assert_eq!(masked("smtp://host:25"), "smtp://host:25");
        assert_eq!(
            masked("postgres://u@h/db?password=pw&sslmode=require"),
            "postgres://u@h/db?password=***&sslmode=require"
        );
        assert_eq!(masked(""), "");
    }

    #[test]
    fn what_cannot_be_told_apart_is_masked_altogether() {
        assert_eq!(masked("postgres://u:p/w@h/db"), "postgres://***");
        assert_eq!(masked("postgres://u:p?w@h/db"), "postgres://***");
        assert_eq!(masked("postgres://u:p#w@h/db"), "postgres://***");
        assert_eq!(masked("postgres://h/db?password=a@b"), "postgres://***");
        assert_eq!(masked("u:pw@h"), "***");
    }

    proptest! {
        #[test]
        fn no_password_is_shown(password in "[!-~]{0,10}SECRET[!-~]{0,10}") {
            let url = format!("smtp://user:{password}@host:25");
            prop_assert!(!masked(&url).contains("SECRET"));
        }
    }
}
