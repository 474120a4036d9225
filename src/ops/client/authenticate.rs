//! Which client it is that calls.

use std::sync::Arc;

use crate::crypto::{compare, token};
use crate::domain::{AuthMethod, Context, Error, Password, Result};
use crate::ops::Sso;
use crate::ops::client::known::{KnownClient, check_method, refused};

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
        match given {
            ClientCredential::Id(client_id) => self.public_client(client_id).await,
            ClientCredential::Basic(client_id, secret) | ClientCredential::Post(client_id, secret) => {
                self.client_by_secret(ctx, given.method(), client_id, secret).await
            }
            ClientCredential::Assertion(assertion, client_id) => {
                self.client_by_assertion(ctx, assertion, client_id.as_deref(), audiences).await
            }
        }
    }

    async fn public_client(&self, client_id: &str) -> Result<Arc<KnownClient>> {
        let known = self.active_client(client_id).await?.ok_or_else(unknown)?;
        check_method(&known, AuthMethod::None)?;
        Ok(known)
    }

    async fn client_by_secret(
        &self,
        ctx: &Context,
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
            Some(known) if is_right => {
                check_method(&known, method)?;
                Ok(known)
            }
            Some(known) if !known.client.auth_method.needs_secret() => {
                check_method(&known, method)?;
                Err(unknown())
            }
            _ => {
                self.count_guess(ctx).await?;
                Err(unknown())
            }
        }
    }
}

fn unknown() -> Error {
    refused("there is no active client with this client_id, or its secret is wrong")
}
