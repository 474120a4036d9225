//! Which clients there are, and what all ways in which they prove themselves have in common.

use std::sync::Arc;

use crate::crypto::jose::jwk::Jwk;
use crate::domain::{AuthMethod, ClientId, Code, Context, Error, Result};
use crate::ops::Sso;
use crate::store;

pub(in crate::ops) use crate::ops::kept::client::KnownClient;

/// That it is not known who calls: `invalid_client`.
pub(in crate::ops::client) fn refused(detail: impl Into<String>) -> Error {
    Error::refused(Code::AuthNotAllowed, detail.into())
}

impl Sso {
    /// The client with this id, active or not.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn known_client(&self, client_id: &ClientId) -> Result<Option<Arc<KnownClient>>> {
        let known = &self.core.clients.clients;
        let moment = self.db().epochs().moment(self.now());
        if let Some(kept) = known.get(client_id).filter(|kept| moment.holds(kept)) {
            return Ok(Some(Arc::clone(&kept.value)));
        }
        let mut conn = self.db().read().await?;
        let Some(client) = store::client::registry::by_id(&mut conn, client_id).await? else {
            return Ok(None);
        };
        let secrets = store::client::secret::of_client(&mut conn, client_id).await?;
        let registration = store::client::registry::registration_digest(&mut conn, client_id).await?;
        drop(conn);
        let keys = client.jwks.as_deref().map(Jwk::parse_set).transpose().map_err(Error::internal)?;
        let found = Arc::new(KnownClient {
            client,
            secrets,
            keys: keys.unwrap_or_default(),
            is_self_registered: registration.is_some(),
        });
        if moment.may_keep() {
            let kept = moment.read(client_id.as_str(), Arc::clone(&found));
            known.insert(client_id.clone(), Arc::new(kept));
        }
        Ok(Some(found))
    }

    /// Whether pages of this origin may read what the provider answers (CORS): an active public client has a redirect URI on it.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn is_public_origin(&self, origin: &str) -> Result<bool> {
        let mut conn = self.db().read().await?;
        store::client::registry::is_public_origin(&mut conn, origin).await
    }

    /// Counts a secret, or a signature, that was wrong. Who knows the right one does not wait for those who guess at the same
    /// address, so that this is asked only now.
    ///
    /// # Errors
    /// E005009 while the delay after wrong ones lasts.
    pub(in crate::ops::client) async fn count_guess(&self, ctx: &Context) -> Result<()> {
        let mut attempt = self.key_attempt(&ctx.remote_addr);
        self.check_throttle(&mut attempt).await?;
        self.record_failure(&attempt).await
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
