//! Where a browser is sent on to on this host: a page of ours, or what `next` names. Another host is one that a site has registered:
//! see [`registered_target`](crate::ops::Sso::registered_target).

use url::Url;

/// The longest that is followed.
const MAX_LENGTH: usize = 4_096;

/// A path, or a path below the pages, that leads to no other host; None for anything else. Control characters, which
/// browsers skip, spaces and backslashes, which they take for slashes, are in none.
pub(in crate::http) fn safe(next: &str) -> Option<&str> {
    let is_plain = |byte: u8| (0x21..0x7f).contains(&byte) && !b"\\\"<>`{}|^".contains(&byte);
    if next.is_empty() || next.len() > MAX_LENGTH || !next.bytes().all(is_plain) {
        return None;
    }
    let (path, _) = next.split_once(['?', '#']).unwrap_or((next, ""));
    let is_below =
        !next.starts_with(['/', '?', '#', '.']) && !path.contains([':', '@']) && !path.contains("//");
    let is_path = next.starts_with('/') && !next.starts_with("//");
    // What a browser makes of it has the last word.
    let base = Url::parse("https://here.invalid/below/").ok()?;
    let target = base.join(next).ok()?;
    (target.origin() == base.origin() && (is_below || is_path)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for next in ["/", "/a/b?c=d&e=%2F#f", "account", "account/sessions", "admin/user/zusr1?x=https://a"] {
            assert_eq!(safe(next), Some(next));
        }
        for next in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "https:evil.example",
            "http:/evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "account\r\nSet-Cookie: a=b",
            "/a\u{0}",
            "/a b",
            "../x",
            ".",
            "?x",
            "#x",
            "a//b",
            "user@evil.example",
            "/\u{2028}",
        ] {
            assert_eq!(safe(next), None, "{next:?}");
        }
        assert_eq!(safe(&format!("/{}", "a".repeat(4_096))), None);
    }
}
