//! Password hashes: Argon2id, hashes of other systems, the pool of hashing threads, complexity.

pub(super) mod common;
pub(super) mod complexity;
pub mod filter;
pub(super) mod firebase;
mod foreign;
pub(super) mod hasher;
mod iterated;
pub(super) mod keycloak;
mod notation;
pub(super) mod params;
pub(super) mod pool;
pub(super) mod stored;
mod text;
pub(super) mod turn;
mod unknown;
