//! The keyring of a database: where both are, and by what the one knows the other.

use std::io::ErrorKind;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::config::{Config, DatabaseUrl, Pooler};
use crate::crypto::{Keyring, KeyringError, LoadedKeyring};
use crate::domain::{Clock, Random};
use crate::store::{self, Db, Options, Server};

/// The setting by which a database knows its keyring.
pub(in crate::ops) const KEYRING_CHECK: &str = "keyring_check";

/// Why single sign-on could not be opened. Each is one line that says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something is wrong with the configuration.
    #[error("{0}")]
    Config(String),
    /// Something is wrong with the database.
    #[error(transparent)]
    Database(#[from] store::OpenError),
    /// Something is wrong with the keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The keyring that the database was made with is not there.
    #[error("{0}")]
    MissingKey(String),
    /// The database is not there, and is not to be made.
    #[error("{0}")]
    MissingDatabase(String),
    /// Something else.
    #[error(transparent)]
    Other(#[from] crate::domain::Error),
}

/// Where the database is, as storage wants to know it.
pub(in crate::ops) fn database_options(config: &Config) -> Options {
    let database = &config.database;
    match options_of(&database.url) {
        Options::Postgres(server) => {
            let listen_url =
                (!database.listen_url.is_empty()).then(|| SecretString::from(database.listen_url.expose()));
            Options::Postgres(Box::new(Server {
                url: server.url,
                listen_url,
                has_transaction_pooler: database.pooler == Pooler::Transaction,
                connect_timeout: database.connect_timeout,
                statement_timeout: database.statement_timeout,
                idle_timeout: database.idle_timeout,
            }))
        }
        sqlite => sqlite,
    }
}

/// The same of any database.
pub(in crate::ops) fn options_of(url: &DatabaseUrl) -> Options {
    match url {
        DatabaseUrl::SqliteFile(path) => Options::SqliteFile(path.clone()),
        DatabaseUrl::SqliteMemory => Options::SqliteMemory,
        DatabaseUrl::Postgres(url) => {
            Options::Postgres(Box::new(Server::at(SecretString::from(url.expose()))))
        }
    }
}

pub(in crate::ops) async fn read_check(db: &Db) -> Result<Option<Vec<u8>>, OpenError> {
    let mut conn = db.read().await?;
    Ok(store::db::setting::get(&mut conn, KEYRING_CHECK).await?)
}

/// The keyring that configuration names, if it is there.
pub(in crate::ops) fn existing_keyring(config: &Config) -> Result<Option<LoadedKeyring>, OpenError> {
    if let Some(text) = &config.main.secret_key {
        return Ok(Some(without_file(Keyring::parse(text.expose_secret())?)));
    }
    let Some(path) = config.secret_key_file() else { return Ok(None) };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => Ok(Some(Keyring::load(&path)?)),
    }
}

/// Whether a keyring can be made for a database that has none yet.
///
/// # Errors
/// [`OpenError::MissingKey`] for one that others have to share.
pub(in crate::ops) fn check_new_keyring(config: &Config) -> Result<(), OpenError> {
    match &config.database.url {
        DatabaseUrl::Postgres(_) if config.secret_key_file().is_none() => Err(OpenError::MissingKey(
            "a PostgreSQL database needs a secret key that all its nodes share: set ZATO_SSO_SECRET_KEY, or \
             main.secret_key_file in the configuration (zato-sso init makes one)"
                .to_owned(),
        )),
        DatabaseUrl::Postgres(_) | DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteMemory => Ok(()),
    }
}

/// Makes a keyring for a database that has none yet.
pub(in crate::ops) fn new_keyring(
    config: &Config,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<LoadedKeyring, OpenError> {
    if let Some(path) = config.secret_key_file() {
        return Ok(Keyring::load_or_create(Path::new(&path), random, clock.now())?);
    }
    // A database in memory lives no longer than the process does, and so may its key.
    Ok(without_file(Keyring::generate(random, clock.now())?))
}

const fn without_file(keyring: Keyring) -> LoadedKeyring {
    LoadedKeyring { keyring, created: false, wide_mode: None }
}

/// What is to be said of a key file that lets others than its owner in.
pub(in crate::ops) fn key_file_warning(config: &Config, wide_mode: Option<u32>) -> Option<String> {
    let (mode, path) = (wide_mode?, config.secret_key_file()?);
    let path = path.display();
    Some(format!(
        "others than its owner may use the key file {path}, its mode is {mode:04o}: run chmod 600 {path}"
    ))
}

pub(in crate::ops) fn missing_key(config: &Config, url: &str) -> OpenError {
    let wanted = config.secret_key_file().map_or_else(
        || "set ZATO_SSO_SECRET_KEY, or main.secret_key_file in the configuration".to_owned(),
        |path| format!("restore the file {}, or set ZATO_SSO_SECRET_KEY", path.display()),
    );
    OpenError::MissingKey(format!("the database {url} was made with a secret key that is not here: {wanted}"))
}
