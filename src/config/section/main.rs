//! The section `main`.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::config::load::section::{Validate, section};

section! {
    /// What concerns everything: encryption at rest and where its key is.
    Main = "main" {
        /// Whether emails are encrypted at rest. They can be searched by all the same.
        encrypt_email: bool = true,
        /// Whether password hashes are additionally encrypted with the server key.
        encrypt_password: bool = true,
        /// The name of the site, as used in emails.
        site_name: String = String::new(),
        /// Where the keyring is. Empty: the database file with .key at its end, where that is SQLite.
        secret_key_file: Option<PathBuf> = None,
        /// The key itself, used instead of the key file. Better given in the environment, as ZATO_SSO_SECRET_KEY, than here.
        secret_key: Option<SecretString> = None,
        /// Whether Python gets times as datetimes with the timezone UTC. False: in UTC, without a timezone.
        tz_aware: bool = false,
    }
}

impl Validate for Main {}
