//! JSON Web Tokens (RFC 7519) signed with HMAC-SHA256, as clients of linked definitions make them. They are only verified
//! here, never made.
//!
//! The algorithm is pinned (RFC 8725, section 3.1): only HS256 is ever computed, and a header
//! that says anything else is refused.

use serde::Deserialize;

use super::claims::{Audience, ends_within, is_valid_at};
use super::jws::Jws;
use crate::domain::{Timestamp, TokenRules};

/// The shortest key, in bytes: the length of the hash (RFC 7518, section 3.2).
pub const MIN_KEY_BYTES: usize = 32;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 8192;

/// A token that can be read. Nothing in it is to be believed before [`Jwt::is_signed_with`].
pub struct Jwt<'a> {
    jws: Jws<'a>,
    claims: Claims,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    aud: Option<Audience>,
}

impl<'a> Jwt<'a> {
    /// Reads a token; None for what is none, is longer than 8 KiB, says that it is signed otherwise, or lacks a subject or
    /// an end.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let jws = Jws::parse(text)?;
        if jws.header.alg != "HS256" || (jws.header.typ.is_some() && !jws.is_typ("JWT")) {
            return None;
        }
        let claims = jws.claims()?;
        Some(Self { jws, claims })
    }

    /// Who the token says it is about, `sub`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// Whether it is valid now, give or take half a minute, not for longer than it may be, and meant for the audience that it
    /// must name, or else for the one with this name, if it says whom it is meant for. Of what it says nothing counts unless
    /// it is signed.
    #[must_use]
    pub fn is_good_for(&self, name: &str, rules: &TokenRules, now: Timestamp) -> bool {
        let claims = &self.claims;
        let is_meant = match (&rules.audience, &claims.aud) {
            (Some(audience), Some(given)) => given.has(audience),
            (Some(_), None) => false,
            (None, given) => given.as_ref().is_none_or(|given| given.has(name)),
        };
        let ends_in_time = rules.max_lifetime.is_none_or(|seconds| ends_within(now, claims.exp, seconds));
        is_meant && ends_in_time && is_valid_at(now, claims.exp, claims.nbf)
    }

    /// Whether it was signed with this key. In constant time.
    #[must_use]
    pub fn is_signed_with(&self, key: &[u8]) -> bool {
        self.jws.is_authenticated_with(key)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use sha2::Sha256;

    use super::*;

    const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
    const NOW: Timestamp = Timestamp::from_micros(1_772_034_712_500_000);
    const SECONDS: i64 = 1_772_034_712;

    fn part(json: &str) -> String {
        BASE64URL_NOPAD.encode(json.as_bytes())
    }

    fn sign(header: &str, claims: &str, key: &[u8]) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(signed.as_bytes());
        let signature = BASE64URL_NOPAD.encode(&mac.finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn token(claims: &Value) -> String {
        sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string(), KEY)
    }

    fn is_valid(text: &str) -> bool {
        Jwt::parse(text)
            .is_some_and(|jwt| jwt.is_signed_with(KEY) && jwt.is_good_for("crm", &TokenRules::default(), NOW))
    }

    fn keeps(rules: &TokenRules, claims: &Value) -> bool {
        Jwt::parse(&token(claims)).is_some_and(|jwt| jwt.is_good_for("crm", rules, NOW))
    }

    #[test]
    fn an_audience_that_is_asked_for_must_be_named() {
        let rules = TokenRules { audience: Some("api".to_owned()), max_lifetime: None };
        let exp = SECONDS + 60;
        assert!(keeps(&rules, &json!({"sub": "a", "exp": exp, "aud": "api"})));
        assert!(keeps(&rules, &json!({"sub": "a", "exp": exp, "aud": ["other", "api"]})));
        for wrong in [json!("crm"), json!([]), json!(["API"]), json!(null)] {
            assert!(!keeps(&rules, &json!({"sub": "a", "exp": exp, "aud": wrong})), "{wrong}");
        }
        assert!(!keeps(&rules, &json!({"sub": "a", "exp": exp})));
    }

    #[test]
    fn a_token_may_be_valid_for_so_long_and_no_longer() {
        let rules = TokenRules { audience: None, max_lifetime: Some(300) };
        // The client's clock may be ahead by half a minute.
        for (seconds, expected) in [(1, true), (300, true), (330, true), (331, false), (1e18 as i64, false)] {
            assert_eq!(keeps(&rules, &json!({"sub": "a", "exp": SECONDS + seconds})), expected, "{seconds}");
        }
        assert!(!keeps(&rules, &json!({"sub": "a"})) && !keeps(&rules, &json!({"sub": "a", "exp": 1e300})));
        assert!(keeps(&TokenRules::default(), &json!({"sub": "a", "exp": 1e300})));
    }

    /// RFC 7515, appendix A.1. It has no subject, so it is its signature alone that can be looked at.
    #[test]
    fn a_signature_is_that_of_the_rfc() {
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly\
                      9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let token = format!("{signed}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = BASE64URL_NOPAD.decode(key.as_bytes()).unwrap();
        let jws = Jws::parse(&token).unwrap();
        assert!(jws.is_authenticated_with(&key));
        assert!(!jws.is_authenticated_with(KEY));
        let short = token.get(..token.len() - 4).unwrap();
        assert!(!Jws::parse(short).is_some_and(|jws| jws.is_authenticated_with(&key)));
    }

    #[test]
    fn times_are_kept_within_half_a_minute() {
        let at = |claims: Value| is_valid(&token(&claims));
        for (exp, expected) in
            [(SECONDS + 3_600, true), (SECONDS - 29, true), (SECONDS - 30, false), (0, false)]
        {
            assert_eq!(at(json!({"sub": "a", "exp": exp})), expected, "{exp}");
        }
        assert!(at(json!({"sub": "a", "exp": SECONDS as f64 - 29.25})));
        let exp = SECONDS + 60;
        for (nbf, expected) in [(SECONDS, true), (SECONDS + 30, true), (SECONDS + 31, false)] {
            assert_eq!(at(json!({"sub": "a", "exp": exp, "nbf": nbf, "iat": 1})), expected, "{nbf}");
        }
        for wrong in [json!("soon"), json!(null), json!((SECONDS + 60).to_string()), json!([exp])] {
            assert!(!at(json!({"sub": "a", "exp": wrong})), "{wrong}");
        }
        assert!(!at(json!({"sub": "a"})) && !at(json!({"exp": exp})) && !at(json!({"sub": 5, "exp": exp})));
    }

    #[test]
    fn a_token_for_another_audience_is_rejected() {
        for (audience, expected) in [
            (json!("crm"), true),
            (json!(["other", "crm"]), true),
            (json!("other"), false),
            (json!([]), false),
            (json!({"crm": 1}), false),
        ] {
            let claims = json!({"sub": "a", "exp": SECONDS + 60, "aud": audience});
            assert_eq!(is_valid(&token(&claims)), expected, "{audience}");
        }
    }

    #[test]
    fn no_algorithm_but_the_one() {
        let claims = json!({"sub": "a", "exp": SECONDS + 60}).to_string();
        assert!(is_valid(&sign(r#"{"alg":"HS256"}"#, &claims, KEY)));
        assert!(is_valid(&sign(r#"{"alg":"HS256","typ":"jwt","kid":"5"}"#, &claims, KEY)));
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"none","alg":"HS256"}"#,
            r#"{"alg":"HS256","typ":"JOSE"}"#,
            r#"{"alg":"HS256","crit":["exp"]}"#,
            r#"{"typ":"JWT"}"#,
            r#"["HS256"]"#,
            "",
        ] {
            assert!(!is_valid(&sign(header, &claims, KEY)), "{header}");
        }
        let unsigned = format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims));
        assert!(!is_valid(&unsigned));
        assert!(!is_valid(&sign(r#"{"alg":"HS256"}"#, &claims, b"")));
    }

    #[test]
    fn what_is_too_long_is_not_looked_at() {
        let padded = |length| token(&json!({"sub": "a", "exp": SECONDS + 60, "x": "y".repeat(length)}));
        assert!(is_valid(&padded(5_000)));
        assert!(!is_valid(&padded(6_200)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}") {
            prop_assert!(!is_valid(&text));
        }

        #[test]
        fn one_changed_character_and_it_is_not_valid(position in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.-]") {
            let text = token(&json!({"sub": "a", "exp": SECONDS + 60}));
            let position = position.index(text.len());
            let mut changed = text.clone();
            changed.replace_range(position..=position, &other);
            prop_assert_eq!(is_valid(&changed), changed == text);
        }
    }
}
