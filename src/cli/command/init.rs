//! `init`: a configuration file, a secret key and a database to begin with. What is there already stays as it is.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::args::Global;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{Output, say};
use crate::cli::setup::open as setup;
use crate::cli::setup::open::DEFAULT_FILE;
use crate::config::{Config, Create, DatabaseUrl, Loader, Origin};
use crate::ops::{SchemaState, Sso, schema_state};

/// The key file of a database that has no place for one beside it.
const KEY_FILE: &str = "sso.key";

/// What to do when everything is there.
const NEXT: &str = "Next: zato-sso create-super-user NAME, then zato-sso serve";

/// What was there before, and what is there now.
struct Made {
    config_file: PathBuf,
    is_config_new: bool,
    /// None: the key is in the configuration or the environment.
    key_file: Option<PathBuf>,
    is_key_new: bool,
    database: String,
    is_database_new: bool,
}

/// Makes what is missing. The configuration file comes last: a failure leaves none behind with what failed in it.
pub(in crate::cli) async fn run(global: &Global, out: &Output) -> Result<(), Failure> {
    let file = global.config.clone().unwrap_or_else(|| DEFAULT_FILE.into());
    let is_config_new = !file.exists();
    let (config, text) =
        if is_config_new { new_config(&file, global)? } else { (kept_config(&file, global)?, String::new()) };
    setup::explain(global, Some(&file), &config);
    setup::check_lasting(&config)?;

    let is_url_given = setup::origin(&config, "database.url") == Origin::Argument;
    let key_file = if config.main.secret_key.is_some() { None } else { config.secret_key_file() };
    let is_key_new = key_file.as_deref().is_some_and(|file| !file.exists());
    let is_database_new = schema_state(&config).await? == SchemaState::Empty;
    let database = config.database.url.to_string();
    // That is what this command is for.
    let mut config = config;
    config.database.create = Create::Always;
    Sso::open(setup::quiet(config)).await?.close().await;
    let is_config_new = is_config_new && write(&file, &text)?;

    let made = Made { config_file: file, is_config_new, key_file, is_key_new, database, is_database_new };
    out.result(&made.text(), &made.object())?;
    if !made.is_config_new && is_url_given {
        say(&format!(
            "zato-sso: {} stays as it is: the other commands need --database-url too, or url in its section [database]",
            made.config_file.display()
        ));
    }
    Ok(())
}

fn kept_config(file: &Path, global: &Global) -> Result<Config, Failure> {
    let config = setup::with_sources(Loader::new().file(file), global).load()?;
    if needs_key_file(&config) {
        return Err(Failure::Message(format!(
            "a PostgreSQL database needs a secret key that all its nodes share: write secret_key_file = \"{KEY_FILE}\" \
             into the section [main] of {}, or set ZATO_SSO_SECRET_KEY, and run zato-sso init again",
            file.display()
        )));
    }
    Ok(config)
}

/// The configuration of a file that is still to be written, and its text: the sample, with what the command line says.
fn new_config(file: &Path, global: &Global) -> Result<(Config, String), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::Message(format!(
            "there is no folder {} for {}: make it first",
            folder.display(),
            file.display()
        )));
    }
    let load = |text: &str| setup::with_sources(Loader::new().text(file, text), global).load();
    let mut text = Config::sample();
    // The command line has been checked before it stands in a file.
    let config = load(&text)?;
    if let Some(url) = &global.database_url
        && setup::origin(&config, "database.url") == Origin::Argument
    {
        text = with_value(&text, "database", "url", url);
    }
    if needs_key_file(&config) {
        let key_file = file.with_file_name(KEY_FILE);
        text = with_value(&text, "main", "secret_key_file", &key_file.to_string_lossy());
    }
    Ok((load(&text)?, text))
}

/// An SQLite database has its key beside it; another one needs to be told.
fn needs_key_file(config: &Config) -> bool {
    let is_remote = matches!(config.database.url, DatabaseUrl::Postgres(_));
    is_remote && config.main.secret_key.is_none() && config.secret_key_file().is_none()
}

/// The sample with a value in place of the commented default of one key.
fn with_value(sample: &str, section: &str, key: &str, value: &str) -> String {
    let (section, default) = (format!("[{section}]"), format!("#{key} = "));
    let mut is_in_section = false;
    let mut lines = Vec::new();
    for line in sample.lines() {
        if line.starts_with('[') {
            is_in_section = line == section;
        }
        lines.push(if is_in_section && line.starts_with(&default) {
            format!("{key} = {}", toml::Value::from(value))
        } else {
            line.to_owned()
        });
    }
    lines.join("\n") + "\n"
}

/// Writes the file unless there is one by now; whether it was written. It may come to hold secrets, so it is its
/// owner's alone.
fn write(file: &Path, text: &str) -> Result<bool, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file).and_then(|mut opened| opened.write_all(text.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Failure::Message(format!(
            "cannot write {}: {error}; make its folder writable or choose another with --config",
            file.display()
        ))),
    }
}

impl Made {
    fn text(&self) -> String {
        let verb = |is_new| if is_new { "Created" } else { "Kept" };
        let config_file = self.config_file.display();
        let mut lines = vec![format!("{} configuration file {config_file}", verb(self.is_config_new))];
        lines.push(match &self.key_file {
            Some(file) if self.is_key_new => format!(
                "Created secret key file {}: keep a copy of it, apart from the database's",
                file.display()
            ),
            Some(file) => format!("Kept secret key file {}", file.display()),
            None => "Used the secret key of the configuration".to_owned(),
        });
        lines.push(format!("{} database {}", verb(self.is_database_new), self.database));
        lines.push(NEXT.to_owned());
        lines.join("\n")
    }

    fn object(&self) -> Value {
        json!({
            "config_file": self.config_file.to_string_lossy(),
            "config_file_created": self.is_config_new,
            "secret_key_file": self.key_file.as_ref().map(|file| file.to_string_lossy()),
            "secret_key_file_created": self.is_key_new,
            "database": self.database,
            "database_created": self.is_database_new,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_replaces_the_default_of_its_own_section_only() {
        let text = with_value(&Config::sample(), "database", "url", "sqlite:///a\"b.db");
        let config = Loader::new().text("sso.toml", &text).load().unwrap();
        assert_eq!(config.database.url.to_string(), "sqlite:///a\"b.db");
        assert!(config.smtp.url.is_empty());
        let sample = Config::sample();
        let changed = sample.lines().zip(text.lines()).filter(|(before, after)| before != after);
        assert_eq!(changed.count(), 1);
    }
}
