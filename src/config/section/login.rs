//! The section `login`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};
use crate::config::section::session::MAX_SESSION_MINUTES;

section! {
    /// What a login tells those whom it refuses (where it tells nothing, the answer is E005001), and how long it is fresh.
    Login = "login" {
        /// Whether users who are not in user_address_list are refused.
        reject_if_not_listed: bool = false,
        /// Whether a locked user learns of it (E005002).
        inform_if_locked: bool = true,
        /// Whether a user whose sign-up is not confirmed learns of it (E005003).
        inform_if_not_confirmed: bool = true,
        /// Whether a user who is not approved learns of it (E005004).
        inform_if_not_approved: bool = true,
        /// Whether a user who gave no TOTP code learns that one is needed (E005008).
        inform_if_totp_missing: bool = true,
        /// Whether a TOTP code is accepted only once.
        totp_single_use: bool = true,
        /// Minutes after a login in which a session may change what proves who its user is: email, username, TOTP, passkeys, and the
        /// same and the passwords of others as a super-user. After that it takes a new login or session.reauthenticate
        /// (E005010). 0 is no limit.
        fresh_for: u32 = 10,
        /// Whether users are emailed of a login with a user agent and from a network (/24, /48) that were not seen together for
        /// 90 days.
        email_on_new_device: bool = false,
    }
}

impl Validate for Login {
    fn validate(&self) -> Result<(), Invalid> {
        within("login.fresh_for", self.fresh_for, 0..=MAX_SESSION_MINUTES)
    }
}
