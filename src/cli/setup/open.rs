//! What commands begin with: the configuration, the open database, and in whose name they act.

use std::path::{Path, PathBuf};

use crate::cli::args::Global;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::say;
use crate::config::{AuditFile, AuditTarget, Config, DatabaseUrl, Loader, Origin};
use crate::domain::{Cid, Context, RemoteAddr};
use crate::ops::{Parts, Sso};

/// The configuration file that is read where none is named.
pub(in crate::cli) const DEFAULT_FILE: &str = "sso.toml";

/// Loads the configuration as given.
pub(in crate::cli) fn load(global: &Global) -> Result<Config, Failure> {
    read(global, None)
}

/// Loads the configuration for the server.
pub(in crate::cli) fn load_to_serve(global: &Global, listen: Option<String>) -> Result<Config, Failure> {
    read(global, listen)
}

/// Loads the configuration for a command that does one thing to the database and ends. Its standard error stream is for
/// its user: audit entries go to the database, and to a file where one is configured.
pub(in crate::cli) fn load_to_change(global: &Global) -> Result<Config, Failure> {
    let config = read(global, None)?;
    check_lasting(&config)?;
    Ok(quiet(config))
}

/// The same configuration without audit entries on the standard error stream.
pub(in crate::cli) fn quiet(mut config: Config) -> Config {
    if config.audit.target(false) == AuditTarget::Stderr {
        config.audit.file = AuditFile::Off;
    }
    config
}

/// A database in memory would end with the command, and what it did with it.
pub(in crate::cli) fn check_lasting(config: &Config) -> Result<(), Failure> {
    match config.database.url {
        DatabaseUrl::SqliteMemory => Err(Failure::Message(
            "the database sqlite::memory: would end with this command: use sqlite:///sso.db or PostgreSQL"
                .into(),
        )),
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::Postgres(_) => Ok(()),
    }
}

fn read(global: &Global, listen: Option<String>) -> Result<Config, Failure> {
    let file = match &global.config {
        Some(file) if !file.exists() => {
            return Err(Failure::Message(format!(
                "there is no configuration file {}: correct --config, or make it with zato-sso --config {0} init",
                file.display()
            )));
        }
        Some(file) => Some(file.clone()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()),
    };
    let mut loader = Loader::new();
    if let Some(file) = &file {
        loader = loader.file(file);
    }
    if let Some(listen) = &listen {
        loader = loader.argument("http.listen", listen.as_str());
    }
    let config = with_sources(loader, global).load()?;
    explain(global, file.as_deref(), &config);
    Ok(config)
}

/// Adds what the command line and the environment say.
pub(in crate::cli) fn with_sources(loader: Loader, global: &Global) -> Loader {
    let loader = match &global.database_url {
        Some(url) => loader.argument("database.url", url.as_str()),
        None => loader,
    };
    loader.process_environment()
}

/// Where a value came from.
pub(in crate::cli) fn origin(config: &Config, key: &str) -> Origin {
    let entry = config.entries().into_iter().find(|entry| entry.key == key);
    entry.map(|entry| entry.origin).unwrap_or_default()
}

/// Where `-v` was given, says what is used.
pub(in crate::cli) fn explain(global: &Global, file: Option<&Path>, config: &Config) {
    if !global.verbose {
        return;
    }
    let file = file.map_or_else(|| "none, built-in defaults".into(), |file| file.display().to_string());
    let key = match (&config.main.secret_key, config.secret_key_file()) {
        (Some(_), _) => "from the configuration".to_owned(),
        (None, Some(path)) => format!("in {}", path.display()),
        (None, None) => "none".to_owned(),
    };
    say(&format!(
        "zato-sso: configuration file: {file}; database: {}; secret key: {key}",
        config.database.url
    ));
}

/// Opens the database and creates it if it is missing. Says so, since the name may be mistyped.
pub(in crate::cli) async fn open_or_create(config: Config, parts: Parts) -> Result<Sso, Failure> {
    let made = missing_file(&config).map(|_| format!("zato-sso: made the database {}", config.database.url));
    let sso = Sso::open_with(config, parts).await?;
    if let Some(made) = made {
        say(&made);
    }
    Ok(sso)
}

fn of_command() -> Parts {
    Parts { is_command: true, ..Parts::default() }
}

/// Opens the database, for commands that make no sense with a new one.
async fn open_existing(config: Config) -> Result<Sso, Failure> {
    if missing_file(&config).is_some() {
        return Err(Failure::Message(format!(
            "there is no database {}: correct --database-url, ZATO_SSO_DATABASE_URL or database.url, or make it with \
             zato-sso init",
            config.database.url
        )));
    }
    Ok(Sso::open_with(config, of_command()).await?)
}

/// Does something with a database, for commands that make no sense with a new one, and closes it whatever came of that.
pub(in crate::cli) async fn with_existing<T>(
    config: Config,
    work: impl AsyncFnOnce(&Sso) -> Result<T, Failure>,
) -> Result<T, Failure> {
    finished(open_existing(config).await?, work).await
}

/// The same with a database that is made if it is missing.
pub(in crate::cli) async fn with_any<T>(
    config: Config,
    work: impl AsyncFnOnce(&Sso) -> Result<T, Failure>,
) -> Result<T, Failure> {
    finished(open_or_create(config, of_command()).await?, work).await
}

async fn finished<T>(sso: Sso, work: impl AsyncFnOnce(&Sso) -> Result<T, Failure>) -> Result<T, Failure> {
    let outcome = work(&sso).await;
    sso.close().await;
    outcome
}

/// The path of an SQLite database that is not there yet.
fn missing_file(config: &Config) -> Option<&Path> {
    match &config.database.url {
        DatabaseUrl::SqliteFile(path) if !path.exists() => Some(path),
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteMemory | DatabaseUrl::Postgres(_) => None,
    }
}

/// The command acts for the default application. It comes from no address, and audit entries say so.
pub(in crate::cli) fn context(sso: &Sso) -> Result<Context, Failure> {
    let apps = &sso.config().apps;
    let default = apps.all.iter().find(|app| **app == apps.default).or_else(|| apps.all.first());
    Ok(Context {
        cid: Cid::random(sso.random())?,
        current_app: default.cloned().unwrap_or_default(),
        remote_addr: RemoteAddr::default(),
        language: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audit_entries_do_not_mix_with_what_the_user_reads() {
        assert_eq!(quiet(Config::default()).audit.file, AuditFile::Off);
        let file = AuditFile::File("audit.jsonl".into());
        let mut config = Config::default();
        config.audit.file = file.clone();
        assert_eq!(quiet(config).audit.file, file);
    }
}
