//! The section `pages`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};

section! {
    /// The pages for people: sign in, sign up, account, administration.
    Pages = "pages" {
        /// Whether there are pages. "auto": with zato-sso serve, and not in the applications that Python makes of an object.
        is_active: Option<bool> = None,
        /// The address of the server as people see it, such as https://login.example.com: links in emails begin with it. Empty: on
        /// this machine alone http.listen, else emails have the token alone.
        url: String = String::new(),
        /// What the paths of all pages begin with, such as /sign-in.
        prefix: String = String::new(),
        /// The name of the site in pages. Empty: main.site_name.
        site_name: String = String::new(),
        /// A picture that stands in place of the name: SVG, PNG, JPEG or WebP, at most 256 KiB.
        logo: Option<PathBuf> = None,
        /// The colour of buttons, such as #0b57d0.
        accent_color: String = String::new(),
        /// A file of CSS that is added to that of the pages.
        css: Option<PathBuf> = None,
        /// A folder with templates (.html) and texts (.ftl) that override the built-in ones by file name, or add languages.
        templates: Option<PathBuf> = None,
        /// The address of the terms of service.
        terms_url: String = String::new(),
        /// The address of the privacy policy.
        privacy_url: String = String::new(),
        /// Hours that a session lasts at least of somebody who asks to be kept signed in, as far as session.max_lifetime allows.
        keep_signed_in_for: u32 = 720,
        /// Whether people may delete their own account.
        allow_account_deletion: bool = false,
    }
}

impl Pages {
    /// Whether there are pages, for a server or for an application in a Python process. They do not stand where the REST API
    /// does, which has the same paths.
    #[must_use]
    pub fn are_shown(&self, is_server: bool, http_prefix: &str) -> bool {
        self.is_active.unwrap_or(is_server && self.prefix != http_prefix)
    }

    /// What links to pages begin with; None where that is not known.
    #[must_use]
    pub fn base(&self, listen: SocketAddr) -> Option<String> {
        let url = self.url.trim_end_matches('/');
        if !url.is_empty() {
            return Some(format!("{url}{}", self.prefix));
        }
        let is_known = listen.ip().is_loopback() && listen.port() != 0;
        is_known.then(|| format!("http://{listen}{}", self.prefix))
    }
}

/// A link that can stand in a page.
fn check_link(key: &'static str, link: &str) -> Result<(), Invalid> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    if link.is_empty() || (is_web && !link.contains(|c: char| c.is_control() || c.is_whitespace())) {
        return Ok(());
    }
    Err(Invalid::new(key, "must be a full address, such as https://example.com/terms"))
}

impl Validate for Pages {
    fn validate(&self) -> Result<(), Invalid> {
        for (key, link) in [
            ("pages.url", &self.url),
            ("pages.terms_url", &self.terms_url),
            ("pages.privacy_url", &self.privacy_url),
        ] {
            check_link(key, link)?;
        }
        if self.url.contains(['?', '#']) {
            return Err(Invalid::new("pages.url", "must have neither ? nor # in it"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        let is_path = self.prefix.starts_with('/')
            && !self.prefix.ends_with('/')
            && !self.prefix.contains("//")
            && self.prefix.chars().all(plain);
        if !is_path && !self.prefix.is_empty() {
            let problem = "must be a path such as /sign-in, without a slash at its end, or empty";
            return Err(Invalid::new("pages.prefix", problem));
        }
        let digits = self.accent_color.strip_prefix('#').unwrap_or_default();
        let is_colour = matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_colour && !self.accent_color.is_empty() {
            return Err(Invalid::new("pages.accent_color", "must be a colour such as #0b57d0"));
        }
        within("pages.keep_signed_in_for", self.keep_signed_in_for, 1..=876_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(url: &str, prefix: &str) -> Pages {
        Pages { url: url.to_owned(), prefix: prefix.to_owned(), ..Pages::default() }
    }

    #[test]
    fn links_begin_with_the_address_that_people_see() {
        let base = |url, prefix, listen: &str| pages(url, prefix).base(listen.parse().unwrap());
        let table = [
            ("https://a.example/", "/in", "0.0.0.0:80", Some("https://a.example/in")),
            ("", "", "127.0.0.1:17010", Some("http://127.0.0.1:17010")),
            ("", "/in", "[::1]:17010", Some("http://[::1]:17010/in")),
            ("", "", "127.0.0.1:0", None),
            ("", "", "0.0.0.0:17010", None),
        ];
        for (url, prefix, listen, expected) in table {
            assert_eq!(base(url, prefix, listen).as_deref(), expected, "{url} {prefix} {listen}");
        }
    }

    #[test]
    fn they_are_shown_by_a_server_unless_the_api_stands_there() {
        let shown = |is_active, is_server, http_prefix| {
            Pages { is_active, ..Pages::default() }.are_shown(is_server, http_prefix)
        };
        assert!(shown(None, true, "/zato/sso") && shown(Some(true), false, "/zato/sso"));
        assert!(!shown(None, false, "/zato/sso") && !shown(Some(false), true, "/zato/sso"));
        assert!(!shown(None, true, ""));
    }

    #[test]
    fn what_would_break_a_page_is_refused() {
        let wrong = |change: fn(&mut Pages)| {
            let mut pages = Pages::default();
            change(&mut pages);
            pages.validate().is_err()
        };
        assert!(wrong(|pages| pages.terms_url = "javascript:alert(1)".to_owned()));
        assert!(wrong(|pages| pages.url = "https://a.example/?x".to_owned()));
        assert!(wrong(|pages| pages.accent_color = "#fff}body{".to_owned()));
        assert!(wrong(|pages| pages.accent_color = "red".to_owned()));
        assert!(wrong(|pages| pages.prefix = "in/".to_owned()));
        assert!(!wrong(|pages| pages.accent_color = "#0b57d0".to_owned()));
    }
}
