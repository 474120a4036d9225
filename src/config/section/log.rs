//! The section `log`.

use std::path::PathBuf;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section};
use crate::config::load::setting::{Setting, as_toml, choices};
use crate::config::load::value::Value;

section! {
    /// The log of the server: what happens to it.
    Log = "log" {
        /// Where it goes as JSON lines: "stdout", "stderr", a file, or "off".
        file: LogFile = LogFile::Stdout,
        /// What is logged: "error", "warning" too, "info" too, or "off".
        level: LogLevel = LogLevel::Info,
    }
}

impl Validate for Log {
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

choices! {
    /// How serious something is, and what of that is logged.
    LogLevel: r#""off", "error", "warning" or "info""# {
        /// Nothing is logged.
        Off = "off",
        /// Something does not work.
        Error = "error",
        /// Something works, but needs attention.
        Warning = "warning",
        /// Something to know.
        Info = "info",
    }
}

impl LogLevel {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFile {
    /// To the standard output stream.
    Stdout,
    /// To the standard error stream.
    Stderr,
    /// Appended to a file.
    File(PathBuf),
    /// Nowhere.
    Off,
}

impl Setting for LogFile {
    const EXPECTED: &'static str = r#""stdout", "stderr", the path of a file, or "off""#;

    fn read(value: &Value) -> Result<Self, String> {
        match value.string() {
            Some("stdout") => Ok(Self::Stdout),
            Some("stderr") => Ok(Self::Stderr),
            Some("off") => Ok(Self::Off),
            Some(path) if !path.trim().is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err(value.found()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Stdout => as_toml("stdout"),
            Self::Stderr => as_toml("stderr"),
            Self::Off => as_toml("off"),
            Self::File(path) => as_toml(&path.to_string_lossy()),
        }
    }
}
