//! The section `database`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::config::load::error::Invalid;
use crate::config::load::secret_url::SecretUrl;
use crate::config::load::section::{Validate, section, within};
use crate::config::load::setting::{Setting, as_toml, choices};
use crate::config::load::value::Value;

section! {
    /// Where everything is kept.
    Database = "database" {
        /// sqlite:///relative.db, sqlite:////absolute/path.db, sqlite::memory: or postgresql://user:password@host/name.
        url: DatabaseUrl = DatabaseUrl::default(),
        /// SQLite: whether a database that is not there is made: "auto" unless its key file or write-ahead log is there, so
        /// that a lost one is noticed, "always" or "never". zato-sso init makes it in any case.
        create: Create = Create::Auto,
        /// Whether the latest time is kept with the data, and time never goes back: what has ended stays so when a clock is set
        /// back. false forgets it, for the start after a clock that was far ahead.
        keep_time: bool = true,
        /// How many connections there may be at a time.
        max_connections: u32 = 16,
        /// PostgreSQL: seconds that a call waits for a connection, and that a host may take to give one.
        connect_timeout: Duration = Duration::from_secs(3),
        /// PostgreSQL: seconds that a statement may take. Imports have at least a minute, upgrades of the schema hours.
        statement_timeout: Duration = Duration::from_secs(10),
        /// PostgreSQL: seconds after which a connection that nobody needs is closed.
        idle_timeout: Duration = Duration::from_secs(300),
        /// "transaction" if a pooler in front of PostgreSQL gives each transaction another connection, as PgBouncer does
        /// with pool_mode = transaction.
        pooler: Pooler = Pooler::None,
        /// PostgreSQL: where changes are heard of, if not at database.url: the server itself behind a pooler.
        listen_url: SecretUrl = SecretUrl::default(),
    }
}

choices! {
    /// Whether an SQLite database that is not there is made.
    Create: r#""auto", "always" or "never""# {
        /// Unless something of a former one is there: its key file, or its write-ahead log.
        Auto = "auto",
        /// It is.
        Always = "always",
        /// It is not.
        Never = "never",
    }
}

choices! {
    /// What is in front of PostgreSQL.
    Pooler: r#""none" or "transaction""# {
        /// Nothing, or something that leaves a connection as it is.
        None = "none",
        /// What gives each transaction another connection.
        Transaction = "transaction",
    }
}

/// Statements and connections that last longer have none of these limits in mind.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

impl Validate for Database {
    fn validate(&self) -> Result<(), Invalid> {
        within("database.max_connections", self.max_connections, 1..=10_000)?;
        for (key, timeout) in [
            ("database.connect_timeout", self.connect_timeout),
            ("database.statement_timeout", self.statement_timeout),
            ("database.idle_timeout", self.idle_timeout),
        ] {
            if timeout < Duration::from_millis(100) || timeout > MAX_TIMEOUT {
                return Err(Invalid::new(key, "must be from 0.1 to 86,400 seconds"));
            }
        }
        let is_postgres = |url: &str| url.starts_with("postgresql://") || url.starts_with("postgres://");
        if !self.listen_url.is_empty() && !is_postgres(self.listen_url.expose()) {
            return Err(Invalid::new("database.listen_url", "must begin with postgresql://"));
        }
        Ok(())
    }
}

/// Which database. The default is the SQLite file `sso.db` in the current folder.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// A SQLite file; a relative path is relative to the current folder.
    SqliteFile(PathBuf),
    /// A SQLite database that lives as long as the process.
    SqliteMemory,
    /// A PostgreSQL URL, whose password does not print.
    Postgres(SecretUrl),
}

/// What is wrong with a database URL: it has none of the accepted forms. The URL is not repeated, for it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", DatabaseUrl::EXPECTED)]
pub struct InvalidDatabaseUrl;

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self::SqliteFile(PathBuf::from("sso.db"))
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let url = url.trim();
        if let Some(rest) = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://")) {
            return if rest.is_empty() { Err(InvalidDatabaseUrl) } else { Ok(Self::Postgres(url.into())) };
        }
        let path = url.strip_prefix("sqlite:").ok_or(InvalidDatabaseUrl)?;
        let path = match path.strip_prefix("//") {
            // The third slash ends the empty host; what follows is the path, absolute if it begins with a fourth.
            Some(rest) => rest.strip_prefix('/').ok_or(InvalidDatabaseUrl)?,
            None => path,
        };
        match path {
            ":memory:" => Ok(Self::SqliteMemory),
            // Options behind `?` would otherwise silently become part of the file's name.
            path if path.is_empty() || path.contains(['?', '\0']) => Err(InvalidDatabaseUrl),
            path => Ok(Self::SqliteFile(PathBuf::from(path))),
        }
    }
}

/// As a URL, a password in it masked.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SqliteFile(path) => write!(f, "sqlite:///{}", path.display()),
            Self::SqliteMemory => f.write_str("sqlite::memory:"),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl Setting for DatabaseUrl {
    const EXPECTED: &'static str = "sqlite:///relative.db, sqlite:////absolute/path.db, sqlite::memory: \
                                    or postgresql://user:password@host/name";
    const IS_SECRET: bool = true;

    fn read(value: &Value) -> Result<Self, String> {
        value.string().and_then(|url| url.parse().ok()).ok_or_else(|| value.found_in_secret())
    }

    fn show(&self) -> String {
        as_toml(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debug(url: &str) -> String {
        match url.parse::<DatabaseUrl>() {
            Ok(url) => format!("{url:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_accepted_forms_are_told_apart() {
        assert_eq!(debug("sqlite:///sso.db"), r#"SqliteFile("sso.db")"#);
        assert_eq!(debug("sqlite:////var/lib/sso.db"), r#"SqliteFile("/var/lib/sso.db")"#);
        assert_eq!(debug("sqlite:sso.db"), r#"SqliteFile("sso.db")"#);
        assert_eq!(debug("sqlite:/var/lib/sso.db"), r#"SqliteFile("/var/lib/sso.db")"#);
        assert_eq!(debug("sqlite::memory:"), "SqliteMemory");
        assert_eq!(debug("sqlite:///:memory:"), "SqliteMemory");
        assert_eq!(debug("postgres://sso:hunter2@db/sso"), "Postgres(postgres://sso:***@db/sso)");
        assert_eq!(debug("postgresql:///sso?host=/run/pg"), "Postgres(postgresql:///sso?host=/run/pg)");
    }

    #[test]
    fn every_other_form_is_refused_without_being_repeated() {
        let wrong = [
            "",
            "sso.db",
            "mysql://u:hunter2@db",
            "sqlite:",
            "sqlite://",
            "sqlite:///",
            "sqlite://sso.db",
            "sqlite:///sso.db?mode=ro",
            "postgres://",
            "SQLITE:sso.db",
        ];
        for url in wrong {
            assert_eq!(debug(url), format!("expected {}", DatabaseUrl::EXPECTED), "{url}");
        }
    }

    #[test]
    fn a_url_that_is_shown_means_the_same() {
        for url in ["sqlite:///sso.db", "sqlite:////var/lib/sso.db", "sqlite::memory:"] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().to_string(), url);
        }
    }

    /// A database URL in the shell of somebody who runs tests must not redirect `SSO("sqlite::memory:")` into that database.
    #[test]
    fn a_database_in_the_environment_does_not_replace_the_one_that_a_call_names() {
        let config = crate::config::Loader::new()
            .environment([("ZATO_SSO_DATABASE_URL", "postgresql://db.example.com/production")])
            .argument("database.url", "sqlite::memory:")
            .load()
            .unwrap();
        assert!(matches!(config.database.url, DatabaseUrl::SqliteMemory));
    }
}
