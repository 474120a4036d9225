//! Operations: each is written once here, and every face is a thin layer over it.
//!
//! An operation takes a [`Context`](crate::domain::Context) and a typed request, checks access, calls storage and
//! leaves an audit entry. It knows neither HTTP nor Python.

mod access;
mod approval;
mod at_once;
mod attr;
mod attr_request;
mod audit;
mod browser;
mod deletion;
mod doctor;
mod email;
mod email_template;
mod export;
mod external_auth;
mod hooks;
mod identity;
mod import;
mod import_check;
mod import_file;
mod import_record;
mod linked_auth;
mod login;
mod mailer;
mod maintenance;
mod open;
mod password;
mod password_expiry;
mod password_reset;
mod rate_limit;
mod search;
mod sec_def;
mod session;
mod signup;
mod site;
mod site_session;
mod site_user;
mod smtp;
mod throttle;
mod totp;
mod update;
mod user;
mod zato;
mod zato_user;

use std::sync::Arc;

pub use access::Authority;
pub use at_once::{Address, Asker};
pub use attr_request::{AttrExpiry, AttrItem, AttrScope, AttrWrite};
pub use browser::{BrowserCheck, BrowserCookie, Checked, Connection, Registration};
pub use doctor::{Finding, Verdict, examine};
pub use external_auth::{ExternalAuth, ExternalCredential};
pub use hooks::{HookError, HookFuture, Hooks, NoHooks};
pub use import::ImportOptions;
pub use import_file::{FileFormat, FileSource};
pub use import_record::{Members, user_of};
pub use linked_auth::SecDefName;
pub use login::LoginRequest;
pub use maintenance::Cleaned;
pub use open::{OpenError, Parts, schema_state};
pub use password::{ChangePassword, SetPassword};
pub use password_reset::ResetAccess;
pub use sec_def::{CreatedSecDef, NewSecDef};
pub use session::SessionListing;
pub use signup::SignUpRequest;
pub use site::{CreatedSite, SiteCaller};
pub use site_session::{DEFAULT_LIFETIME, MAX_LIFETIME, NewSiteSession};
pub use site_user::{NewSiteUser, SiteUser, SiteUserUpdate};
pub use totp::{ResetTotpKey, TotpOwner};
pub use zato::{LeftBehind, ZatoOpenError, ZatoOptions, ZatoSource};
pub use zato_user::SecDefHere;

use crate::config::Config;
use crate::crypto::{HashPool, Keyring};
use crate::domain::{Clock, Random, Timestamp};
use crate::store::Db;
use crate::store::session_cache::SessionCache;
pub use crate::store::{LATEST_VERSION, SchemaState};

/// Single sign-on over one open database. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Sso {
    core: Arc<Core>,
}

#[derive(Debug)]
struct Core {
    db: Db,
    sessions: SessionCache,
    config: Config,
    keyring: Keyring,
    hashing: HashPool,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    audit: Arc<audit::Log>,
    templates: email_template::Templates,
    mailer: mailer::Mailer,
    warnings: Vec<String>,
    background: maintenance::Background,
    hooks: Arc<dyn Hooks>,
}

impl Sso {
    /// The configuration in effect.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// What was noticed on opening that somebody should see to, one line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.core.warnings
    }

    /// The source of randomness, for correlation ids.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.core.random
    }

    /// The database.
    fn db(&self) -> &Db {
        &self.core.db
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::domain::Error::Unavailable) when it does not.
    pub async fn check_ready(&self) -> crate::domain::Result<()> {
        let mut conn = self.db().read().await?;
        crate::store::setting::get(&mut conn, open::KEYRING_CHECK).await.map(drop)
    }

    /// Closes the database and ends the hashing threads, after calls in flight have ended; then sends what emails are
    /// left, for a few seconds at most. Calls made later fail with
    /// [`Error::Unavailable`](crate::domain::Error::Unavailable).
    pub async fn close(&self) {
        self.core.background.stop().await;
        let core = Arc::clone(&self.core);
        // Joining the threads blocks.
        let hashing = tokio::task::spawn_blocking(move || core.hashing.close());
        self.core.db.close().await;
        self.core.sessions.close();
        drop(hashing.await);
        self.core.mailer.close().await;
    }
}
