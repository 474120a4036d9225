//! The tokens themselves: what they look like, what is kept of them, and how long they are valid.
//!
//! | token | looks like | kept |
//! |---|---|---|
//! | code | `zoac`, 256 random bits | its digest, once, for ten minutes |
//! | opaque access token | `zoat`, 256 random bits | its digest |
//! | JWT access token | RFC 9068 | nothing, unless it is called back |
//! | refresh token | `zort`, 128 random bits that find it, 256 that prove it | digests of both, one row for a sign-in however often it is refreshed |

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::crypto::Place;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{AccessTokenFormat, Client, Error, Parameters, Password, Result, Timestamp};
use crate::ops::Sso;
use crate::ops::client::dpop::{GoodProof, use_proof};
use crate::store;
use crate::store::Tx;
use crate::store::client::access_token::NewAccessToken;
use crate::store::client::authorization::Held;

const REFRESH: &str = "zort";
const OPAQUE: &str = "zoat";

/// The length of 128 and of 256 bits in base64url.
const KEY_LENGTH: usize = 22;
const SECRET_LENGTH: usize = 43;

/// The type of JWTs that are access tokens (RFC 9068, section 2.1).
pub(in crate::ops) const ACCESS_TYP: &str = "at+jwt";

/// What a token endpoint answers with (RFC 6749, section 5.1).
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: Password,
    /// How it is sent: `Bearer`, or `DPoP` where it is bound to a key.
    pub token_type: &'static str,
    /// For how many seconds it is valid.
    pub expires_in: i64,
    /// What continues the sign-in.
    pub refresh_token: Option<Password>,
    /// Who has signed in.
    pub id_token: Option<String>,
    /// What the access token is good for, between blanks.
    pub scope: String,
    /// What kind of token was issued, for token exchange alone (RFC 8693).
    pub issued_token_type: Option<&'static str>,
}

/// What a client sends to the token endpoint.
#[derive(Clone, Copy)]
pub(in crate::ops::client) struct Asked<'a> {
    pub parameters: &'a Parameters,
    pub proof: Option<&'a GoodProof>,
}

/// What becomes tokens once the transaction is committed.
pub(in crate::ops::client) struct Granted {
    pub held: Option<Held>,
    pub access: Access,
    pub nonce: Option<String>,
    pub refresh: Option<Refresh>,
    pub has_id_token: bool,
}

/// A refresh token with what is kept of it.
pub(in crate::ops) struct Refresh {
    pub token: Password,
    pub key: [u8; 32],
    pub digest: [u8; 32],
}

impl Refresh {
    /// From a token as a client sends it; None for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(REFRESH)?;
        let (key, secret) = rest.split_at_checked(KEY_LENGTH)?;
        (secret.len() == SECRET_LENGTH).then(|| Self {
            token: Password::from(text),
            key: token::digest(key),
            digest: token::digest(text),
        })
    }

    /// The key in clear.
    fn key_text(&self) -> &str {
        self.token.expose().get(REFRESH.len()..REFRESH.len() + KEY_LENGTH).unwrap_or_default()
    }
}

/// What an access token is to be good for.
pub(in crate::ops) struct NewAccess {
    /// The sign-in that it comes of; None where a client acts for itself.
    pub authorization_id: Option<Uuid>,
    /// Between blanks.
    pub scope: String,
    pub audiences: Vec<String>,
    /// For how long.
    pub seconds: i64,
}

/// An access token that is about to be made.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Access {
    /// The token, where it is opaque.
    opaque: Option<Password>,
    jti: String,
    pub scope: String,
    pub audiences: Vec<String>,
    pub thumbprint: Option<String>,
    pub now: Timestamp,
    pub seconds: i64,
}

impl Sso {
    /// A refresh token of a new sign-in.
    pub(in crate::ops) fn new_refresh(&self) -> Result<Refresh> {
        let key = BASE64URL_NOPAD.encode(&self.random().bytes::<16>()?);
        self.refresh_with(&key)
    }

    /// The one that takes the place of another.
    pub(in crate::ops) fn next_refresh(&self, former: &Refresh) -> Result<Refresh> {
        self.refresh_with(former.key_text())
    }

    fn refresh_with(&self, key: &str) -> Result<Refresh> {
        let secret = token::new_token(self.random(), TokenBits::Bits256)?;
        let text = Password::from(format!("{REFRESH}{key}{}", secret.expose()));
        Refresh::parse(text.expose()).ok_or_else(|| Error::internal("a refresh token has another form"))
    }

    /// Seals the successor of a refresh token, for who comes with the former once more.
    pub(in crate::ops) fn seal_successor(&self, former: &Refresh, next: &Refresh) -> Result<Vec<u8>> {
        self.core.keyring.seal(successor_place(former), next.token.expose().as_bytes(), self.random())
    }

    /// Opens it.
    pub(in crate::ops) fn open_successor(&self, former: &Refresh, sealed: &[u8]) -> Result<Refresh> {
        let opened = self.core.keyring.open(successor_place(former), sealed)?;
        let text = std::str::from_utf8(&opened).map_err(Error::internal)?;
        Refresh::parse(text).ok_or_else(|| Error::internal("a refresh token has another form"))
    }

    /// Begins an access token; what is kept of it is written with the transaction. With a proof it is bound to the key of that, which
    /// is used up.
    ///
    /// # Errors
    /// `invalid_dpop_proof` for a proof that was used before.
    pub(in crate::ops) async fn begin_access(
        &self,
        tx: &mut Tx,
        client: &Client,
        new: NewAccess,
        proof: Option<&GoodProof>,
    ) -> Result<Access> {
        let NewAccess { authorization_id, scope, audiences, seconds } = new;
        if let Some(proof) = proof {
            use_proof(tx, proof).await?;
        }
        let thumbprint = proof.map(|proof| proof.thumbprint.clone());
        let now = self.now();
        let opaque = match client.access_token_format {
            AccessTokenFormat::Jwt => None,
            AccessTokenFormat::Opaque => {
                let secret = token::new_token(self.random(), TokenBits::Bits256)?;
                Some(Password::from(format!("{OPAQUE}{}", secret.expose())))
            }
        };
        if let Some(opaque) = &opaque {
            let new = NewAccessToken {
                digest: &token::digest(opaque.expose()),
                client_id: client.client_id.as_str(),
                authorization_id,
                scopes: &scope,
                audiences: &audiences.join("\n"),
                thumbprint: thumbprint.as_deref(),
                is_revoked: false,
                creation_time: now,
                expiration_time: now.plus_seconds(seconds),
            };
            store::client::access_token::insert(tx, &new).await?;
        }
        let jti = new_jti(authorization_id, self.random().bytes()?);
        Ok(Access { opaque, jti, scope, audiences, thumbprint, now, seconds })
    }

    /// The access token, signed where it is a JWT: outside of any transaction.
    pub(in crate::ops) async fn finish_access(
        &self,
        client: &Client,
        held: Option<&Held>,
        access: &Access,
    ) -> Result<Password> {
        if let Some(opaque) = &access.opaque {
            return Ok(opaque.clone());
        }
        let client_id = client.client_id.as_str();
        let subject = match held {
            Some(held) => self.subject_of(client, &held.user_id).await?,
            None => client_id.to_owned(),
        };
        let mut claims = Map::new();
        claims.insert("iss".into(), self.issuer().into());
        claims.insert("sub".into(), subject.into());
        claims.insert("aud".into(), audience(&access.audiences));
        claims.insert("exp".into(), seconds(access.now.plus_seconds(access.seconds)).into());
        claims.insert("iat".into(), seconds(access.now).into());
        claims.insert("jti".into(), access.jti.as_str().into());
        claims.insert("client_id".into(), client_id.into());
        if !access.scope.is_empty() {
            claims.insert("scope".into(), access.scope.as_str().into());
        }
        if let Some(held) = held {
            claims.insert("auth_time".into(), seconds(held.auth_time).into());
            claims.insert("sid".into(), self.sid_of(client, held.sid).await?.into());
        }
        if let Some(act) = held.and_then(|held| held.act.as_deref()) {
            claims.insert("act".into(), serde_json::from_str(act).map_err(Error::internal)?);
        }
        if let Some(thumbprint) = &access.thumbprint {
            claims.insert("cnf".into(), json!({ "jkt": thumbprint }));
        }
        self.sign_token(client.id_token_alg, ACCESS_TYP, &claims).await.map(Password::from)
    }
}

fn successor_place(former: &Refresh) -> Place<'_> {
    Place { table: "sso_authorization", column: "successor", row: &former.digest }
}

/// What names a JWT: the sign-in that it comes of, and what makes it the only one of this name.
fn new_jti(authorization_id: Option<Uuid>, random: [u8; 16]) -> String {
    let authorization_id = authorization_id.unwrap_or_default();
    BASE64URL_NOPAD.encode(&[authorization_id.as_bytes().as_slice(), &random].concat())
}

/// The sign-in that a JWT comes of; None for one that a client has for itself, and for what is no name of ours.
pub(in crate::ops) fn authorization_of(jti: &str) -> Option<Uuid> {
    let bytes = BASE64URL_NOPAD.decode(jti.as_bytes()).ok()?;
    let (id, _) = bytes.split_first_chunk::<16>()?;
    Some(Uuid::from_bytes(*id)).filter(|id| !id.is_nil())
}

/// For whom a token is, as JSON: one, or several (RFC 7519, section 4.1.3).
pub(in crate::ops) fn audience(audiences: &[String]) -> Value {
    match audiences {
        [one] => Value::from(one.as_str()),
        several => Value::from(several),
    }
}

/// A time in seconds since 1970.
pub(in crate::ops) fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_found_by_its_first_part_and_proved_by_all_of_it() {
        let text = format!("{REFRESH}{}{}", "k".repeat(KEY_LENGTH), "s".repeat(SECRET_LENGTH));
        let refresh = Refresh::parse(&text).unwrap();
        assert_eq!(refresh.key, token::digest(&"k".repeat(KEY_LENGTH)));
        assert_eq!(refresh.digest, token::digest(&text));
        for wrong in ["", "zort", &text[1..], &format!("{text}s"), &text.replace('k', "é")] {
            assert!(Refresh::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_jwt_names_the_sign_in_that_it_comes_of() {
        let id = Uuid::from_u128(5);
        assert_eq!(authorization_of(&new_jti(Some(id), [7; 16])), Some(id));
        assert_eq!(authorization_of(&new_jti(None, [7; 16])), None);
        assert_eq!(authorization_of("x"), None);
    }
}
