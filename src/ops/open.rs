//! Opening: configuration, database and keyring must fit together before anything else happens.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::sso::{Core, Sso};
use super::{Hooks, NoHooks, audit};
use crate::config::{Cache, Config, DatabaseUrl};
use crate::crypto::{HashParams, HashPool, Keyring, KeyringError, LoadedKeyring};
use crate::domain::{Clock, Random, SystemClock, SystemRandom};
use crate::ops::mail::queue::{Mailer, Pace};
use crate::ops::mail::{message as email, smtp};
use crate::ops::maintenance::cleanup::Background;
use crate::store::cache::sessions::SessionCache;
use crate::store::{self, Db, Options, SchemaState};

/// The setting by which a database knows its keyring.
pub(super) const KEYRING_CHECK: &str = "keyring_check";

/// How many logins may wait for a free hashing thread, for each thread, before more are turned away.
const HASH_QUEUE_PER_THREAD: usize = 64;

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
    /// Something else.
    #[error(transparent)]
    Other(#[from] crate::domain::Error),
}

/// What single sign-on is given beside its configuration.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
    /// What takes part in operations.
    pub hooks: Arc<dyn Hooks>,
}

impl Default for Parts {
    /// The clock and the generator of the system, and no hooks.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom), hooks: Arc::new(NoHooks) }
    }
}

impl Sso {
    /// Opens single sign-on with this configuration: migrates the database, or refuses one that is newer than this
    /// code; makes the keyring on first use.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is changed or damaged then.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        Self::open_with(config, Parts::default()).await
    }

    /// The same, with parts of the caller's own.
    ///
    /// # Errors
    /// As [`Sso::open`].
    pub async fn open_with(config: Config, parts: Parts) -> Result<Self, OpenError> {
        let Parts { clock, random, hooks } = parts;
        let hash = &config.hash_secret;
        let params = HashParams::new(hash.memory_kib, hash.iterations, hash.parallelism)
            .map_err(|error| OpenError::Config(format!("hash_secret: {error}")))?;
        let audit = audit::Log::open(&config.audit.file).map_err(|error| {
            OpenError::Config(format!("audit.file: {error}; give another path, stderr or off"))
        })?;
        let templates = email::load_templates(&config).map_err(OpenError::Config)?;
        let smtp = smtp::Smtp::new(&config).map_err(OpenError::Config)?;

        check_key_file(&config)?;
        let options = database_options(&config);
        let db = Db::connect(&options, config.database.max_connections).await?;
        let LoadedKeyring { keyring, wide_mode, .. } =
            match prepare(&db, &options, &config, &*clock, &*random).await {
                Ok(keyring) => keyring,
                Err(error) => {
                    db.close().await;
                    return Err(error);
                }
            };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let hashing = HashPool::new(params, threads, threads.saturating_mul(HASH_QUEUE_PER_THREAD));
        let warnings = key_file_warning(&config, wide_mode).into_iter().collect();
        let background = Background::default();
        let audit = Arc::new(audit);
        let mailer = Mailer::new(Arc::clone(&audit), Arc::clone(&clock), smtp, Pace::USUAL);
        let size = (config.session.cache == Cache::On).then_some(config.session.cache_size);
        let sessions = SessionCache::new(Arc::clone(db.epochs()), size);
        if size.is_some() {
            db.start_listening();
        }
        let core = Core {
            db,
            sessions,
            config,
            keyring,
            hashing,
            clock,
            random,
            audit,
            templates,
            mailer,
            hooks,
            warnings,
            background,
        };
        let sso = Self { core: Arc::new(core) };
        sso.start_maintenance();
        Ok(sso)
    }
}

/// How the schema of the configured database compares with the latest one. No database is made and none is changed: an
/// SQLite file that is not there is [`SchemaState::Empty`].
///
/// # Errors
/// [`OpenError::Database`] when it cannot be read.
pub async fn schema_state(config: &Config) -> Result<SchemaState, OpenError> {
    if let DatabaseUrl::SqliteFile(path) = &config.database.url
        && matches!(path.try_exists(), Ok(false))
    {
        return Ok(SchemaState::Empty);
    }
    let options = database_options(config);
    let db = Db::connect(&options, 1).await?;
    let state = db.schema_state(&options.display()).await;
    db.close().await;
    Ok(state?)
}

/// Refuses a key file that cannot be used before an SQLite file is made, which would be left behind, empty.
fn check_key_file(config: &Config) -> Result<(), OpenError> {
    if existing_keyring(config)?.is_some() {
        return Ok(());
    }
    let Some(path) = &config.main.secret_key_file else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let source = match std::fs::metadata(folder) {
        Ok(folder) if folder.is_dir() => return Ok(()),
        Ok(_) => ErrorKind::NotADirectory.into(),
        Err(error) => error,
    };
    Err(KeyringError::NotCreated { path: path.clone(), source }.into())
}

/// Where the database is, as storage wants to know it.
pub(super) fn database_options(config: &Config) -> Options {
    options_of(&config.database.url)
}

/// The same of any database.
pub(super) fn options_of(url: &DatabaseUrl) -> Options {
    match url {
        DatabaseUrl::SqliteFile(path) => Options::SqliteFile(path.clone()),
        DatabaseUrl::SqliteMemory => Options::SqliteMemory,
        DatabaseUrl::Postgres(url) => Options::Postgres(SecretString::from(url.expose())),
    }
}

/// Schema and keyring. A database that was made before is checked against the keyring before anything is changed, and a
/// key that is missing then is not made anew: what it sealed would be lost behind a new one.
async fn prepare(
    db: &Db,
    options: &Options,
    config: &Config,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<LoadedKeyring, OpenError> {
    let url = options.display();
    let check = match db.schema_state(&url).await? {
        SchemaState::Empty => None,
        SchemaState::Older(_) | SchemaState::Current => read_check(db).await?,
        // Refused here, and says why.
        SchemaState::Newer(_) => {
            db.migrate(&url).await?;
            None
        }
    };
    let loaded = match (existing_keyring(config)?, check) {
        (Some(loaded), Some(check)) => {
            loaded.keyring.verify_check(&check)?;
            loaded
        }
        (Some(loaded), None) => loaded,
        (None, Some(_)) => return Err(missing_key(config, &url)),
        (None, None) => new_keyring(config, clock, random)?,
    };
    db.migrate(&url).await?;
    if read_check(db).await?.is_none() {
        let mut tx = db.write().await?;
        store::db::setting::insert(&mut tx, KEYRING_CHECK, &loaded.keyring.check_value()).await?;
        tx.commit().await?;
    }
    // Another process may have been first, with another key.
    if let Some(check) = read_check(db).await? {
        loaded.keyring.verify_check(&check)?;
    }
    Ok(loaded)
}

pub(super) async fn read_check(db: &Db) -> Result<Option<Vec<u8>>, OpenError> {
    let mut conn = db.read().await?;
    Ok(store::db::setting::get(&mut conn, KEYRING_CHECK).await?)
}

/// The keyring that configuration names, if it is there.
pub(super) fn existing_keyring(config: &Config) -> Result<Option<LoadedKeyring>, OpenError> {
    if let Some(text) = &config.main.secret_key {
        return Ok(Some(without_file(Keyring::parse(text.expose_secret())?)));
    }
    let Some(path) = config.secret_key_file() else { return Ok(None) };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => Ok(Some(Keyring::load(&path)?)),
    }
}

/// Makes a keyring for a database that has none yet.
fn new_keyring(config: &Config, clock: &dyn Clock, random: &dyn Random) -> Result<LoadedKeyring, OpenError> {
    if let Some(path) = config.secret_key_file() {
        return Ok(Keyring::load_or_create(Path::new(&path), random, clock.now())?);
    }
    match &config.database.url {
        // It lives no longer than the process does, and so may its key.
        DatabaseUrl::SqliteMemory => Ok(without_file(Keyring::generate(random, clock.now())?)),
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::Postgres(_) => Err(OpenError::MissingKey(
            "a PostgreSQL database needs a secret key that all its nodes share: set ZATO_SSO_SECRET_KEY, or \
             main.secret_key_file in the configuration (zato-sso init makes one)"
                .to_owned(),
        )),
    }
}

const fn without_file(keyring: Keyring) -> LoadedKeyring {
    LoadedKeyring { keyring, created: false, wide_mode: None }
}

/// What is to be said of a key file that lets others than its owner in.
pub(super) fn key_file_warning(config: &Config, wide_mode: Option<u32>) -> Option<String> {
    let (mode, path) = (wide_mode?, config.secret_key_file()?);
    let path = path.display();
    Some(format!(
        "others than its owner may use the key file {path}, its mode is {mode:04o}: run chmod 600 {path}"
    ))
}

pub(super) fn missing_key(config: &Config, url: &str) -> OpenError {
    let wanted = config.secret_key_file().map_or_else(
        || "set ZATO_SSO_SECRET_KEY, or main.secret_key_file in the configuration".to_owned(),
        |path| format!("restore the file {}, or set ZATO_SSO_SECRET_KEY", path.display()),
    );
    OpenError::MissingKey(format!("the database {url} was made with a secret key that is not here: {wanted}"))
}
