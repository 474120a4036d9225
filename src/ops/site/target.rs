//! Where a browser may go on to on another host, after a login.

use url::Url;

use crate::domain::Result;
use crate::ops::Sso;
use crate::store;

/// The longest address that is looked at, in bytes.
const MAX_LENGTH: usize = 2_048;

/// An address on another host that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredTarget {
    /// The address, as browsers read it.
    pub url: String,
    /// Its origin: scheme, host, and port where that is not the usual one.
    pub origin: String,
}

impl Sso {
    /// An address whose very origin is that of a callback URI of an active site; None for any other. Neither a host below
    /// it nor another port or scheme will do.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn registered_target(&self, target: &str) -> Result<Option<RegisteredTarget>> {
        let Some(registered) = absolute(target) else { return Ok(None) };
        let mut conn = self.db().read().await?;
        let is_known =
            store::site::registry::has_origin(&mut conn, &format!("{}/", registered.origin)).await?;
        Ok(is_known.then_some(registered))
    }
}

/// An absolute address, as browsers read it. What they would read in another way than people is none.
fn absolute(target: &str) -> Option<RegisteredTarget> {
    let is_plain = |byte: u8| (0x21..0x7f).contains(&byte) && !b"\\\"<>`{}|^".contains(&byte);
    if target.len() > MAX_LENGTH || !target.bytes().all(is_plain) {
        return None;
    }
    if !["https://", "http://"].iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let url = Url::parse(target).ok()?;
    if !url.username().is_empty() || url.password().is_some() || target.contains('@') {
        return None;
    }
    let origin = url.origin().ascii_serialization();
    Some(RegisteredTarget { url: url.into(), origin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_browsers_read_it() {
        let origin = |target: &str| absolute(target).map(|target| target.origin);
        for (target, expected) in [
            ("https://shop.example", "https://shop.example"),
            ("https://shop.example:443/a?b=c#d", "https://shop.example"),
            ("https://SHOP.example/", "https://shop.example"),
            ("https:///shop.example/", "https://shop.example"),
            ("https://shop.example.evil.example/", "https://shop.example.evil.example"),
            ("http://localhost:8080/", "http://localhost:8080"),
        ] {
            assert_eq!(origin(target).as_deref(), Some(expected), "{target}");
        }
        for target in [
            "",
            "/a",
            "//shop.example",
            "https:shop.example",
            "HTTPS://shop.example",
            "javascript:alert(1)",
            "https://shop.example@evil.example/",
            "https://shop.example\\@evil.example/",
            "https://shop.example /",
            "https://shop.example/\u{e4}",
            "https://",
            &format!("https://shop.example/{}", "a".repeat(2_048)),
        ] {
            assert_eq!(absolute(target), None, "{target}");
        }
    }
}
