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
    /// What a browser is asked for a passkey for.
    PasskeyCeremony {
        /// To make one.
        Registration = "registration",
        /// To log in with it, and nothing else.
        Login = "login",
        /// To log in with it after the password.
        SecondFactor = "second_factor",
    }
}
