//! What an access token says that was found good.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{Timestamp, UserId};

/// What claims of a user are wanted for: what hooks receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsWanted {
    /// Whose.
    pub user_id: UserId,
    /// Their name.
    pub username: String,
    /// The client that is told.
    pub client_id: String,
    /// What it may know.
    pub scopes: Vec<String>,
    /// Where they come: `id_token` or `userinfo`.
    pub target: &'static str,
}

/// An access token that is good now.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedToken {
    /// Whose it is: the user as the client knows them, or the client itself.
    pub sub: String,
    /// The client that it was issued to.
    pub client_id: String,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// For whom it is.
    pub audiences: Vec<String>,
    /// Until when it is valid.
    pub expiration_time: Timestamp,
    /// The sign-in that it comes of; None for one that a client has for itself.
    pub authorization_id: Option<Uuid>,
    /// All that it says: the claims of a JWT, what introspection tells of an opaque one.
    pub claims: Map<String, Value>,
}

impl VerifiedToken {
    /// The user, where `sub` names one: not for a client that acts for itself, nor for a pairwise subject.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        UserId::parse(&self.sub)
    }

    /// Whether it is for this audience; where none is asked for, for any.
    #[must_use]
    pub fn is_for(&self, audience: Option<&str>) -> bool {
        audience.is_none_or(|audience| self.audiences.iter().any(|one| one == audience))
    }

    /// Whether it is good for all of these scopes, which stand between blanks.
    #[must_use]
    pub fn covers(&self, scopes: Option<&str>) -> bool {
        let has = |scope: &str| self.scopes.iter().any(|one| one == scope);
        scopes.is_none_or(|scopes| scopes.split_ascii_whitespace().all(has))
    }
}
