//! The section `admin`.

use crate::config::load::section::{Validate, section};

section! {
    /// The pages for super-users.
    Admin = "admin" {
        /// Whether they ask for a second factor, TOTP or a passkey. "auto": those who have one must have shown it in the session; true:
        /// super-users without one are turned away as well; false: a password is enough.
        require_second_factor: Option<bool> = None,
    }
}

impl Validate for Admin {}
