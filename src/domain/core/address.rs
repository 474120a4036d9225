//! The address a call comes from.

use std::net::IpAddr;

use crate::domain::without_controls;

/// The remote address of a call: usually one, several where proxies stand between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteAddr(Vec<String>);

impl RemoteAddr {
    const MAX_ADDRESSES: usize = 16;
    const MAX_LENGTH: usize = 64;

    /// Takes addresses as given: each may itself hold several, joined by commas. Blank ones are left out, control
    /// characters too.
    pub fn new<S: AsRef<str>>(addresses: impl IntoIterator<Item = S>) -> Self {
        let mut all = Vec::new();
        for given in addresses {
            let clean = |part: &str| without_controls(part.trim(), Self::MAX_LENGTH);
            all.extend(given.as_ref().split(',').map(clean).filter(|part| !part.is_empty()));
        }
        all.truncate(Self::MAX_ADDRESSES);
        Self(all)
    }

    /// All of them, joined by `, `.
    #[must_use]
    pub fn joined(&self) -> String {
        self.0.join(", ")
    }

    /// Each of them as an IP address, None where it is not one.
    pub fn ips(&self) -> impl Iterator<Item = Option<IpAddr>> + '_ {
        self.0.iter().map(|text| text.parse().ok())
    }

    /// Whether none was given.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for RemoteAddr {
    fn from(text: &str) -> Self {
        Self::new([text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_lists_come_to_the_same() {
        let text = RemoteAddr::from("10.0.0.1,192.168.0.1 , ");
        assert_eq!(text, RemoteAddr::new(["10.0.0.1", "192.168.0.1"]));
        assert_eq!(text.joined(), "10.0.0.1, 192.168.0.1");
        assert!(RemoteAddr::from(" , ").is_empty());
    }

    #[test]
    fn what_is_not_an_address_is_none() {
        let ips: Vec<_> = RemoteAddr::new(["::1", "localhost", "10.0.0.1\0"]).ips().collect();
        assert_eq!(ips, [Some("::1".parse().unwrap()), None, Some("10.0.0.1".parse().unwrap())]);
    }
}
