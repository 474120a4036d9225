//! The section `admin`.

use crate::config::load::section::{Validate, section};

section! {
    /// The pages for super-users.
    Admin = "admin" {
        /// Whether they ask for a second factor: true turns super-users away who have none. "auto": those who have one are asked for it
        /// at login, as everywhere.
        require_second_factor: Option<bool> = None,
    }
}

impl Validate for Admin {}
