//! Public keys of credentials (COSE, RFC 9053 and 8230), and what they have signed.

use coset::cbor::value::Value;
use coset::iana::{self, EnumI64 as _};
use coset::{AsCborValue as _, CoseKey, KeyType, Label, RegisteredLabelWithPrivate};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::crypto::passkey::authenticator::cbor;
use crate::crypto::passkey::refusal::Refusal;

/// The algorithms that are offered, the first one first (COSE).
pub const ALGORITHMS: [i64; 4] = [-7, -8, -35, -257];

/// The longest key that is read, in bytes: RSA of 8,192 bits and some more.
const MAX_LENGTH: usize = 1_500;

/// Whether these bytes are a public key that signatures can be checked with.
#[must_use]
pub fn is_public_key(cose: &[u8]) -> bool {
    PublicKey::read(cose).is_ok()
}

/// A public key.
#[derive(Debug)]
pub(super) enum PublicKey {
    /// ECDSA over P-256: the point, uncompressed.
    Es256(Vec<u8>),
    /// ECDSA over P-384.
    Es384(Vec<u8>),
    /// Ed25519.
    EdDsa(Vec<u8>),
    /// RSA, PKCS #1 version 1.5, SHA-256.
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    pub fn read(mut cose: &[u8]) -> Result<Self, Refusal> {
        if cose.len() > MAX_LENGTH {
            return Err(Refusal::Key);
        }
        let value = cbor(&mut cose).map_err(|()| Refusal::Key)?;
        if !cose.is_empty() {
            return Err(Refusal::Key);
        }
        let key = CoseKey::from_cbor_value(value).map_err(|_| Refusal::Key)?;
        let Some(RegisteredLabelWithPrivate::Assigned(algorithm)) = key.alg else {
            return Err(Refusal::Algorithm);
        };
        let KeyType::Assigned(kind) = key.kty else { return Err(Refusal::Key) };
        match (algorithm, kind) {
            (iana::Algorithm::ES256, iana::KeyType::EC2) => {
                point(&key, iana::EllipticCurve::P_256, 32).map(Self::Es256)
            }
            (iana::Algorithm::ES384, iana::KeyType::EC2) => {
                point(&key, iana::EllipticCurve::P_384, 48).map(Self::Es384)
            }
            (iana::Algorithm::EdDSA, iana::KeyType::OKP) => {
                on_curve(&key, iana::EllipticCurve::Ed25519)?;
                bytes(&key, -2, 32).map(|x| Self::EdDsa(x.to_vec()))
            }
            (iana::Algorithm::RS256, iana::KeyType::RSA) => {
                let n = parameter(&key, -1)?.as_bytes().ok_or(Refusal::Key)?;
                let e = parameter(&key, -2)?.as_bytes().ok_or(Refusal::Key)?;
                Ok(Self::Rs256 { n: n.clone(), e: e.clone() })
            }
            (
                iana::Algorithm::ES256
                | iana::Algorithm::ES384
                | iana::Algorithm::EdDSA
                | iana::Algorithm::RS256,
                _,
            ) => Err(Refusal::Key),
            _ => Err(Refusal::Algorithm),
        }
    }

    /// Its algorithm (COSE).
    pub const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => -7,
            Self::Es384(_) => -35,
            Self::EdDsa(_) => -8,
            Self::Rs256 { .. } => -257,
        }
    }

    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let outcome = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Es384(point) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point).verify(message, signature)
            }
            Self::EdDsa(x) => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            Self::Rs256 { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        outcome.map_err(|_| Refusal::Signature)
    }
}

/// A point of this curve, uncompressed, as X9.62 has it.
fn point(key: &CoseKey, curve: iana::EllipticCurve, length: usize) -> Result<Vec<u8>, Refusal> {
    on_curve(key, curve)?;
    let (x, y) = (bytes(key, -2, length)?, bytes(key, -3, length)?);
    Ok([&[4], x, y].concat())
}

fn on_curve(key: &CoseKey, curve: iana::EllipticCurve) -> Result<(), Refusal> {
    let given = parameter(key, -1)?.as_integer().map(i128::from);
    if given == Some(i128::from(curve.to_i64())) { Ok(()) } else { Err(Refusal::Key) }
}

fn bytes(key: &CoseKey, label: i64, length: usize) -> Result<&[u8], Refusal> {
    let bytes = parameter(key, label)?.as_bytes().filter(|bytes| bytes.len() == length);
    bytes.map(Vec::as_slice).ok_or(Refusal::Key)
}

fn parameter(key: &CoseKey, label: i64) -> Result<&Value, Refusal> {
    let found = key.params.iter().find(|(name, _)| *name == Label::Int(label));
    found.map(|(_, value)| value).ok_or(Refusal::Key)
}
