//! Tokens in the compact form (RFC 7515, section 7.1): three parts of base64url with dots between them.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::Sha256;

use super::jwk::PublicKey;
use super::signing_key::SigningKey;
use crate::domain::{Error, Result};

/// The longest token that is looked at, in bytes.
pub const MAX_LENGTH: usize = 16_384;

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

/// What a token says of itself.
#[derive(Debug, Deserialize)]
pub struct Header {
    /// How it says that it is signed. It is compared with what a key is for, and chooses nothing.
    pub alg: String,
    /// What it is.
    pub typ: Option<String>,
    /// By which key.
    pub kid: Option<String>,
    /// The key itself, as JSON: for proofs of possession (RFC 9449), which are believed for what they prove alone.
    pub jwk: Option<Box<RawValue>>,
    /// Extensions that have to be understood (RFC 7515, section 4.1.11); none are known here.
    crit: Option<Value>,
}

/// A token that can be read. Nothing in it is to be believed before its signature was verified.
#[derive(Debug)]
pub struct Jws<'a> {
    /// What it says of itself.
    pub header: Header,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Reads a token; None for what is none, is longer than 16 KiB, or needs an extension to be understood.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_LENGTH || !has_shape(text) {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Header = read(&decode(header)?)?;
        if header.crit.is_some() {
            return None;
        }
        Some(Self { header, signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// Whether it says that it is this, such as `at+jwt` (RFC 7515, section 4.1.9).
    #[must_use]
    pub fn is_typ(&self, typ: &str) -> bool {
        let Some(given) = self.header.typ.as_deref() else { return false };
        let short = given.get(..12).filter(|prefix| prefix.eq_ignore_ascii_case("application/"));
        let given = if short.is_some() { given.get(12..).unwrap_or_default() } else { given };
        given.eq_ignore_ascii_case(typ)
    }

    /// Whether it was signed with the private half of this key, and says so.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.header.alg == key.alg().as_str() && key.verifies(self.signed.as_bytes(), &self.signature)
    }

    /// Whether it was authenticated with this secret, by HS256, and says so. In constant time.
    #[must_use]
    pub fn is_authenticated_with(&self, secret: &[u8]) -> bool {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any key");
        mac.update(self.signed.as_bytes());
        self.header.alg == "HS256" && mac.verify_slice(&self.signature).is_ok()
    }

    /// What it says. None unless it is an object with what is asked for, where no member that is looked at stands twice.
    #[must_use]
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        read(&self.payload)
    }

    /// All that it says. None unless it is an object in which no member stands twice.
    #[must_use]
    pub fn all_claims(&self) -> Option<Map<String, Value>> {
        read::<Unique>(&self.payload).map(|unique| unique.0)
    }
}

/// Signs claims: a token in the compact form.
///
/// # Errors
/// [`Error::Internal`] for claims that are no JSON.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String> {
    #[derive(Serialize)]
    struct Written<'h> {
        alg: &'h str,
        typ: &'h str,
        kid: &'h str,
    }
    let header = Written { alg: key.alg().as_str(), typ, kid: key.kid() };
    let header = serde_json::to_vec(&header).map_err(Error::internal)?;
    let claims = serde_json::to_vec(claims).map_err(Error::internal)?;
    let lengths = BASE64URL_NOPAD.encode_len(header.len()) + BASE64URL_NOPAD.encode_len(claims.len());
    let mut token = String::with_capacity(lengths + 2 + 342);
    BASE64URL_NOPAD.encode_append(&header, &mut token);
    token.push('.');
    BASE64URL_NOPAD.encode_append(&claims, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    BASE64URL_NOPAD.encode_append(&signature, &mut token);
    Ok(token)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(part.as_bytes()).ok()
}

/// An object as JSON. A member that is looked at and stands there twice is refused.
fn read<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    // An array would be read as a struct, too.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// An object in which no member stands twice.
struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Unique;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object in which no member stands twice")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a member stands twice"));
                    }
                }
                Ok(Unique(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::crypto::jose::signing_key::tests::key_of;
    use crate::domain::SigningAlg;

    fn part(json: &str) -> String {
        BASE64URL_NOPAD.encode(json.as_bytes())
    }

    #[test]
    fn what_is_signed_is_verified_by_its_key_and_by_no_other() {
        let keys = SigningAlg::ALL.map(key_of);
        for (index, key) in keys.iter().enumerate() {
            let token = sign(key, "at+jwt", &json!({"sub": "a"})).unwrap();
            let jws = Jws::parse(&token).unwrap();
            assert_eq!(jws.header.kid.as_deref(), Some(key.kid()));
            assert!(jws.is_typ("AT+jwt") && !jws.is_typ("jwt"));
            assert_eq!(jws.all_claims().unwrap()["sub"], "a");
            for (other, key) in keys.iter().enumerate() {
                assert_eq!(jws.is_signed_by(key.public()), index == other);
            }
            // The public half is no secret (RFC 8725, section 2.1).
            assert!(!jws.is_authenticated_with(key.public().to_jwk("1").to_string().as_bytes()));
        }
    }

    #[test]
    fn the_algorithm_is_that_of_the_key() {
        let key = key_of(SigningAlg::EdDsa);
        let payload = part(r#"{"sub":"a"}"#);
        for alg in ["none", "HS256", "ES256", "eddsa", "RS256"] {
            let signed = format!("{}.{payload}", part(&format!("{{\"alg\":\"{alg}\"}}")));
            let signature = BASE64URL_NOPAD.encode(&key.sign(signed.as_bytes()).unwrap());
            let token = format!("{signed}.{signature}");
            assert!(!Jws::parse(&token).unwrap().is_signed_by(key.public()), "{alg}");
        }
        assert!(Jws::parse(&format!("{}.{payload}.", part(r#"{"alg":"none"}"#))).is_none());
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let payload = part(r#"{"sub":"a"}"#);
        for header in [
            r#"{"alg":"EdDSA","crit":["exp"],"exp":1}"#,
            r#"{"alg":"EdDSA","crit":[]}"#,
            r#"{"alg":"EdDSA","alg":"none"}"#,
            r#"["EdDSA"]"#,
            r#"{"typ":"JWT"}"#,
            "",
        ] {
            assert!(Jws::parse(&format!("{}.{payload}.AAAA", part(header))).is_none(), "{header}");
        }
        let header = part(r#"{"alg":"EdDSA"}"#);
        assert!(Jws::parse(&format!("{header}.{payload}.AAAA")).is_some());
        assert!(Jws::parse(&format!("{header}.{payload}.{}", "A".repeat(MAX_LENGTH))).is_none());
        // Bits that nobody looks at would make many texts of one token.
        assert!(Jws::parse(&format!("{header}.{payload}.AB")).is_none());
    }

    #[test]
    fn no_member_stands_twice() {
        let token = |json: &str| format!("{}.{}.AAAA", part(r#"{"alg":"EdDSA"}"#), part(json));
        assert!(Jws::parse(&token(r#"{"a":1,"b":2}"#)).unwrap().all_claims().is_some());
        for json in [r#"{"a":1,"a":1}"#, "[]", "5", ""] {
            let token = token(json);
            assert!(Jws::parse(&token).is_none_or(|jws| jws.all_claims().is_none()), "{json}");
        }
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

    proptest! {
        #[test]
        fn one_changed_character_and_it_is_not_signed(position in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.-]") {
            let key = key_of(SigningAlg::EdDsa);
            let token = sign(&key, "JWT", &json!({"sub": "a"})).unwrap();
            let position = position.index(token.len());
            let mut changed = token.clone();
            changed.replace_range(position..=position, &other);
            let is_signed = Jws::parse(&changed).is_some_and(|jws| jws.is_signed_by(key.public()));
            prop_assert_eq!(is_signed, changed == token);
        }
    }
}
