//! The configuration: every key with its type, its default and its rules, and where it is loaded from.
//!
//! ```
//! use zato_sso::config::{Config, Loader};
//!
//! let config = Loader::new().argument("session.expiry", 5).load()?;
//! assert_eq!(config.session.expiry, 5);
//! assert_eq!(config.session.cache_size, Config::default().session.cache_size);
//! # Ok::<(), zato_sso::config::Error>(())
//! ```

use std::path::PathBuf;

mod apps;
mod audit;
mod cleanup;
mod convert;
mod database;
mod email;
mod error;
mod hash_secret;
mod http;
mod ini;
mod load;
mod login;
mod login_throttle;
mod main;
mod password;
mod password_reset;
mod sample;
mod schema;
mod search;
mod secret_url;
mod section;
mod session;
mod setting;
mod signup;
mod smtp;
#[cfg(test)]
mod tests;
mod tree;
mod user_address_list;
mod user_validation;
mod value;
mod values;
mod zato;

pub use apps::Apps;
pub use audit::{Audit, AuditFile};
pub use cleanup::Cleanup;
pub use convert::{Converted, Unmatched, convert};
pub use database::{Database, DatabaseUrl, InvalidDatabaseUrl};
pub use email::Email;
pub use error::{Error, Invalid, Origin};
pub use hash_secret::HashSecret;
pub use http::Http;
pub use load::Loader;
pub use login::Login;
pub use login_throttle::LoginThrottle;
pub use main::Main;
pub use password::Password;
pub use password_reset::{PasswordReset, UserSearchBy};
pub use search::Search;
pub use secret_url::SecretUrl;
pub use session::{Cache, MAX_SESSION_MINUTES, Session};
pub use signup::SignUp;
pub use smtp::{Smtp, SmtpServer, SmtpTls};
pub use user_address_list::{AddressList, UserAddressList};
pub use user_validation::UserValidation;
pub use zato::{AtRest, InvalidSourceUrl, at_rest, secret_keys, source_url};

use schema::SectionInfo;
use section::{Section, Validate as _};
use values::{Origins, Values};

macro_rules! config {
    ($($(#[doc = $doc:literal])+ $field:ident: $section:ty,)+) => {
        /// The whole configuration. `Config::default()` has every key at its default; [`Loader`] reads the rest.
        #[derive(Clone, Debug, Default)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $field: $section,)+
            origins: Origins,
        }

        impl Config {
            fn sections() -> Vec<SectionInfo> {
                vec![$(<$section as Section>::INFO),+]
            }

            fn read(values: &Values) -> Result<Self, Error> {
                Ok(Self { $($field: Section::read(values)?,)+ origins: values.origins() })
            }

            fn first_invalid(&self) -> Result<(), Invalid> {
                $(self.$field.validate()?;)+
                Ok(())
            }

            fn list(&self) -> Vec<(String, String)> {
                [$(self.$field.list()),+].concat()
            }
        }
    };
}

config! {
    /// What concerns everything.
    main: Main,
    /// Where everything is kept.
    database: Database,
    /// How passwords are hashed.
    hash_secret: HashSecret,
    /// The applications.
    apps: Apps,
    /// Logins.
    login: Login,
    /// Where users may come from.
    user_address_list: UserAddressList,
    /// Sessions.
    session: Session,
    /// Passwords.
    password: Password,
    /// Password resets.
    password_reset: PasswordReset,
    /// Sign-up.
    signup: SignUp,
    /// Names that nobody may sign up with.
    user_validation: UserValidation,
    /// Searches.
    search: Search,
    /// The server that sends email.
    smtp: Smtp,
    /// Emails.
    email: Email,
    /// The REST server.
    http: Http,
    /// The audit log.
    audit: Audit,
    /// The deletion of what has expired.
    cleanup: Cleanup,
    /// The delay after failed logins.
    login_throttle: LoginThrottle,
}

/// One key of the effective configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The dotted key.
    pub key: String,
    /// Its value as TOML, secrets masked.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

impl Config {
    /// Every key with its value and where that came from, in the order of the documentation.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |(key, value): (String, String)| Entry { origin: self.origin(&key), key, value };
        self.list().into_iter().map(entry).collect()
    }

    /// Checks the rules that go beyond the type of a value. [`Loader::load`] has done it; this is for a configuration that was
    /// changed since.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), Error> {
        self.first_invalid().map_err(|Invalid { key, other, problem }| {
            // Of two keys that disagree, the one that somebody gave is the place to look at.
            let origin = match (self.origin(key), other) {
                (Origin::Default, Some(other)) => self.origin(other),
                (origin, _) => origin,
            };
            Error::Invalid { origin, key, problem }
        })
    }

    /// Where the keyring is: as configured, or beside an SQLite file. None for a database that has no such place.
    #[must_use]
    pub fn secret_key_file(&self) -> Option<PathBuf> {
        match (&self.main.secret_key_file, &self.database.url) {
            (Some(file), _) => Some(file.clone()),
            (None, DatabaseUrl::SqliteFile(file)) => {
                let mut name = file.clone().into_os_string();
                name.push(".key");
                Some(name.into())
            }
            (None, DatabaseUrl::SqliteMemory | DatabaseUrl::Postgres(_)) => None,
        }
    }

    /// The origin of a key; of a table, that of its first name.
    fn origin(&self, key: &str) -> Origin {
        let in_table = |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let first = || self.origins.iter().find(|(name, _)| in_table(name)).map(|(_, origin)| origin);
        self.origins.get(key).or_else(first).cloned().unwrap_or_default()
    }
}
