//! Clients and signing keys that were read before. Changes by other nodes reach what is kept as they reach sessions: at once on
//! SQLite, within a tenth of a second on PostgreSQL.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use quick_cache::sync::Cache;

use crate::crypto::jose::jwk::Jwk;
use crate::domain::{Client, ClientId, ClientSecret, VerifiedToken};
use crate::ops::kept::key_set::SigningKeys;
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
    pub(in crate::ops) clients: Cache<ClientId, Arc<Kept<Arc<KnownClient>>>>,
    /// Access tokens by their digests: the signature of each was right.
    pub(in crate::ops) tokens: Cache<[u8; 32], Arc<Kept<Arc<VerifiedToken>>>>,
    pub(in crate::ops) keys: ArcSwapOption<Kept<Arc<SigningKeys>>>,
}

impl Default for KnownClients {
    fn default() -> Self {
        Self { clients: Cache::new(SIZE), tokens: Cache::new(SIZE), keys: ArcSwapOption::empty() }
    }
}
