//! The address that a request comes from: that of the connection, or what trusted proxies say of it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address. `X-Forwarded-For` is read from right to left, as far as what added to it is trusted: each proxy
/// appends the address that it was called from; addresses further left may be forged.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    // The header may stand in several lines, which count as one, in their order.
    for line in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        for entry in line.as_bytes().rsplit(|byte| *byte == b',') {
            if !is_trusted(client, trusted) {
                return client;
            }
            // What is not an address, `unknown` for instance, leaves the nearest proxy as the last one known.
            let Some(address) = parse(entry) else { return client };
            client = address;
        }
    }
    client
}

/// Whether a peer is a trusted proxy.
pub(in crate::http) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|block| block.contains(&peer))
}

/// Whether a peer says for whom it calls.
pub(in crate::http) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR)
}

/// An entry of the header: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let address = if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else if let Ok(socket) = text.parse::<SocketAddr>() {
        socket.ip()
    } else {
        text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_right_most_entry_that_is_not_trusted() {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "2001:db8:1::/48"].map(|block| block.parse().unwrap()).into();
        let table: &[(&str, &[&str], &str)] = &[
            // A client that is no trusted proxy can write anything into the header.
            ("192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1,198.51.100.1 , 10.2.3.4"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.2.3.4"], "198.51.100.1"),
            ("10.0.0.1", &["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["2001:db8:2::1"], "2001:db8:2::1"),
            ("10.0.0.1", &["[2001:db8:2::1]"], "2001:db8:2::1"),
            ("10.0.0.1", &["[2001:db8:2::1]:4711"], "2001:db8:2::1"),
            ("10.0.0.1", &["2001:DB8:0002::0001, [2001:db8:1::5]:80"], "2001:db8:2::1"),
            ("2001:db8:1::1", &["198.51.100.1"], "198.51.100.1"),
            ("2001:db8:2::1", &["198.51.100.1"], "2001:db8:2::1"),
            // An IPv4 address in the clothes of IPv6 is the IPv4 address.
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            ("::ffff:192.0.2.9", &[], "192.0.2.9"),
            // Not an address: nothing to the left of it can be trusted.
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, unknown, 10.2.3.4"], "10.2.3.4"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1,"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1:99999"], "10.0.0.1"),
            ("10.0.0.1", &["[198.51.100.1"], "10.0.0.1"),
            ("10.0.0.1", &["\u{e9}"], "10.0.0.1"),
        ];
        for (peer, lines, expected) in table {
            let mut headers = HeaderMap::new();
            for line in *lines {
                headers
                    .append(X_FORWARDED_FOR, axum::http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            let client = client_address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(client.to_string(), *expected, "{peer} {lines:?}");
        }
    }
}
