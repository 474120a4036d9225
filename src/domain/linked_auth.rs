//! Security definitions: credentials of API clients, and their links to users.

use super::{AuthType, Timestamp, UserId};
use crate::domain::user::account::named;

named! {
    /// The kind of a security definition.
    SecType {
        /// Username and secret in each request (RFC 7617).
        BasicAuth = "basic_auth",
        /// A token that the client signs with the secret (RFC 7519).
        Jwt = "jwt",
    }
}

impl From<SecType> for AuthType {
    fn from(sec_type: SecType) -> Self {
        match sec_type {
            SecType::BasicAuth => Self::BasicAuth,
            SecType::Jwt => Self::Jwt,
        }
    }
}

/// A security definition, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecDef {
    /// Its id, never reused.
    pub sec_def_id: i64,
    /// Its kind.
    pub sec_type: SecType,
    /// What it is called; no two have the same name.
    pub name: String,
    /// What requests name it by; no two of a kind have the same username.
    pub username: String,
    /// Whether requests may use it.
    pub is_active: bool,
    /// When it was made.
    pub creation_time: Timestamp,
    /// The username of the user that it is linked to.
    pub linked_to: Option<String>,
    /// What it asks of tokens; nothing of Basic Auth.
    pub token: TokenRules,
}

/// What a definition asks of tokens beyond their signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRules {
    /// The audience that a token must name (`aud`); None: it may name none, or the definition.
    pub audience: Option<String>,
    /// Seconds from now until which a token may be valid at most (`exp`); None: as long as it says.
    pub max_lifetime: Option<i64>,
}

/// The link of a definition to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAuth {
    /// The kind of the definition.
    pub auth_type: SecType,
    /// The username of the definition.
    pub auth_username: String,
    /// The id of the definition.
    pub auth_id: i64,
    /// The name of the definition.
    pub auth_name: String,
    /// Whom requests act as that use it.
    pub user_id: UserId,
    /// Whether they may.
    pub is_active: bool,
    /// When it was linked.
    pub creation_time: Timestamp,
}
