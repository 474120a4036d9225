//! The section `audit`.

use std::path::PathBuf;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section, within};
use crate::config::load::setting::{choices, choices_or_file};

section! {
    /// The record of who did what.
    Audit = "audit" {
        /// Where entries go as JSON lines: a file, "stderr", or "off".
        file: AuditFile = AuditFile::Stderr,
        /// Which way they go: "logging" to Python's logger zato_sso.audit, "stderr", "file" to audit.file, or "auto", which is
        /// audit.file, but for an embedded object the logger in place of stderr.
        sink: AuditSink = AuditSink::Auto,
        /// Whether security events go to the database too.
        to_database: bool = true,
        /// Whether successful session checks leave an entry as well.
        session_checks: bool = false,
        /// The file that says where the audit's chain ended when this machine last saw it. By default it stands beside the key file
        /// of a server, with .audit-head behind its name.
        head_file: Option<PathBuf> = None,
        /// Days after which maintenance deletes entries from the database. 0: they are kept for good.
        keep: u32 = 0,
    }
}

impl Validate for Audit {
    fn validate(&self) -> Result<(), Invalid> {
        if self.sink == AuditSink::File && !matches!(self.file, AuditFile::File(_)) {
            let problem = "needs the path of a file in audit.file";
            return Err(Invalid::against("audit.sink", "audit.file", problem));
        }
        within("audit.keep", self.keep, 0..=36_500)
    }
}

choices! {
    /// Which way audit entries go.
    AuditSink: r#""auto", "logging", "stderr" or "file""# {
        /// Where `audit.file` says; embedded, to Python's logger in place of the standard error stream.
        Auto = "auto",
        /// To Python's logger; a server has none, and takes the standard error stream.
        Logging = "logging",
        /// To the standard error stream.
        Stderr = "stderr",
        /// To the file.
        File = "file",
    }
}

/// What comes of both keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// The logger of the program that this is embedded in.
    Logging,
    /// The standard error stream.
    Stderr,
    /// A file.
    File(PathBuf),
    /// None.
    Off,
}

impl Audit {
    /// Where entries go in a program that has a logger of its own, or not.
    #[must_use]
    pub fn target(&self, has_logger: bool) -> AuditTarget {
        let (no_file, unlogged) = match &self.file {
            AuditFile::Off => return AuditTarget::Off,
            AuditFile::Stderr => (AuditTarget::Logging, AuditTarget::Stderr),
            AuditFile::File(path) => (AuditTarget::File(path.clone()), AuditTarget::File(path.clone())),
        };
        match self.sink {
            AuditSink::Stderr => AuditTarget::Stderr,
            AuditSink::Logging if has_logger => AuditTarget::Logging,
            AuditSink::Auto if has_logger => no_file,
            AuditSink::Auto | AuditSink::Logging | AuditSink::File => unlogged,
        }
    }
}

choices_or_file! {
    /// Where audit entries go.
    AuditFile: r#"the path of a file, "stderr" or "off""# {
        /// To the standard error stream.
        Stderr = "stderr",
        /// To no file; the database may still have them.
        Off = "off",
    }
}
