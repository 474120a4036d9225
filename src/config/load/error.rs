//! What can be wrong with a configuration, and where a value of it came from.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::domain::one_line;

/// Where a value came from. Displayed as messages and `zato-sso config show` name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// No source gave it: the built-in default.
    #[default]
    Default,
    /// A configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// The command line, or an argument of a call.
    Argument,
    /// The environment variable of this name.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", OneLine(&path.to_string_lossy())),
            Self::Argument => f.write_str("argument"),
            Self::Environment(name) => write!(f, "environment variable {}", OneLine(name)),
        }
    }
}

/// Why a configuration cannot be used. Its text is one line, and holds no secret value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read, or is not UTF-8.
    #[error("{}: cannot be read: {source}", OneLine(&path.to_string_lossy()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of another kind, or of another program, than the one that was asked for.
    #[error("{}: {problem}", OneLine(&path.to_string_lossy()))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it lacks, and what to do.
        problem: &'static str,
    },
    /// Not TOML, not the INI dialect, or an environment variable that is not text.
    #[error("{origin}: {}", OneLine(problem))]
    Syntax {
        /// Where.
        origin: Origin,
        /// What is wrong there.
        problem: String,
    },
    /// A section or a key that does not exist.
    #[error("{origin}: unknown {what} {}, the nearest known one is {nearest}", OneLine(name))]
    Unknown {
        /// Where.
        origin: Origin,
        /// "section" or "key".
        what: &'static str,
        /// As it was given.
        name: String,
        /// The known name that looks most like it.
        nearest: String,
    },
    /// An environment variable of our name space that belongs to no key.
    #[error("unknown environment variable {}, the nearest known one is {nearest}", OneLine(name))]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The known one that looks most like it.
        nearest: String,
    },
    /// A value of another type or form than the key needs.
    #[error("{origin}: {key}: expected {expected}, found {}", OneLine(found))]
    WrongValue {
        /// Where.
        origin: Origin,
        /// The dotted key.
        key: String,
        /// What the key needs.
        expected: Cow<'static, str>,
        /// What there is; only its kind where the key is for secrets.
        found: String,
    },
    /// A value of the right type that cannot work, alone or together with another.
    #[error("{origin}: {key} {}", OneLine(problem))]
    Invalid {
        /// Where.
        origin: Origin,
        /// The dotted key.
        key: &'static str,
        /// The rule that it breaks.
        problem: String,
    },
}

/// The rule that a value breaks, as `validate` of a section reports it.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The dotted key.
    pub key: &'static str,
    /// The key that it disagrees with, if that is the matter.
    pub other: Option<&'static str>,
    /// What is wrong, to be read after the key.
    pub problem: String,
}

impl Invalid {
    pub(in crate::config) fn new(key: &'static str, problem: impl Into<String>) -> Self {
        Self { key, other: None, problem: problem.into() }
    }

    pub(in crate::config) fn against(
        key: &'static str,
        other: &'static str,
        problem: impl Into<String>,
    ) -> Self {
        Self { key, other: Some(other), problem: problem.into() }
    }
}

/// Text from outside with its control characters escaped, so that a message stays one line.
pub(in crate::config) struct OneLine<'a>(pub(in crate::config) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_with_any_names_in_it() {
        let error = Error::Unknown {
            origin: Origin::File { path: PathBuf::from("a\nb.toml"), line: 3 },
            what: "key",
            name: "x\r\ny\u{2028}z".into(),
            nearest: "session.expiry".into(),
        };
        assert_eq!(
            error.to_string(),
            r"a b.toml:3: unknown key x  y\u{2028}z, the nearest known one is session.expiry"
        );
    }
}
