//! Clients and signing keys that were read before. Changes by other nodes reach what is kept as they reach sessions: at once on
//! SQLite, within a tenth of a second on PostgreSQL.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use quick_cache::sync::Cache;

use crate::crypto::jose::jwk::Jwk;
use crate::domain::{Client, ClientId, ClientSecret, Error, Result};
use crate::ops::Sso;
use crate::ops::client::signing_key::SigningKeys;
use crate::store;
use crate::store::cache::moment::Kept;

/// How many clients are kept.
const SIZE: usize = 10_000;

/// A client with what it proves itself by.
#[derive(Debug)]
pub struct KnownClient {
    /// The client.
    pub client: Client,
    /// Digests of its secrets, those that have ended included.
    pub(in crate::ops) secrets: Vec<ClientSecret>,
    /// Its public keys.
    pub(in crate::ops) keys: Vec<Jwk>,
}

/// What is kept.
#[derive(Debug)]
pub(in crate::ops) struct KnownClients {
    clients: Cache<ClientId, Arc<Kept<Arc<KnownClient>>>>,
    pub(in crate::ops::client) keys: ArcSwapOption<Kept<Arc<SigningKeys>>>,
}

impl Default for KnownClients {
    fn default() -> Self {
        Self { clients: Cache::new(SIZE), keys: ArcSwapOption::empty() }
    }
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
        drop(conn);
        let keys = client.jwks.as_deref().map(Jwk::parse_set).transpose().map_err(Error::internal)?;
        let found = Arc::new(KnownClient { client, secrets, keys: keys.unwrap_or_default() });
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
}
