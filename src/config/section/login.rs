//! The section `login`.

use crate::config::load::section::{Validate, section};

section! {
    /// What a login tells those whom it refuses. Where it tells nothing, the answer is E005001.
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
    }
}

impl Validate for Login {}
