//! Clients and signing keys that were read before. Changes by other nodes reach what is kept as they reach sessions: at once on
//! SQLite, within a tenth of a second on PostgreSQL.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use crate::crypto::jose::jwk::Jwk;
use crate::domain::{Client, ClientId, ClientSecret, Timestamp, VerifiedToken};
use crate::ops::kept::key_set::SigningKeys;
use crate::store::cache::moment::Kept;

/// How many clients are kept.
const SIZE: usize = 10_000;

/// How many clients' keys are fetched at the same time.
const FETCHING: usize = 8;

/// A client with what it proves itself by.
#[derive(Debug)]
pub struct KnownClient {
    /// The client.
    pub client: Client,
    /// Digests of its secrets, those that have ended included.
    pub(in crate::ops) secrets: Vec<ClientSecret>,
    /// Its public keys.
    pub(in crate::ops) keys: Vec<Jwk>,
    /// Whether it has registered itself, so that anybody may be behind it.
    pub(in crate::ops) is_self_registered: bool,
}

impl KnownClient {
    /// Whether anybody can do what it does: it proves nothing, or only that it is the one that has registered itself.
    pub(in crate::ops) fn is_stranger(&self) -> bool {
        self.client.is_public() || self.is_self_registered
    }
}

/// The keys of a client that publishes them, as they were fetched.
#[derive(Debug)]
pub(in crate::ops) struct FetchedKeys {
    /// Where from.
    pub uri: String,
    /// None if there were none ever.
    pub keys: Vec<Jwk>,
    /// When they were fetched, and when it was tried last.
    pub fetched: Timestamp,
    pub tried: Timestamp,
}

/// What is kept.
#[derive(Debug)]
pub(in crate::ops) struct KnownClients {
    pub(in crate::ops) clients: Cache<ClientId, Arc<Kept<Arc<KnownClient>>>>,
    /// Access tokens by their digests: the signature of each was right.
    pub(in crate::ops) tokens: Cache<[u8; 32], Arc<Kept<Arc<VerifiedToken>>>>,
    pub(in crate::ops) keys: ArcSwapOption<Kept<Arc<SigningKeys>>>,
    /// By the client whose they are.
    pub(in crate::ops) fetched: Cache<ClientId, Arc<FetchedKeys>>,
    /// Who fetches some.
    pub(in crate::ops) fetching: Semaphore,
}

impl Default for KnownClients {
    fn default() -> Self {
        Self {
            clients: Cache::new(SIZE),
            tokens: Cache::new(SIZE),
            keys: ArcSwapOption::empty(),
            fetched: Cache::new(SIZE),
            fetching: Semaphore::new(FETCHING),
        }
    }
}
