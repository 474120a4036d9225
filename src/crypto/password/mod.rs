//! Password hashes: Argon2id, hashes of other systems, the pool of hashing threads, complexity.

pub(super) mod complexity;
pub(super) mod foreign;
pub(super) mod hasher;
pub(super) mod keycloak;
pub(super) mod params;
pub(super) mod pool;
pub(super) mod stored;
