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

mod load;
mod loader;
mod sample;
mod section;
mod settings;
#[cfg(test)]
mod tests;
mod zato;

pub use load::environment::value_from_file;
pub use load::error::{Error, Invalid, Origin};
pub use load::secret_url::SecretUrl;
pub use loader::Loader;
pub use section::admin::Admin;
pub use section::apps::Apps;
pub use section::attr::Attr;
pub use section::audit::{Audit, AuditFile, AuditSink, AuditTarget};
pub use section::cleanup::Cleanup;
pub use section::database::{Create, Database, DatabaseUrl, InvalidDatabaseUrl, Pooler};
pub use section::email::Email;
pub use section::hash_secret::HashSecret;
pub use section::http::Http;
pub use section::log::{Log, LogFile, LogLevel};
pub use section::login::Login;
pub use section::main::Main;
pub use section::oidc::{OWN_CLAIMS, Oidc, Registration};
pub use section::otel::{Otel, OtelPython};
pub use section::pages::Pages;
pub use section::passkey::{Passkey, PasskeyParty, UserVerification};
pub use section::password::Password;
pub use section::password_reset::{PasswordReset, UserSearchBy};
pub use section::search::Search;
pub use section::session::{Cache, MAX_SESSION_MINUTES, Session};
pub use section::signup::SignUp;
pub use section::smtp::{Smtp, SmtpServer, SmtpTls};
pub use section::throttle::LoginThrottle;
pub use section::user_address_list::{AddressList, UserAddressList};
pub use section::user_validation::UserValidation;
pub use settings::{Config, Entry};
pub use zato::convert::{Converted, Unmatched, convert};
pub use zato::files::{AtRest, InvalidSourceUrl, at_rest, secret_keys, source_url};
