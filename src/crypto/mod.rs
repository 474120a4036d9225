//! Cryptography: password hashes, tokens, the keyring and what it seals, one-time codes. No I/O but the key file.

mod blind_index;
mod check;
pub mod compare;
mod complexity;
mod external_session;
pub mod fernet;
mod hashing;
pub mod jwt;
mod key_file;
mod keycloak;
mod keyring;
mod older_hash;
mod password;
mod seal;
mod stored_hash;
pub mod token;
pub mod totp;

pub use blind_index::normalise_email;
pub use hashing::HashPool;
pub use key_file::LoadedKeyring;
pub use keycloak::keycloak_hash;
pub use keyring::{KeyId, Keyring, KeyringError};
pub use password::{HashParams, HashParamsError, Hasher, Salt, Verdict};
pub use seal::{Place, plain};
pub use stored_hash::recognise_hash;
