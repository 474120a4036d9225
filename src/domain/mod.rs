//! Plain types that every floor shares: no I/O, no SQL, no HTTP, no Python.

mod access;
mod attr;
mod audit;
mod client;
mod core;
mod device;
mod group;
mod import;
mod linked_auth;
mod mail;
mod passkey;
mod session;
mod site;
mod unicode;
mod user;

pub use self::core::address::{RemoteAddr, network_of};
pub use self::core::clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use self::core::code::Code;
pub use self::core::context::Context;
pub use self::core::error::{Error, Result, WRONG_TOTP_CODE};
pub use self::core::id::{
    Cid, ClientId, GroupId, PasskeyId, SessionId, UserId, random_uuid, time_ordered_uuid,
};
pub use self::core::language::Language;
pub use self::core::measure::{BOUNDS, Distribution, Histogram};
pub use self::core::operation::{AuditKind, Face, Operation, Who};
pub use self::core::page::Page;
pub use self::core::random::{Random, SystemRandom};
pub use self::core::secret::{Password, Ust};
pub use self::core::steady::SteadyClock;
pub use self::core::text::{one_line, without_controls};
pub use self::core::trace;
pub use access::rate_limit::{InvalidRateLimit, RateLimit, RateLimits, RateRule, RateWindow};
pub use access::throttle::{Throttle, ThrottleRules};
pub use attr::{Attr, AttrOwner, AttrValue};
pub use audit::{AuditEntry, AuditEvent, AuditPage, AuditPlace, AuditResult, AuditSearch};
pub use client::metadata::{Metadata, as_metadata_error};
pub use client::oauth_error::OAuthError;
pub use client::record::{
    AccessTokenFormat, AuthMethod, Client, ClientKind, ClientSecret, ClientUpdate, ClientWithSecret, Grant,
    SigningAlg, SigningKeyInfo,
};
pub use client::request::{AuthorizationRequest, ClaimsRequest, Parameters, Prompts, ResponseMode, shown};
pub use client::token::{ClaimsWanted, VerifiedToken};
pub use client::uri::{check_audience, check_redirect_uris, check_web_uri, with_query};
pub use device::{browser_and_system, device_name};
pub use group::{Group, GroupMember, GroupUpdate, Membership, check_group_name, check_scopes, group_key};
pub use import::{
    ImportBatch, ImportFinding, ImportObserver, ImportRecord, ImportSource, ImportSummary, ImportedAttr,
    ImportedLink, ImportedPasskey, ImportedRecoveryCodes, ImportedUser, Unusable,
};
pub use linked_auth::{LinkedAuth, SecDef, SecType, TokenRules};
pub use mail::{Email, EmailKind};
pub use passkey::{Passkey, PasskeyCeremony, check_passkey_name};
pub use session::{AuthType, ChangeSource, Session, SessionInfo, SessionView, StateChange, clean_user_agent};
pub use site::{Direction, Identity, PageRequest, Site, SiteSession};
pub use unicode::email::{EmailAddress, InvalidEmail, canonical_email, split_sender};
pub use unicode::look_alike::{looks, skeleton};
pub use unicode::name::{composed, has_link, opaque_string, prepare_username, stored_forms, username_key};
pub use unicode::reserved::{is_rejected_email, is_reserved_name};
pub use user::account::{
    ApprovalStatus, ExpiringPassword, Field, NewUser, SignUpStatus, User, UserView, Visibility,
};
pub use user::browse::{COUNTED, Place, UserBrowse, UserCount, UserOrder, UserPage, UserState};
pub use user::search::{NameOp, UserSearch};
pub use user::signup::{SignUpDetails, SignUpNames, SignUpVerdict};
pub use user::text::{check_long_text, check_name, joined_names};
pub use user::update::{Edit, UserUpdate};
