//! The keys that sign tokens, as all of them were read.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::crypto::jose::jwk::PublicKey;
use crate::crypto::jose::signing_key::SigningKey;
use crate::domain::{SigningAlg, SigningKeyInfo, Timestamp};

/// A key.
#[derive(Debug)]
pub(in crate::ops) struct Known {
    pub info: SigningKeyInfo,
    pub public: PublicKey,
    /// None once it does not sign any more.
    pub private: Option<Arc<SigningKey>>,
}

/// All keys that there are.
#[derive(Debug, Default)]
pub struct SigningKeys(pub(in crate::ops) Vec<Known>);

impl SigningKeys {
    /// The key that signs by this algorithm now. Before any of them does, the first: its maker's clock may be ahead of ours.
    #[must_use]
    pub fn signer(&self, alg: SigningAlg, now: Timestamp) -> Option<&Arc<SigningKey>> {
        let may_sign = |known: &&Known| {
            known.info.alg == alg && known.private.is_some() && is_published(&known.info, now)
        };
        let of_alg = || self.0.iter().filter(may_sign);
        let active = of_alg().filter(|known| known.info.activation_time <= now);
        let newest = active.max_by_key(|known| known.info.activation_time);
        newest.or_else(|| of_alg().min_by_key(|known| known.info.activation_time))?.private.as_ref()
    }

    /// The key with this id that verifies tokens which are to be valid now.
    #[must_use]
    pub fn verifier(&self, kid: &str, now: Timestamp) -> Option<&PublicKey> {
        let known = self.0.iter().find(|known| known.info.kid == kid)?;
        is_published(&known.info, now).then_some(&known.public)
    }

    /// The same for ID tokens that need not be valid any more: they say who wants to log out. A key that was withdrawn verifies
    /// nothing: somebody else may have it.
    #[must_use]
    pub fn verifier_of_hints(&self, kid: &str) -> Option<&PublicKey> {
        let known = self.0.iter().find(|known| known.info.kid == kid)?;
        (!is_withdrawn(&known.info)).then_some(&known.public)
    }

    /// The published keys (RFC 7517, section 5).
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Value {
        let published = self.0.iter().filter(|known| is_published(&known.info, now));
        json!({"keys": published.map(|known| known.public.to_jwk(&known.info.kid)).collect::<Vec<_>>()})
    }

    /// What may be told of each.
    pub fn infos(&self) -> impl Iterator<Item = &SigningKeyInfo> {
        self.0.iter().map(|known| &known.info)
    }

    /// Whether there is a key that signs by this algorithm.
    #[must_use]
    pub fn has(&self, alg: SigningAlg, now: Timestamp) -> bool {
        self.signer(alg, now).is_some()
    }
}

/// What is replaced in time is published for a day after it has signed last; what is withdrawn is not.
fn is_withdrawn(info: &SigningKeyInfo) -> bool {
    info.expiration_time.is_some() && info.expiration_time <= info.retirement_time
}

fn is_published(info: &SigningKeyInfo, now: Timestamp) -> bool {
    info.expiration_time.is_none_or(|expiration| expiration > now)
}
