//! The whole configuration: every section, and where each value came from.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::config::load::error::{Error, Invalid, Origin};
use crate::config::load::schema::SectionInfo;
use crate::config::load::section::{Section, Validate as _};
use crate::config::load::values::{Origins, Values};
use crate::config::section::admin::Admin;
use crate::config::section::apps::Apps;
use crate::config::section::attr::Attr;
use crate::config::section::audit::Audit;
use crate::config::section::cleanup::Cleanup;
use crate::config::section::database::{Database, DatabaseUrl};
use crate::config::section::email::Email;
use crate::config::section::hash::Hash;
use crate::config::section::hash_secret::HashSecret;
use crate::config::section::http::Http;
use crate::config::section::log::Log;
use crate::config::section::login::Login;
use crate::config::section::main::Main;
use crate::config::section::oidc::Oidc;
use crate::config::section::otel::{Otel, TrustTraceparent};
use crate::config::section::pages::Pages;
use crate::config::section::passkey::{Passkey, PasskeyParty};
use crate::config::section::password::Password;
use crate::config::section::password_reset::PasswordReset;
use crate::config::section::search::Search;
use crate::config::section::session::Session;
use crate::config::section::signup::SignUp;
use crate::config::section::smtp::Smtp;
use crate::config::section::throttle::LoginThrottle;
use crate::config::section::user_address_list::UserAddressList;
use crate::config::section::user_validation::UserValidation;

macro_rules! config {
    ($($(#[doc = $doc:literal])+ $field:ident: $section:ty,)+) => {
        /// The whole configuration. `Config::default()` has every key at its default; [`Loader`] reads the rest.
        #[derive(Clone, Debug, Default)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $field: $section,)+
            origins: Origins,
        }

        impl Config {
            pub(in crate::config) fn sections() -> Vec<SectionInfo> {
                vec![$(<$section as Section>::INFO),+]
            }

            pub(in crate::config) fn read(values: &Values) -> Result<Self, Error> {
                Ok(Self { $($field: Section::read(values)?,)+ origins: values.origins() })
            }

            pub(in crate::config) fn first_invalid(&self) -> Result<(), Invalid> {
                $(self.$field.validate()?;)+
                Ok(())
            }

            pub(in crate::config) fn list(&self) -> Vec<(String, String)> {
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
    /// Calls that wait for that.
    hash: Hash,
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
    /// Names that are not allowed at sign-up.
    user_validation: UserValidation,
    /// Passkeys.
    passkey: Passkey,
    /// Searches.
    search: Search,
    /// Custom attributes.
    attr: Attr,
    /// The server that sends email.
    smtp: Smtp,
    /// Emails.
    email: Email,
    /// The REST server.
    http: Http,
    /// The pages for people.
    pages: Pages,
    /// The pages for super-users.
    admin: Admin,
    /// The OpenID Provider.
    oidc: Oidc,
    /// The audit log.
    audit: Audit,
    /// The log of the server.
    log: Log,
    /// Traces.
    otel: Otel,
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
            // Of two keys that disagree, point at the one that was given.
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

    /// Whom passkeys are for; None where there are none.
    #[must_use]
    pub fn passkey_party(&self) -> Option<PasskeyParty> {
        self.passkey.party(&self.pages, self.http.listen)
    }

    /// Whether requests from this peer may name the trace that they belong to.
    #[must_use]
    pub fn trusts_traceparent_of(&self, peer: Option<IpAddr>) -> bool {
        match self.otel.trust_traceparent {
            TrustTraceparent::All => true,
            TrustTraceparent::Nobody => false,
            TrustTraceparent::Proxies => peer.is_some_and(|peer| {
                self.http.trusted_proxies.iter().any(|block| block.contains(&peer.to_canonical()))
            }),
        }
    }

    /// The origin of a key; of a table, that of its first name.
    pub(in crate::config) fn origin(&self, key: &str) -> Origin {
        let in_table = |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let first = || self.origins.iter().find(|(name, _)| in_table(name)).map(|(_, origin)| origin);
        self.origins.get(key).or_else(first).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Loader;

    #[test]
    fn a_trace_is_named_by_proxies_that_are_trusted() {
        let trusts = |text: &str, peer: &str| {
            let config = Loader::new().text("sso.toml", text).load().unwrap();
            config.trusts_traceparent_of(peer.parse().ok())
        };
        let proxy = "http.trusted_proxies = ['10.0.0.0/8']\n";
        assert!(trusts(proxy, "10.0.0.1") && trusts(proxy, "::ffff:10.0.0.1"));
        assert!(!trusts(proxy, "11.0.0.1") && !trusts(proxy, "") && !trusts("", "127.0.0.1"));
        let all = format!("{proxy}otel.trust_traceparent = 'all'");
        assert!(trusts(&all, "11.0.0.1") && trusts(&all, ""));
        assert!(!trusts(&format!("{proxy}otel.trust_traceparent = 'none'"), "10.0.0.1"));
    }

    #[test]
    fn the_key_file_is_beside_an_sqlite_database() {
        let file = |text: &str| Loader::new().text("sso.toml", text).load().unwrap().secret_key_file();
        assert_eq!(file(""), Some(PathBuf::from("sso.db.key")));
        assert_eq!(
            file("database.url = 'sqlite:////var/lib/sso.db'"),
            Some(PathBuf::from("/var/lib/sso.db.key"))
        );
        assert_eq!(file("database.url = 'sqlite::memory:'"), None);
        assert_eq!(file("database.url = 'postgres://host/db'"), None);
        assert_eq!(file("main.secret_key_file = '/etc/sso.key'"), Some(PathBuf::from("/etc/sso.key")));
    }
}
