//! Sites: clients of the sessions API, and what they know of users.

use serde_json::Value;
use uuid::Uuid;

use super::{AttrValue, Password, SessionId, Timestamp, UserId};

/// A client of the sessions API: usually the server of one or more web sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub site_id: Uuid,
    /// What it is called: a label as in host names.
    pub subdomain: String,
    /// The username of its Basic authentication.
    pub public_key: Uuid,
    /// Whether it may call.
    pub is_active: bool,
    /// Whether it speaks for all users. Any other does for those that it made, or whose password it has just verified.
    pub is_trusted: bool,
    /// When it was made.
    pub creation_time: Timestamp,
    /// Whether the private key that it had before still counts.
    pub has_old_key: bool,
    /// Where browsers may be sent back to, in order.
    pub callback_uris: Vec<String>,
}

/// One credential or profile of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Its public token.
    pub identity_token: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// The public token of that user.
    pub user_token: Uuid,
    /// The site that made it; None for the one that every user has from the start.
    pub site_id: Option<Uuid>,
    /// Where it comes from; `storage` for what is kept here.
    pub provider: String,
    /// The name that the site knows the user by.
    pub external_id: Option<String>,
    /// What the site said about the user: a JSON object.
    pub profile: Option<Value>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it last changed.
    pub last_modified: Timestamp,
}

/// A session that a site has started for an identity. No UST acts as it.
#[derive(Clone, Debug)]
pub struct SiteSession {
    /// The id that lists of the user's sessions show.
    pub session_id: SessionId,
    /// What names it in the sessions API. Browsers are recognised by it, so it is a secret of the site's.
    pub sso_session_token: Password,
    /// Whose it is.
    pub user_id: UserId,
    /// The public token of that user.
    pub user_token: Uuid,
    /// For which of the user's identities it was started.
    pub identity_token: Uuid,
    /// What the site set.
    pub top_realm: Option<String>,
    /// What the site set.
    pub sub_realm: Option<String>,
    /// What the site set: any JSON, usually a string.
    pub data: Option<AttrValue>,
    /// How many browsers it was given to.
    pub num_cookies_set: i64,
    /// When it was started.
    pub creation_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
    /// Until when it is valid.
    pub expiration_time: Timestamp,
}

/// In which order a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The oldest, or smallest, first.
    Ascending,
    /// The newest, or greatest, first.
    #[default]
    Descending,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Which page, from 1.
    pub page: i64,
    /// How many entries a page has.
    pub entries_per_page: i64,
    /// In which order.
    pub direction: Direction,
}

impl PageRequest {
    /// How many entries come before the page; no list is longer than can be counted.
    #[must_use]
    pub const fn offset(&self) -> i64 {
        (self.page - 1).saturating_mul(self.entries_per_page)
    }
}
