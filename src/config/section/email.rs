//! The section `email`.

use std::path::PathBuf;

use crate::config::load::section::{Validate, section};

section! {
    /// What emails look like.
    Email = "email" {
        /// A folder of templates that override the built-in ones by file name and locale. Empty: the built-in ones.
        templates: Option<PathBuf> = None,
    }
}

impl Validate for Email {}
