//! What every flow needs: the issuer, who a client is, tokens that are signed and verified, and keys that others verify them by.

use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::crypto::jose::jws::{self, Jws};
use crate::domain::{Client, ClientId, Code, Context, Error, OAuthError, Result, SigningAlg};
use crate::ops::Sso;
use crate::ops::client::authenticate::ClientCredential;
use crate::ops::client::known::KnownClient;

impl Deref for KnownClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// What a signature is to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Purpose {
    /// To be believed now.
    Now,
    /// To know who somebody was: an ID token that need not be valid any more.
    Hint,
}

impl Sso {
    /// The issuer, as clients know it.
    pub(in crate::ops) fn issuer(&self) -> &str {
        &self.config().oidc.issuer
    }

    /// The client with this id, if it may do anything.
    pub(in crate::ops) async fn client_in_force(
        &self,
        client_id: &ClientId,
    ) -> Result<Option<Arc<KnownClient>>> {
        Ok(self.known_client(client_id).await?.filter(|known| known.client.is_active))
    }

    /// The client that calls, once it has proved who it is.
    ///
    /// # Errors
    /// `invalid_client`, which says what would be right.
    pub(in crate::ops) async fn calling_client(
        &self,
        ctx: &Context,
        credential: &ClientCredential,
    ) -> Result<Arc<KnownClient>> {
        let issuer = self.issuer();
        let endpoints = ["token", "par", "introspect", "revoke", "device_authorization"]
            .map(|name| format!("{issuer}/oauth2/{name}"));
        let mut audiences = vec![issuer];
        audiences.extend(endpoints.iter().map(String::as_str));
        match self.authenticate_client(ctx, credential, &audiences).await {
            Err(Error::Refused { code: Code::AuthNotAllowed, detail }) => {
                let why = detail.as_deref().unwrap_or("the client did not prove who it is");
                Err(OAuthError::InvalidClient.because(why))
            }
            outcome => outcome,
        }
    }

    /// Signs a token.
    pub(in crate::ops) async fn sign_token(
        &self,
        alg: SigningAlg,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String> {
        let keys = self.signing_keys_for(alg).await?;
        let key = keys.signer(alg, self.now());
        jws::sign(key.ok_or_else(|| Error::internal("there is no key to sign with"))?, typ, claims)
    }

    /// What a token of this type says that was signed here; None for any other.
    pub(in crate::ops) async fn verified(
        &self,
        text: &str,
        typ: &str,
        purpose: Purpose,
    ) -> Result<Option<Map<String, Value>>> {
        let Some(jws) = Jws::parse(text).filter(|jws| jws.is_typ(typ)) else { return Ok(None) };
        let Some(kid) = jws.header.kid.as_deref() else { return Ok(None) };
        let keys = self.known_signing_keys().await?;
        let key = match purpose {
            Purpose::Now => keys.verifier(kid, self.now()),
            Purpose::Hint => keys.verifier_of_hints(kid),
        };
        let claims = key.filter(|key| jws.is_signed_by(key)).and_then(|_| jws.all_claims());
        let is_ours =
            |claims: &Map<String, Value>| claims.get("iss").and_then(Value::as_str) == Some(self.issuer());
        Ok(claims.filter(is_ours))
    }

    /// The keys that others verify tokens by: a set of JSON Web Keys.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn published_keys(&self) -> Result<Value> {
        Ok(self.signing_keys().await?.jwks(self.now()))
    }
}
