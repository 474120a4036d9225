//! Sessions: what a login opens.

use super::{Password, SessionId, Timestamp, UserId, Ust, without_controls};
use crate::domain::user::account::named;

/// The longest user agent that is kept, in characters.
const MAX_USER_AGENT_LENGTH: usize = 512;

/// A user agent as it is stored: on one line, cut to a sensible length.
#[must_use]
pub fn clean_user_agent(text: &str) -> String {
    without_controls(text, MAX_USER_AGENT_LENGTH)
}

named! {
    /// How a session was opened.
    AuthType {
        /// With a username and a password.
        Default = "default",
        /// Through a linked Basic Auth definition.
        BasicAuth = "basic_auth",
        /// Through a linked JWT definition.
        Jwt = "jwt",
        /// By a site, with its keys.
        Site = "site",
    }
}

named! {
    /// What a session was touched by.
    ChangeSource {
        /// It was opened.
        Login = "login",
        /// It was renewed.
        Renew = "renew",
    }
}

/// One entry of a session's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Counts from 1 and keeps growing, however many entries are kept.
    pub idx: i64,
    /// When.
    pub timestamp_utc: Timestamp,
    /// By what.
    pub ctx_source: ChangeSource,
    /// From where.
    pub remote_addr: String,
    /// With what.
    pub user_agent: Option<String>,
}

/// A session, without the token that acts as it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its public id.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it was opened.
    pub creation_time: Timestamp,
    /// Until when it is valid.
    pub expiration_time: Timestamp,
    /// Where it was opened from; several addresses joined by `, `.
    pub remote_addr: String,
    /// With what it was opened.
    pub user_agent: Option<String>,
    /// How it was opened.
    pub auth_type: AuthType,
    /// The username it was opened with; of a site, its subdomain.
    pub auth_principal: String,
    /// For linked auth, what the session belongs to.
    pub ext_session_id: Option<String>,
    /// How often it was touched, the login included.
    pub state_change_count: i64,
    /// When its user, or the definition that acts for the user, last proved who they are: at the login or later.
    pub auth_time: Timestamp,
    /// When it was last used, as far as that is written: at the login, at a renewal, and now and then in between where
    /// sessions end that nobody uses.
    pub last_use: Timestamp,
    /// How its user has proved who they are, by names of RFC 8176 between blanks; None is by a password alone, or as
    /// `auth_type` says.
    pub auth_methods: Option<String>,
}

/// A session and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// The name that its user has now.
    pub username: String,
    /// Whether its user is a super-user.
    pub is_super_user: bool,
}

/// What a login answers with.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Whose session.
    pub username: String,
    /// Whose session.
    pub user_id: UserId,
    /// The token of the session. It cannot be shown again.
    pub ust: Ust,
    /// When it was opened.
    pub creation_time: Timestamp,
    /// Until when it is valid.
    pub expiration_time: Timestamp,
    /// Whether the password expires soon.
    pub has_w_about_to_exp: bool,
    /// What the next login from this device sends, so that it waits for nobody else's failures. None where the device has
    /// one already. It cannot be shown again.
    pub device_token: Option<Password>,
}
