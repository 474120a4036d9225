//! Private keys that sign tokens.
//!
//! ring computes with them, and makes those of P-256 and Ed25519. It makes none of RSA: the crate `rsa` does, and does nothing
//! else here (RUSTSEC-2023-0071 is about what it computes with private keys).

use std::fmt;

use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use super::jwk::PublicKey;
use crate::domain::{Error, Random, Result, SigningAlg};

/// The length of RSA keys, in bits: what every client knows, at 112 bits of security until 2030 (NIST SP 800-57).
const RSA_BITS: usize = 2048;

/// A key that signs by one algorithm.
pub struct SigningKey {
    kid: String,
    public: PublicKey,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("alg", &self.alg()).finish_non_exhaustive()
    }
}

fn rejected(error: impl fmt::Display) -> Error {
    Error::internal(format!("a signing key cannot be used: {error}"))
}

/// Makes a private key: PKCS #8. For RSA it takes a good part of a second.
///
/// # Errors
/// As [`Random::fill`].
pub fn generate(alg: SigningAlg, random: &dyn Random) -> Result<Zeroizing<Vec<u8>>> {
    let made = |document: std::result::Result<ring::pkcs8::Document, ring::error::Unspecified>| {
        let document = document.map_err(|_| Error::internal("no randomness for a signing key"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    };
    match alg {
        SigningAlg::Rs256 => {
            let key = rsa::PrivateKey::new(&mut Source(random), RSA_BITS).map_err(rejected)?;
            let document = key.to_pkcs8_der().map_err(rejected)?;
            Ok(Zeroizing::new(document.as_bytes().to_vec()))
        }
        SigningAlg::Es256 => {
            made(EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()))
        }
        SigningAlg::EdDsa => made(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())),
    }
}

impl SigningKey {
    /// Reads a private key: PKCS #8.
    ///
    /// # Errors
    /// [`Error::Internal`] for what is no key of this algorithm.
    pub fn from_pkcs8(alg: SigningAlg, pkcs8: &[u8]) -> Result<Self> {
        let (pair, public) = match alg {
            SigningAlg::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                (Pair::Rsa(Box::new(pair)), PublicKey::rsa(public.n, public.e))
            }
            SigningAlg::Es256 => {
                let random = SystemRandom::new();
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random);
                let pair = pair.map_err(rejected)?;
                let public = PublicKey::p256(pair.public_key().as_ref());
                (Pair::P256(Box::new(pair)), public)
            }
            SigningAlg::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
                let public = PublicKey::ed25519(pair.public_key().as_ref());
                (Pair::Ed25519(Box::new(pair)), public)
            }
        };
        let public = public.ok_or_else(|| rejected("its public half is out of bounds"))?;
        Ok(Self { kid: public.thumbprint(), public, pair })
    }

    /// Its id: the thumbprint of its public half.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs by.
    #[must_use]
    pub const fn alg(&self) -> SigningAlg {
        self.public.alg()
    }

    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A signature over a message. With RSA it takes a good part of a millisecond.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(rejected)?;
                Ok(signature)
            }
            Pair::P256(pair) => Ok(pair.sign(&random, message).map_err(rejected)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// Our randomness, as the crate `rsa` takes it.
struct Source<'a>(&'a dyn Random);

/// There is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoRandomness(String);

impl TryRng for Source<'_> {
    type Error = NoRandomness;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), Self::Error> {
        self.0.fill(bytes).map_err(|error| NoRandomness(error.to_string()))
    }
}

impl TryCryptoRng for Source<'_> {}

#[cfg(test)]
pub(in crate::crypto) mod tests {
    use std::sync::OnceLock;

    use super::*;

    /// A key of an algorithm, made once for all tests.
    pub(in crate::crypto) fn key_of(alg: SigningAlg) -> SigningKey {
        static KEYS: [OnceLock<Zeroizing<Vec<u8>>>; 3] = [const { OnceLock::new() }; 3];
        let place = SigningAlg::ALL.iter().position(|known| *known == alg).unwrap();
        let pkcs8 = KEYS[place].get_or_init(|| generate(alg, &crate::domain::SystemRandom).unwrap());
        SigningKey::from_pkcs8(alg, pkcs8).unwrap()
    }

    #[test]
    fn a_key_signs_what_its_public_half_verifies() {
        for alg in SigningAlg::ALL {
            let key = key_of(alg);
            assert_eq!((key.alg(), key.public().alg()), (alg, alg));
            assert_eq!(key.kid(), key.public().thumbprint());
            let signature = key.sign(b"message").unwrap();
            assert!(key.public().verifies(b"message", &signature));
            assert!(!key.public().verifies(b"massage", &signature));
        }
    }

    #[test]
    fn a_key_of_another_algorithm_or_none_is_refused_and_does_not_print() {
        let pkcs8 = generate(SigningAlg::EdDsa, &crate::domain::SystemRandom).unwrap();
        assert!(SigningKey::from_pkcs8(SigningAlg::Es256, &pkcs8).is_err());
        assert!(SigningKey::from_pkcs8(SigningAlg::Rs256, &pkcs8).is_err());
        assert!(SigningKey::from_pkcs8(SigningAlg::EdDsa, b"").is_err());
        let text = format!("{:?}", SigningKey::from_pkcs8(SigningAlg::EdDsa, &pkcs8).unwrap());
        assert!(text.contains("kid") && !text.contains("pair"), "{text}");
    }

    #[test]
    fn a_failing_generator_gives_no_rsa_key() {
        #[derive(Debug)]
        struct Broken;
        impl Random for Broken {
            fn fill(&self, _bytes: &mut [u8]) -> Result<()> {
                Err(Error::internal("no randomness"))
            }
        }
        assert!(generate(SigningAlg::Rs256, &Broken).is_err());
    }
}
