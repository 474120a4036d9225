//! The address a call comes from.

use std::net::IpAddr;

use ipnet::IpNet;

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

/// The network that an address is in, by so many bits of IPv4 and of IPv6. IPv4 written as IPv6 is IPv4.
#[must_use]
pub fn network_of(address: IpAddr, v4: u8, v6: u8) -> IpAddr {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { v4 } else { v6 };
    IpNet::new(address, bits).map_or(address, |network| network.network())
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
    fn an_address_is_in_a_network() {
        let network = |text: &str, v4, v6| network_of(text.parse().unwrap(), v4, v6).to_string();
        assert_eq!(network("192.0.2.77", 24, 48), "192.0.2.0");
        assert_eq!(network("::ffff:192.0.2.77", 32, 64), "192.0.2.77");
        assert_eq!(network("2001:db8:1:2:3::4", 32, 64), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:3::4", 24, 48), "2001:db8:1::");
    }

    #[test]
    fn what_is_not_an_address_is_none() {
        let ips: Vec<_> = RemoteAddr::new(["::1", "localhost", "10.0.0.1\0"]).ips().collect();
        assert_eq!(ips, [Some("::1".parse().unwrap()), None, Some("10.0.0.1".parse().unwrap())]);
    }
}
