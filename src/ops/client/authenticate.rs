//! Which client it is that calls.

use std::sync::Arc;

use crate::crypto::{compare, token};
use crate::domain::{AuthMethod, ClientId, Code, Context, Error, Password, Result};
use crate::ops::Sso;
use crate::ops::client::known::KnownClient;

/// What a client has sent to prove who it is.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// Its id alone.
    Id(String),
    /// Its id and its secret, in the header.
    Basic(String, Password),
    /// The same in the body.
    Post(String, Password),
    /// A JWT that it has signed (RFC 7523), and its id, where it sent that as well.
    Assertion(Password, Option<String>),
}

impl ClientCredential {
    const fn method(&self) -> AuthMethod {
        match self {
            Self::Id(_) => AuthMethod::None,
            Self::Basic(..) => AuthMethod::ClientSecretBasic,
            Self::Post(..) => AuthMethod::ClientSecretPost,
            Self::Assertion(..) => AuthMethod::PrivateKeyJwt,
        }
    }
}

/// That it is not known who calls: `invalid_client`.
pub(in crate::ops::client) fn refused(detail: impl Into<String>) -> Error {
    Error::refused(Code::AuthNotAllowed, detail.into())
}

impl Sso {
    /// Finds out which client calls, and that it is who it says. `audiences` are what a JWT of the client may name as the one that
    /// it is for: the issuer, and the address of the endpoint.
    ///
    /// # Errors
    /// E005001 with what is wrong, which is `invalid_client` of RFC 6749, section 5.2; E005009 for a wrong secret while the delay
    /// after wrong ones lasts.
    pub async fn authenticate_client(
        &self,
        ctx: &Context,
        given: &ClientCredential,
        audiences: &[&str],
    ) -> Result<Arc<KnownClient>> {
        let outcome = match given {
            ClientCredential::Id(client_id) => self.public_client(client_id).await,
            ClientCredential::Basic(client_id, secret) | ClientCredential::Post(client_id, secret) => {
                self.client_by_secret(given.method(), client_id, secret).await
            }
            ClientCredential::Assertion(assertion, client_id) => {
                self.client_by_assertion(assertion, client_id.as_deref(), audiences).await
            }
        };
        match outcome {
            // Who knows a secret does not wait for those who guess at the same address.
            Err(error @ Error::Refused { .. }) if !matches!(given, ClientCredential::Id(_)) => {
                let mut attempt = self.key_attempt(&ctx.remote_addr);
                self.check_throttle(&mut attempt).await?;
                self.record_failure(&attempt).await?;
                Err(error)
            }
            outcome => outcome,
        }
    }

    async fn public_client(&self, client_id: &str) -> Result<Arc<KnownClient>> {
        let known = self.active_client(client_id).await?.ok_or_else(unknown)?;
        check_method(&known, AuthMethod::None)?;
        Ok(known)
    }

    async fn client_by_secret(
        &self,
        method: AuthMethod,
        client_id: &str,
        secret: &Password,
    ) -> Result<Arc<KnownClient>> {
        let known = self.active_client(client_id).await?;
        let now = self.now();
        let given = token::digest(secret.expose());
        // Whether there is such a client or not, as many are compared.
        let mut is_right = false;
        let secrets = known.as_ref().map(|known| known.secrets.as_slice()).unwrap_or_default();
        for place in 0..2 {
            let secret = secrets.get(place);
            let is_valid =
                secret.is_some_and(|secret| secret.expiration_time.is_none_or(|expiration| expiration > now));
            let digest = secret.map_or([0; 32].as_slice(), |secret| secret.digest.as_slice());
            is_right |= compare::equal(digest, &given) && is_valid;
        }
        match known {
            // What is set up otherwise is said to who has the secret, and to who has none because none is asked for.
            Some(known) if is_right || known.secrets.is_empty() => {
                check_method(&known, method)?;
                Ok(known)
            }
            _ => Err(unknown()),
        }
    }

    /// The client with this id, if it may do anything.
    pub(in crate::ops::client) async fn active_client(
        &self,
        client_id: &str,
    ) -> Result<Option<Arc<KnownClient>>> {
        let Some(client_id) = ClientId::parse(client_id) else { return Ok(None) };
        let known = self.known_client(&client_id).await?;
        Ok(known.filter(|known| known.client.is_active))
    }
}

fn unknown() -> Error {
    refused("there is no active client with this client_id, or its secret is wrong")
}

/// The client must prove itself in the way that it is registered with.
pub(in crate::ops::client) fn check_method(known: &KnownClient, given: AuthMethod) -> Result<()> {
    let expected = known.client.auth_method;
    if expected == given {
        return Ok(());
    }
    let what = |method: AuthMethod| match method {
        AuthMethod::None => "client_id alone (none)",
        AuthMethod::ClientSecretBasic => "the header Authorization: Basic (client_secret_basic)",
        AuthMethod::ClientSecretPost => "client_secret in the body (client_secret_post)",
        AuthMethod::PrivateKeyJwt => "client_assertion (private_key_jwt)",
    };
    Err(refused(format!("this client is registered to send {}; it sent {}", what(expected), what(given))))
}
