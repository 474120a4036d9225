//! The section `audit`.

use std::path::PathBuf;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};
use crate::config::load::setting::{Setting, as_toml};
use crate::config::load::value::Value;

section! {
    /// The record of who did what.
    Audit = "audit" {
        /// Where entries go as JSON lines: a file, "stderr", or "off".
        file: AuditFile = AuditFile::Stderr,
        /// Whether security events go to the database too.
        to_database: bool = true,
        /// Whether successful session checks leave an entry as well.
        session_checks: bool = false,
        /// Days after which maintenance deletes entries from the database. 0: they are kept for good.
        keep: u32 = 0,
    }
}

impl Validate for Audit {
    fn validate(&self) -> Result<(), Invalid> {
        within("audit.keep", self.keep, 0..=36_500)
    }
}

/// Where audit entries go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFile {
    /// To the standard error stream.
    Stderr,
    /// Appended to a file.
    File(PathBuf),
    /// To no file; the database may still have them.
    Off,
}

impl Setting for AuditFile {
    const EXPECTED: &'static str = r#"the path of a file, "stderr" or "off""#;

    fn read(value: &Value) -> Result<Self, String> {
        match value.string() {
            Some("stderr") => Ok(Self::Stderr),
            Some("off") => Ok(Self::Off),
            Some(path) if !path.trim().is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err(value.found()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Stderr => as_toml("stderr"),
            Self::Off => as_toml("off"),
            Self::File(path) => as_toml(&path.to_string_lossy()),
        }
    }
}
