//! Passkeys: credentials that an authenticator keeps, one for each site, and uses after a touch, a finger or a face.

use uuid::Uuid;

use super::{PasskeyId, Result, Timestamp, UserId, check_name};
use crate::domain::user::account::named;

/// What a passkey is called that was not given a name.
const UNNAMED: &str = "Passkey";

/// A passkey, without the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub passkey_id: PasskeyId,
    /// Whose it is.
    pub user_id: UserId,
    /// What its user calls it.
    pub name: String,
    /// The model of the authenticator; zeros where it does not tell.
    pub aaguid: Uuid,
    /// How the authenticator can be reached, such as `internal`, `hybrid` and `usb`.
    pub transports: Vec<String>,
    /// Whether it may be on several devices.
    pub is_backup_eligible: bool,
    /// Whether it was, when it was last used.
    pub is_backed_up: bool,
    /// Whether the authenticator has ever verified its owner, by a PIN, a finger or a face.
    pub is_user_verified: bool,
    /// Whether its authenticator finds it without being told its id, so that it logs in by itself; None where it has not said.
    pub is_discoverable: Option<bool>,
    /// When it was registered.
    pub creation_time: Timestamp,
    /// When it was last used; None for never.
    pub last_use: Option<Timestamp>,
}

/// The name of a passkey as it is kept.
///
/// # Errors
/// E008002 for one that is too long or has control characters.
pub fn check_passkey_name(name: Option<String>) -> Result<String> {
    Ok(check_name("name", name)?.unwrap_or_else(|| UNNAMED.to_owned()))
}

named! {
    /// What a browser is asked to show a passkey for.
    PasskeyCeremony {
        /// To log in with it, and nothing else.
        Login = "login",
        /// To log in with it after the password.
        SecondFactor = "second_factor",
        /// To prove once more whose a session is.
        Again = "again",
    }
}

impl Passkey {
    /// Whether it is good for nothing but a second step, after the password: who is not known yet is told no ids.
    #[must_use]
    pub fn is_second_factor_only(&self) -> bool {
        self.is_discoverable == Some(false)
    }
}
