//! The section `log`.

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section};
use crate::config::load::setting::{choices, choices_or_file};

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

choices_or_file! {
    /// Where the log goes.
    LogFile: r#""stdout", "stderr", the path of a file, or "off""# {
        /// To the standard output stream.
        Stdout = "stdout",
        /// To the standard error stream.
        Stderr = "stderr",
        /// Nowhere.
        Off = "off",
    }
}
