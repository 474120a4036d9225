//! Opening: configuration, database and keyring must fit together before anything else happens.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::Duration;

use crate::config::{Cache, Config, Create, DatabaseUrl, LogLevel};
use crate::crypto::audit::AuditKeys;
use crate::crypto::{HashParams, HashPool, KeyringError, LoadedKeyring, WaitLimits};
#[cfg(feature = "server")]
use crate::domain::trace::Tracer;
use crate::domain::{Clock, Random, SteadyClock, SystemClock, SystemRandom, random_uuid};
use crate::ops::access::name::{case_of_names, case_warning};
use crate::ops::audit::AuditLog;
use crate::ops::audit::keys::{self, KnownAuditKeys};
use crate::ops::audit::seal::is_chained;
use crate::ops::audit::seen::LastSeen;
use crate::ops::background::Background;
use crate::ops::breached::BreachedFilter;
use crate::ops::courier::Courier;
use crate::ops::hook::{Hooks, NoHooks};
use crate::ops::journal::{Log, Reporting};
use crate::ops::kept::client::KnownClients;
use crate::ops::keyring::{
    KEYRING_CHECK, OpenError, check_new_keyring, database_options, existing_keyring, key_file_warning,
    missing_key, new_keyring, read_check,
};
use crate::ops::mail::mailer::Mailer;
use crate::ops::mail::{message, smtp};
use crate::ops::metrics::count::Counters;
use crate::ops::metrics::known::Known;
#[cfg(feature = "server")]
use crate::ops::otlp::{self, Exporter};
use crate::ops::refusals::Refusals;
use crate::ops::sso::{Core, Sso};
use crate::ops::state::Watch;
use crate::ops::time::{KeptTime, clock_warning};
use crate::store::session::cache::SessionCache;
use crate::store::session::renewal::Renewals;
use crate::store::{self, Db, Options, SchemaState, beside};

/// What single sign-on is given beside its configuration.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
    /// What takes part in operations.
    pub hooks: Arc<dyn Hooks>,
    /// Where its log goes.
    pub reporting: Reporting,
    /// Whether it is opened for a command of an operator, which audit entries say.
    pub is_command: bool,
}

impl Default for Parts {
    /// The clock and the generator of the system, no hooks, and no log.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            hooks: Arc::new(NoHooks),
            reporting: Reporting::Off,
            is_command: false,
        }
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
        let Parts { clock, random, hooks, reporting, is_command } = parts;
        let clock = if config.database.keep_time { SteadyClock::on(clock) } else { SteadyClock::like(clock) };
        let clock = Arc::new(clock);
        let hash = &config.hash_secret;
        let params = HashParams::new(hash.memory_kib, hash.iterations, hash.parallelism)
            .map_err(|error| OpenError::Config(format!("hash_secret: {error}")))?;
        let log = Log::open(&reporting, &config.log.file, config.log.level).map_err(|error| {
            OpenError::Config(format!("log.file: {error}; give another path, stdout or off"))
        })?;
        let log = Arc::new(log);
        let audit = AuditLog::open(&config.audit, &reporting, &log).map_err(|error| {
            OpenError::Config(format!("audit.file: {error}; give another path, stderr or off"))
        })?;
        let templates = message::load_templates(&config).map_err(OpenError::Config)?;
        let smtp = smtp::Smtp::new(&config).map_err(OpenError::Config)?;
        let breached = config.password.breached_filter.as_deref().map(BreachedFilter::open).transpose();
        let breached = breached.map_err(OpenError::Config)?;

        check_key_file(&config)?;
        let may_be_new = may_be_new(&config)?;
        let options = database_options(&config);
        let db = Db::connect(&options, config.database.max_connections).await?;
        let LoadedKeyring { keyring, wide_mode, .. } =
            match prepare(&db, &options, &config, may_be_new, &*clock, &*random).await {
                Ok(keyring) => keyring,
                Err(error) => {
                    db.close().await;
                    return Err(error);
                }
            };
        let is_case_insensitive = match case_of_names(&db, &config).await {
            Ok(is_case_insensitive) => is_case_insensitive,
            Err(error) => {
                db.close().await;
                return Err(error);
            }
        };
        let kept_time = match KeptTime::take_up(&db, &clock, config.database.keep_time).await {
            Ok(kept_time) => kept_time,
            Err(error) => {
                db.close().await;
                return Err(error.into());
            }
        };
        let audit_keys = match is_chained(&config) {
            true => keys::read_or_make(&db, &keyring, &*random, clock.now()).await,
            false => Ok(AuditKeys::default()),
        };
        let audit_keys = match audit_keys {
            Ok(audit_keys) => audit_keys,
            Err(error) => {
                db.close().await;
                return Err(error.into());
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let limits = WaitLimits {
            max_bytes: usize::try_from(config.hash.max_waiting_kib)
                .unwrap_or(usize::MAX)
                .saturating_mul(1024),
            max_wait: Duration::from_secs(config.hash.max_wait.into()),
        };
        let hashing = HashPool::new(params, threads, limits);
        let names = case_warning(&config, is_case_insensitive);
        let emails = email_change_warning(&config, hooks.sends_email());
        let warnings = key_file_warning(&config, wide_mode).into_iter().chain(names).chain(emails);
        let warnings = warnings.chain(clock_warning(&clock));
        #[cfg(feature = "server")]
        let (exporter, of_traces) = start_traces(&config, &reporting, &random, &log);
        #[cfg(feature = "server")]
        let warnings = warnings.chain(of_traces);
        let warnings = warnings.collect();
        let background = Background::default();
        let mailer = Mailer::new(random_uuid(&*random)?);
        let size = (config.session.cache == Cache::On).then_some(config.session.cache_size);
        let sessions = SessionCache::new(Arc::clone(db.epochs()), size);
        if size.is_some() || config.oidc.is_active() {
            db.start_listening();
        }
        let core = Core {
            db,
            sessions,
            renewals: Renewals::default(),
            clients: KnownClients::default(),
            courier: Courier::default(),
            config,
            keyring,
            hashing,
            breached,
            clock,
            kept_time,
            random,
            audit,
            audit_keys: KnownAuditKeys::new(audit_keys),
            audit_seen: LastSeen::default(),
            has_unsealed: AtomicBool::new(false),
            log,
            is_reporting: !matches!(reporting, Reporting::Off),
            is_server: matches!(reporting, Reporting::Server),
            is_command,
            watch: Watch::default(),
            counters: Counters::default(),
            #[cfg(feature = "server")]
            tracer: exporter.clone().map(|exporter| exporter as Arc<dyn Tracer>),
            #[cfg(not(feature = "server"))]
            tracer: None,
            #[cfg(feature = "server")]
            exporter,
            contents: Known::default(),
            templates,
            smtp,
            mailer,
            hooks,
            warnings,
            background,
            refusals: Refusals::default(),
            proxy_noted: AtomicI64::default(),
            is_case_insensitive: AtomicBool::new(is_case_insensitive),
        };
        let sso = Self { core: Arc::new(core) };
        sso.start_maintenance();
        sso.start_sealing();
        sso.start_recording_refusals();
        sso.start_sending();
        sso.start_keeping_time().await;
        sso.start_watching();
        sso.start_making_keys();
        sso.start_telling_clients();
        for warning in sso.warnings() {
            sso.log().say(LogLevel::Warning, "open.warning", warning, None);
        }
        Ok(sso)
    }
}

/// Begins to send traces where this is a server that has a collector. What is wrong with them is a warning: they are nothing
/// that anything depends on.
#[cfg(feature = "server")]
fn start_traces(
    config: &Config,
    reporting: &Reporting,
    random: &Arc<dyn Random>,
    log: &Arc<Log>,
) -> (Option<Arc<Exporter>>, Vec<String>) {
    if !matches!(reporting, Reporting::Server) {
        return (None, Vec::new());
    }
    let (settings, mut warnings) = otlp::Settings::read(config, |name| std::env::var(name).ok());
    let started = settings.map(|settings| Exporter::start(settings, Arc::clone(random), Arc::clone(log)));
    let exporter = started.and_then(|started| match started {
        Ok(exporter) => Some(Arc::new(exporter)),
        Err(problem) => {
            warnings.push(format!("there are no traces: {problem}"));
            None
        }
    });
    (exporter, warnings)
}

/// What is said where new emails are to be confirmed by a link that nothing sends.
fn email_change_warning(config: &Config, has_hook: bool) -> Option<String> {
    let is_in_vain = config.email.confirm_change == Some(true) && config.smtp.url.is_empty() && !has_hook;
    is_in_vain.then(|| {
        "email.confirm_change is true, but nothing sends emails: a new email counts at once, until there is smtp.url or a \
         hook that sends them"
            .to_owned()
    })
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

/// Whether the database may turn out to be empty, and is made then. An SQLite file that must not be made is missed here, so
/// that no empty one is left behind.
fn may_be_new(config: &Config) -> Result<bool, OpenError> {
    let create = config.database.create;
    let DatabaseUrl::SqliteFile(path) = &config.database.url else {
        return Ok(create != Create::Never || matches!(config.database.url, DatabaseUrl::SqliteMemory));
    };
    // The key first: who makes both makes the database first.
    let key_file = config.secret_key_file().filter(|path| config.main.secret_key.is_none() && path.exists());
    let is_missing = matches!(path.try_exists(), Ok(false));
    let log = is_missing.then(|| beside(path, "-wal")).filter(|log| log.exists());
    let may_be_new = match create {
        Create::Always => true,
        Create::Never => false,
        Create::Auto => key_file.is_none() && log.is_none(),
    };
    match (key_file.or(log), is_missing && !may_be_new) {
        (_, false) => Ok(may_be_new),
        (Some(left), true) if create == Create::Auto => Err(OpenError::MissingDatabase(format!(
            "there is no database {}, but {} is there: restore the database, or set database.create = \"always\" to begin \
             with an empty one",
            config.database.url,
            left.display()
        ))),
        (_, true) => Err(OpenError::MissingDatabase(format!(
            "there is no database {}, and database.create = \"never\"",
            config.database.url
        ))),
    }
}

/// Schema and keyring. A database that was made before is checked against the keyring before anything is changed, and a
/// key that is missing then is not made anew: what it sealed would be lost behind a new one.
async fn prepare(
    db: &Db,
    options: &Options,
    config: &Config,
    may_be_new: bool,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<LoadedKeyring, OpenError> {
    let url = options.display();
    let check = match db.schema_state(&url).await? {
        SchemaState::Empty if !may_be_new => return Err(empty_database(config, &url)),
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
        (None, None) => {
            check_new_keyring(config)?;
            // Where there is a key, there has been a database: not the other way round.
            db.migrate(&url).await?;
            new_keyring(config, clock, random)?
        }
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

/// The error for a database without a schema that must not get one.
fn empty_database(config: &Config, url: &str) -> OpenError {
    let why = match config.secret_key_file() {
        Some(key) if config.database.create == Create::Auto => {
            format!("but its key {} is there", key.display())
        }
        _ => "and database.create = \"never\"".to_owned(),
    };
    OpenError::MissingDatabase(format!(
        "the database {url} is empty, {why}: restore it, or set database.create = \"always\" to begin with an empty one"
    ))
}
