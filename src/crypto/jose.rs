//! JSON Web Tokens (RFC 7519) signed with HMAC-SHA256, as clients of linked definitions make them. They are only verified
//! here, never made.
//!
//! The algorithm is pinned (RFC 8725, section 3.1): only HS256 is ever computed, and a header
//! that says anything else is refused.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use crate::domain::{Timestamp, TokenRules};

/// The shortest key, in bytes: the length of the hash (RFC 7518, section 3.2).
pub const MIN_KEY_BYTES: usize = 32;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 8192;

/// How far the client's clock may be off.
const LEEWAY_SECONDS: i64 = 30;

/// Whether text has the shape of a token: three parts of base64url with dots between them. A user session token never has.
#[must_use]
pub fn has_shape(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let mut count = 0;
    text.split('.').all(|part| {
        count += 1;
        is_part(part)
    }) && count == 3
}

/// A token that can be read. Nothing in it is to be believed before [`Jwt::verify`].
pub struct Jwt<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    /// Extensions that have to be understood (RFC 7515, section 4.1.11); none are known here.
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    aud: Option<Audience>,
}

/// One or several (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl<'a> Jwt<'a> {
    /// Reads a token; None for what is none, is longer than 8 KiB, says that it is signed otherwise, or lacks a subject or
    /// an end.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_LENGTH || !has_shape(text) {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = read(header)?;
        let is_typed = header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        if header.alg != "HS256" || !is_typed || header.crit.is_some() {
            return None;
        }
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        Some(Self { signed, signature, claims: read(claims)? })
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
        let is_meant = match &rules.audience {
            Some(audience) => self.claims.aud.is_some() && self.claims.is_for(audience),
            None => self.claims.is_for(name),
        };
        let ends_in_time = rules.max_lifetime.is_none_or(|seconds| self.claims.ends_within(seconds, now));
        is_meant && ends_in_time && self.claims.is_valid_at(now)
    }

    /// Whether it was signed with this key. In constant time.
    #[must_use]
    pub fn is_signed_with(&self, key: &[u8]) -> bool {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
        mac.update(self.signed.as_bytes());
        mac.verify_slice(&self.signature).is_ok()
    }
}

impl Claims {
    /// Times are seconds since 1970, possibly with a fraction (RFC 7519, section 2).
    fn is_valid_at(&self, now: Timestamp) -> bool {
        let seconds = |time: Timestamp| time.as_micros() as f64 / 1e6;
        let (earliest, latest) = (now.plus_seconds(-LEEWAY_SECONDS), now.plus_seconds(LEEWAY_SECONDS));
        self.exp > seconds(earliest) && self.nbf.is_none_or(|nbf| nbf <= seconds(latest))
    }

    fn ends_within(&self, seconds: i64, now: Timestamp) -> bool {
        let latest = now.plus_seconds(seconds.saturating_add(LEEWAY_SECONDS));
        self.exp <= latest.as_micros() as f64 / 1e6
    }

    fn is_for(&self, audience: &str) -> bool {
        match &self.aud {
            None => true,
            Some(Audience::One(one)) => one == audience,
            Some(Audience::Many(many)) => many.iter().any(|one| one == audience),
        }
    }
}

/// A part as JSON. A member that stands there twice is refused.
fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    let json = BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
    // An array would be read as a struct, too.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

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
        let signature = BASE64URL_NOPAD.decode(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = BASE64URL_NOPAD.decode(key.as_bytes()).unwrap();
        let claims = || Claims { sub: String::new(), exp: 1_300_819_380.0, nbf: None, aud: None };
        let jwt = |signature| Jwt { signed, signature, claims: claims() };
        assert!(jwt(signature.clone()).is_signed_with(&key));
        assert!(!jwt(signature.clone()).is_signed_with(KEY));
        assert!(!jwt(signature[..31].to_vec()).is_signed_with(&key));
        assert!(!jwt(Vec::new()).is_signed_with(&key));
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
    fn a_session_token_is_never_taken_for_one() {
        assert!(has_shape("a.b.c") && has_shape("eyJ-_.eyJ.x9"));
        for text in
            ["", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", "a.b.c=", "a.b. c", "zust-_a", "a.é.c"]
        {
            assert!(!has_shape(text), "{text}");
        }
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
