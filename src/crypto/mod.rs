//! Cryptography: password hashes, tokens, the keyring and what it seals, one-time codes. No I/O but the key file.

pub mod audit;
pub mod compare;
pub mod fernet;
pub mod form_token;
pub mod jose;
mod keyring;
mod linked_auth;
pub mod passkey;
mod password;
pub mod recovery_code;
pub mod token;
pub mod totp;

pub use keyring::file::LoadedKeyring;
pub use keyring::ring::{KeyId, Keyring, KeyringError};
pub use keyring::seal::{Place, SEALED_HEAD, head_of, plain};
pub use password::common::is_common;
pub use password::filter;
pub use password::firebase::{FirebaseParams, fbscrypt_hash, firebase_hash};
pub use password::hasher::{Hasher, Verdict};
pub use password::keycloak::keycloak_hash;
pub use password::params::{HashParams, HashParamsError, Salt};
pub use password::pool::{HashLoad, HashPool, WaitLimits};
pub use password::stored::recognise_hash;
pub use password::turn::{Turn, on_behalf};
