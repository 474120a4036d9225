//! Public keys as JSON: RSA, P-256 and Ed25519.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::SigningAlg;

/// How many keys of a set are looked at.
const MAX_KEYS: usize = 100;

/// The longest modulus, in bytes: 8192 bits.
const MAX_MODULUS: usize = 1024;

/// The longest public exponent, in bytes.
const MAX_EXPONENT: usize = 8;

/// A public key that verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Modulus and exponent, most significant byte first.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// The point, uncompressed (SEC 1, section 2.3.3).
    P256([u8; 65]),
    /// The point (RFC 8032, section 5.1.5).
    Ed25519([u8; 32]),
}

/// The members of a key that are looked at.
#[derive(Deserialize)]
struct Members {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<serde::de::IgnoredAny>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

/// A key of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// Its id, where it has one.
    pub kid: Option<String>,
    /// The key.
    pub key: PublicKey,
}

/// Why a set of keys is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// It is no JSON object with a list of keys.
    #[error("a JSON object with a list `keys` is needed (RFC 7517, section 5)")]
    NotASet,
    /// There is a private key among them.
    #[error("it holds a private key: give the public half alone, and use that private key no longer")]
    Private,
    /// None of them can be used.
    #[error(
        "none of its keys can be used: RSA from 2048 bits for RS256, P-256 for ES256, or Ed25519 for EdDSA"
    )]
    NoneUsable,
}

fn decode(text: Option<&String>) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text?.as_bytes()).ok()
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

impl PublicKey {
    /// The key with this modulus and exponent; None if they are out of bounds.
    #[must_use]
    pub fn rsa(n: Vec<u8>, e: Vec<u8>) -> Option<Self> {
        let is_plain = |bytes: &[u8]| bytes.first().is_some_and(|first| *first != 0);
        let fits =
            is_plain(&n) && is_plain(&e) && (256..=MAX_MODULUS).contains(&n.len()) && e.len() <= MAX_EXPONENT;
        fits.then_some(Self(Kind::Rsa { n, e }))
    }

    /// The key of P-256 with this point, uncompressed; None for another length.
    #[must_use]
    pub fn p256(point: &[u8]) -> Option<Self> {
        let point: [u8; 65] = point.try_into().ok()?;
        (point.first() == Some(&4)).then_some(Self(Kind::P256(point)))
    }

    /// The key of Ed25519 with this point; None for another length.
    #[must_use]
    pub fn ed25519(point: &[u8]) -> Option<Self> {
        Some(Self(Kind::Ed25519(point.try_into().ok()?)))
    }

    /// Reads a key from JSON; None for one that is not public, or of another kind.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        let members: Members = serde_json::from_str(json).ok()?;
        if members.d.is_some() { None } else { Self::of(&members) }
    }

    fn of(members: &Members) -> Option<Self> {
        let key = match (members.kty.as_str(), members.crv.as_deref()) {
            ("RSA", _) => Self::rsa(decode(members.n.as_ref())?, decode(members.e.as_ref())?)?,
            ("EC", Some("P-256")) => {
                let (x, y) = (decode(members.x.as_ref())?, decode(members.y.as_ref())?);
                // A leading byte of one may not be made up for by the other.
                if x.len() != 32 {
                    return None;
                }
                Self::p256(&[&[4][..], &x, &y].concat())?
            }
            ("OKP", Some("Ed25519")) => Self::ed25519(&decode(members.x.as_ref())?)?,
            _ => return None,
        };
        let is_for_it = members.alg.as_deref().is_none_or(|alg| alg == key.alg().as_str());
        is_for_it.then_some(key)
    }

    /// What it verifies: a key serves one algorithm.
    #[must_use]
    pub const fn alg(&self) -> SigningAlg {
        match self.0 {
            Kind::Rsa { .. } => SigningAlg::Rs256,
            Kind::P256(_) => SigningAlg::Es256,
            Kind::Ed25519(_) => SigningAlg::EdDsa,
        }
    }

    /// Whether this is a signature over the message.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Kind::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            Kind::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            Kind::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok()
            }
        }
    }

    /// Its members that matter, in the order in which a thumbprint is made of them.
    fn members(&self) -> Vec<(&'static str, String)> {
        match &self.0 {
            Kind::Rsa { n, e } => vec![("e", encode(e)), ("kty", "RSA".to_owned()), ("n", encode(n))],
            Kind::P256(point) => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at(32);
                vec![
                    ("crv", "P-256".to_owned()),
                    ("kty", "EC".to_owned()),
                    ("x", encode(x)),
                    ("y", encode(y)),
                ]
            }
            Kind::Ed25519(point) => {
                vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", encode(point))]
            }
        }
    }

    /// Its thumbprint (RFC 7638), in base64url: one name for one key, by whomever it is computed.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // None of the values has anything that JSON would escape.
        let members = self.members().into_iter().map(|(name, value)| format!("\"{name}\":\"{value}\""));
        let json = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        encode(&Sha256::digest(json.as_bytes()))
    }

    /// The key as JSON, with its id, its algorithm, and that it is for signatures.
    #[must_use]
    pub fn to_jwk(&self, kid: &str) -> Value {
        let mut jwk = json!({"kid": kid, "use": "sig", "alg": self.alg().as_str()});
        if let Some(object) = jwk.as_object_mut() {
            object.extend(self.members().into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        }
        jwk
    }
}

impl Jwk {
    /// The keys of a set that can be used. Others in it are passed over (RFC 7517, section 5).
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn parse_set(json: &str) -> Result<Vec<Self>, JwkError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_str(json).map_err(|_| JwkError::NotASet)?;
        let mut keys = Vec::new();
        for value in set.keys.into_iter().take(MAX_KEYS) {
            let Ok(members) = serde_json::from_value::<Members>(value) else { continue };
            if members.d.is_some() {
                return Err(JwkError::Private);
            }
            if members.usage.as_deref().is_some_and(|usage| usage != "sig") {
                continue;
            }
            keys.extend(PublicKey::of(&members).map(|key| Self { kid: members.kid, key }));
        }
        if keys.is_empty() { Err(JwkError::NoneUsable) } else { Ok(keys) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7638, section 3.1.
    const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

    /// RFC 8037, appendix A.2.
    const ED25519_KEY: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    /// RFC 7515, appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        let thumbprint = |json| PublicKey::parse(json).unwrap().thumbprint();
        assert_eq!(thumbprint(RSA), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(thumbprint(ED25519_KEY), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for json in [RSA, P256, ED25519_KEY] {
            let key = PublicKey::parse(json).unwrap();
            let written = key.to_jwk("1").to_string();
            assert_eq!(PublicKey::parse(&written).unwrap(), key);
            let set = Jwk::parse_set(&format!("{{\"keys\":[{written}]}}")).unwrap();
            assert_eq!(set, [Jwk { kid: Some("1".to_owned()), key }]);
        }
    }

    /// RFC 7515, appendix A.3, and RFC 8037, appendix A.4.
    #[test]
    fn signatures_are_those_of_the_rfcs() {
        for (key, message, signature) in [
            (
                P256,
                "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                ED25519_KEY,
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ] {
            let key = PublicKey::parse(key).unwrap();
            let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
            assert!(key.verifies(message.as_bytes(), &signature));
            assert!(!key.verifies(b"another", &signature));
            assert!(!key.verifies(message.as_bytes(), &signature[1..]));
            assert!(!key.verifies(message.as_bytes(), b""));
        }
    }

    #[test]
    fn what_is_no_public_key_of_ours_is_none() {
        for json in [
            r#"{"kty":"oct","k":"AAAA"}"#,
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"OKP","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"RS256"}"#,
            "[]",
            "",
        ] {
            assert_eq!(PublicKey::parse(json), None, "{json}");
        }
    }

    #[test]
    fn a_set_without_a_key_of_use_says_why() {
        assert_eq!(Jwk::parse_set("{}"), Err(JwkError::NotASet));
        assert_eq!(Jwk::parse_set(r#"{"keys":[]}"#), Err(JwkError::NoneUsable));
        let private = ED25519_KEY.replace("\"x\"", "\"d\":\"AA\",\"x\"");
        assert_eq!(Jwk::parse_set(&format!("{{\"keys\":[{private}]}}")), Err(JwkError::Private));
        let mixed = format!(r#"{{"keys":[5,{{"kty":"new"}},{ED25519_KEY}]}}"#);
        assert_eq!(Jwk::parse_set(&mixed).unwrap().len(), 1);
        let encryption = ED25519_KEY.replace("\"x\"", "\"use\":\"enc\",\"x\"");
        assert_eq!(Jwk::parse_set(&format!("{{\"keys\":[{encryption}]}}")), Err(JwkError::NoneUsable));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            prop_assert!(PublicKey::parse(&text).is_none());
            prop_assert!(Jwk::parse_set(&text).is_err());
        }
    }
}
