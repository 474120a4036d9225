//! Proofs of possession (RFC 9449): a client signs each of its requests with a key of its own, to which its tokens are bound. Who
//! has stolen a token cannot use it without the key.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use crate::crypto::jose::jwk::PublicKey;
use crate::crypto::jose::jws::Jws;
use crate::crypto::{compare, token};
use crate::domain::{Error, OAuthError, Result, Timestamp, shown};
use crate::ops::Sso;
use crate::store;
use crate::store::Tx;

/// How old a proof may be, and how far its maker's clock may be ahead, in seconds.
const OLDEST: f64 = 90.0;
const AHEAD: f64 = 60.0;

/// For how many seconds it is noted that a proof was used: longer than it may be good.
const NOTED_SECONDS: i64 = 180;

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 512;

/// How often nonces change, in seconds. The one before is good as well.
const NONCE_SECONDS: i64 = 300;

/// How many characters of a nonce are sent: 132 bits.
const NONCE_LENGTH: usize = 22;

/// What a proof has to be for.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct ProofFor<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The endpoint, behind the issuer.
    pub path: &'a str,
    /// The token that comes along.
    pub access_token: Option<&'a str>,
}

/// A proof that is good, if it was not used before.
#[derive(Clone, Debug)]
pub(in crate::ops) struct GoodProof {
    /// The thumbprint of its key (RFC 7638).
    pub thumbprint: String,
    digest: [u8; 32],
    until: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    nonce: Option<String>,
    ath: Option<String>,
}

fn wrong(why: impl std::fmt::Display) -> Error {
    OAuthError::InvalidDpopProof.because(format!("DPoP: {why}"))
}

impl Sso {
    /// What a client has to put into its proofs now; None where that is not asked for.
    #[must_use]
    pub fn dpop_nonce(&self) -> Option<String> {
        self.config().oidc.dpop_nonce.then(|| self.nonce_at(self.nonce_step()))
    }

    fn nonce_step(&self) -> i64 {
        (self.system_time().as_micros() / 1_000_000).div_euclid(NONCE_SECONDS)
    }

    fn nonce_at(&self, step: i64) -> String {
        let mut nonce =
            BASE64URL_NOPAD.encode(&self.core.keyring.subject_digest(&format!("dpop nonce\n{step}")));
        nonce.truncate(NONCE_LENGTH);
        nonce
    }

    /// Checks all of a proof but that it was not used before, which is for [`use_proof`].
    ///
    /// # Errors
    /// `invalid_dpop_proof`, and `use_dpop_nonce` where it needs another nonce.
    pub(in crate::ops) fn check_dpop(&self, proof: &str, expected: ProofFor<'_>) -> Result<GoodProof> {
        let jws = Jws::parse(proof).ok_or_else(|| wrong("a proof is one JWT that is signed"))?;
        if !jws.is_typ("dpop+jwt") {
            let given = shown(jws.header.typ.as_deref().unwrap_or("nothing"));
            return Err(wrong(format!("typ has to be dpop+jwt, not {given}")));
        }
        let key = jws.header.jwk.as_deref().and_then(|jwk| PublicKey::parse(jwk.get()));
        let key = key.ok_or_else(|| {
            wrong("the header has to have jwk, a public key: RSA from 2048 bits, P-256 or Ed25519")
        })?;
        if !jws.is_signed_by(&key) {
            let (alg, given) = (key.alg().as_str(), shown(&jws.header.alg));
            return Err(wrong(format!(
                "it is not signed by the key in jwk: alg has to be {alg}, and it says {given}"
            )));
        }
        let claims: Claims =
            jws.claims().ok_or_else(|| wrong("it must have jti, htm, htu and iat, each once"))?;
        if claims.htm != expected.method {
            return Err(wrong(format!("htm has to be {}, not {}", expected.method, shown(&claims.htm))));
        }
        let uri = format!("{}{}", self.issuer(), expected.path);
        if !is_same_uri(&claims.htu, &uri) {
            return Err(wrong(format!("htu has to be {uri}, not {}", shown(&claims.htu))));
        }
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
            return Err(wrong(format!("jti must have 1 to {MAX_JTI} bytes, not {}", claims.jti.len())));
        }
        let now = self.system_time();
        let age = now.as_micros() as f64 / 1e6 - claims.iat;
        if !(-AHEAD..=OLDEST).contains(&age) {
            return Err(wrong(format!("iat has to be now, and it is {age:.0} seconds ago")));
        }
        if let Some(access_token) = expected.access_token {
            let digest = BASE64URL_NOPAD.encode(&Sha256::digest(access_token.as_bytes()));
            let given = claims.ath.as_deref().unwrap_or_default();
            if !compare::equal(given.as_bytes(), digest.as_bytes()) {
                return Err(wrong(
                    "ath has to be the SHA-256 of the access token that comes along, in base64url",
                ));
            }
        }
        if self.config().oidc.dpop_nonce {
            let step = self.nonce_step();
            let given = claims.nonce.as_deref().unwrap_or_default();
            let is_one = |step: i64| compare::equal(given.as_bytes(), self.nonce_at(step).as_bytes());
            if !is_one(step) && !is_one(step - 1) {
                let why = "DPoP: nonce has to be the one of the header DPoP-Nonce of this answer";
                return Err(OAuthError::UseDpopNonce.because(why));
            }
        }
        let thumbprint = key.thumbprint();
        let digest = token::digest(&format!("dpop\n{thumbprint}\n{}", claims.jti));
        Ok(GoodProof { thumbprint, digest, until: now.plus_seconds(NOTED_SECONDS) })
    }
}

/// Notes that a proof was used: with what it is used for, so that nobody fills the list who may not do anything.
///
/// # Errors
/// `invalid_dpop_proof` if it was used before.
pub(in crate::ops) async fn use_proof(tx: &mut Tx, proof: &GoodProof) -> Result<()> {
    if store::client::used_jwt::insert(tx, &proof.digest, proof.until).await? {
        return Ok(());
    }
    Err(wrong("it was used before: make a new one, with another jti, for each request"))
}

/// Whether tokens that are bound to a key may be asked for with this proof.
///
/// # Errors
/// `invalid_dpop_proof` without a proof, `invalid_grant` for one of another key.
pub(in crate::ops) fn check_bound(what: &str, bound_to: &str, proof: Option<&GoodProof>) -> Result<()> {
    let Some(proof) = proof else {
        return Err(wrong(format!("{what} is bound to a key: send a proof of it in the header DPoP")));
    };
    if compare::equal(proof.thumbprint.as_bytes(), bound_to.as_bytes()) {
        return Ok(());
    }
    let why = format!(
        "{what} is bound to the key with the thumbprint {bound_to}, and the DPoP proof is by {}",
        proof.thumbprint
    );
    Err(OAuthError::InvalidGrant.because(why))
}

/// Whether two addresses are the same but for query and fragment (RFC 9449, section 4.3).
fn is_same_uri(given: &str, expected: &str) -> bool {
    let read = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    read(given).is_some_and(|given| Some(given) == read(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_as_addresses() {
        let expected = "https://sso.example/oauth2/token";
        for same in [
            expected,
            "https://sso.example:443/oauth2/token",
            "HTTPS://SSO.example/oauth2/token",
            "https://sso.example/oauth2/token?x=1#y",
        ] {
            assert!(is_same_uri(same, expected), "{same}");
        }
        for other in ["", "token", "http://sso.example/oauth2/token", "https://sso.example/oauth2/token/"] {
            assert!(!is_same_uri(other, expected), "{other}");
        }
    }
}
