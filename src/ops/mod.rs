//! Operations: each is written once here, and every face is a thin layer over it.
//!
//! An operation takes a [`Context`](crate::domain::Context) and a typed request, checks access, calls storage and
//! leaves an audit entry. It knows neither HTTP nor Python.

mod access;
mod attr;
mod audit;
mod background;
mod breached;
mod call;
mod client;
mod credential;
mod gather;
mod group;
mod hook;
mod import;
mod journal;
mod kept;
mod keyring;
mod linked_auth;
mod mail;
mod maintenance;
mod metrics;
mod notify;
mod open;
#[cfg(feature = "server")]
mod otlp;
mod outbox;
mod password;
mod refusals;
mod session;
mod sink;
mod site;
mod sso;
mod state;
mod time;
mod traced;
mod user;
mod watch;

pub use access::actor::{Actor, Caller};
pub use access::app::AppProof;
pub use access::fast_path::{Address, Asker};
pub use attr::request::{AttrExpiry, AttrItem, AttrTarget, AttrWrite};
pub use breached::{BreachedFilter, FilterSummary, build_breached_filter};
pub use client::authenticate::ClientCredential;
pub use credential::enrolment::{TotpDisabler, TotpEnrolment};
pub use credential::totp::{ResetTotpKey, TotpOwner};
pub use hook::{HookError, HookFuture, Hooks, NoHooks};
pub use import::file::{FileFormat, FileSource};
pub use import::record::read_user;
pub use import::users::ImportOptions;
pub use import::zato::{LeftBehind, ZatoOpenError, ZatoOptions, ZatoSource};
pub use import::zato_user::SecDefHere;
pub use journal::{Journal, Log, Reporting};
pub use kept::client::KnownClient;
pub use kept::key_set::SigningKeys;
pub use keyring::OpenError;
pub use linked_auth::identify::ExternalCredential;
pub use linked_auth::link::SecDefName;
pub use linked_auth::sec_def::{CreatedSecDef, NewSecDef};
pub use linked_auth::session::{ExternalAuth, RequestAuth};
pub use maintenance::backup::{Backup, BackupError, back_up, restore};
pub use maintenance::cleanup::Cleaned;
pub use maintenance::doctor::{Finding, Verdict, examine};
pub use metrics::text::{Family, Format, Labels, Text};
pub use open::{Parts, schema_state};
pub use password::change::{ChangePassword, SetPassword};
pub use password::reset::ResetAccess;
pub use session::login::LoginRequest;
pub use session::manage::{Ended, SessionListing};
pub use session::passkey::PasskeyLogin;
pub use session::step::LoginStep;
pub use session::ticket::Steps;
pub use site::browser::{BrowserCheck, BrowserCookie, Checked, Connection, Registration, WaitingConnection};
pub use site::lookup::{SiteProof, UserKey};
pub use site::profile::UpdateMode;
pub use site::registry::{CreatedSite, KeyChange, NewSite, SiteUpdate, UpdatedSite};
pub use site::session::{DEFAULT_LIFETIME, MAX_LIFETIME, NewSiteSession};
pub use site::target::RegisteredTarget;
pub use site::user::{NewSiteUser, SiteUser, SiteUserUpdate};
pub use sso::Sso;
pub use user::console::{ConsoleEntry, ConsolePart, Visitor};
pub use user::name::UsernamesMigrated;
pub use user::signup::SignUpRequest;

pub use crate::store::{LATEST_VERSION, SchemaState};
