//! Whether a form was sent by a page of ours.

use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use url::Url;

use crate::http::page::cookie::host;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser says nothing against that: it names a page of this host, or does not say where the form comes from.
/// `url` is the address of the server as people see it.
pub(in crate::http) fn is_from_here(parts: &Parts, url: &str) -> bool {
    let sites = parts.headers.get_all(SEC_FETCH_SITE).iter().map(|value| value.as_bytes());
    let sites: Vec<&[u8]> = sites.collect();
    if !sites.iter().all(|site| matches!(*site, b"same-origin" | b"none")) {
        return false;
    }
    // A proxy may have named another host, and a page that tells nothing of itself has the origin null.
    if sites.first() == Some(&&b"same-origin"[..]) {
        return true;
    }
    let own = |origin: &str| {
        let of_url = Url::parse(url).ok().filter(|url| url.origin().ascii_serialization() == origin);
        let of_host = origin.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
        of_url.is_some()
            || of_host.is_some_and(|(_, authority)| {
                host(parts).is_some_and(|host| host.eq_ignore_ascii_case(authority))
            })
    };
    parts.headers.get_all(header::ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(&own))
}

/// Whether a browser has come here by a form of a page of ours, or by a link on one: it says so, and it is going to show the answer.
pub(in crate::http) fn is_by_a_page(parts: &Parts) -> bool {
    let has = |name: &str, wanted: &str| parts.headers.get(name).is_some_and(|value| value == wanted);
    has("sec-fetch-site", "same-origin") && has("sec-fetch-dest", "document")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn what_another_page_sends_is_recognised() {
        let is_from_here = |headers: &[(&str, &str)]| {
            let request = Request::builder().header("host", "sso.example:8443");
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            is_from_here(&request.body(()).unwrap().into_parts().0, "https://login.example/in")
        };
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("origin", "https://sso.example:8443")],
            &[("origin", "https://login.example")],
        ] {
            assert!(is_from_here(headers), "{headers:?}");
        }
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none"), ("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://sso.example")],
            &[("origin", "https://sso.example:8443.evil.example")],
            &[("origin", "ftp://sso.example:8443")],
            &[("origin", "https://sso.example:8443"), ("origin", "https://evil.example")],
        ] {
            assert!(!is_from_here(headers), "{headers:?}");
        }
    }
}
