//! What can go wrong with an operation.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::domain::Code;

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The detail of a refusal because of a TOTP code, where that may be told: the code is wrong, or was used before.
pub const WRONG_TOTP_CODE: &str = "totp_code: wrong, or used before";

type Source = Box<dyn StdError + Send + Sync>;

/// Why an operation did not succeed. Nothing in it, its source included, holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules say no; the code says why.
    #[error("{} {}.{}{}", code.as_str(), code.group(), code.label(), Because(detail.as_deref()))]
    Refused {
        /// The status code.
        code: Code,
        /// What was wrong and what would be right, where the code alone does not say it.
        detail: Option<Cow<'static, str>>,
    },
    /// Too many attempts: [`Code::AuthRateLimited`].
    #[error("{} too many attempts, try again in {retry_after:?}", Code::AuthRateLimited.as_str())]
    RateLimited {
        /// How long to wait before another attempt can succeed.
        retry_after: Duration,
    },
    /// There is more to do than can be done: [`Code::CommonOverloaded`].
    #[error("too much to do for the moment: {0}")]
    Overloaded(&'static str),
    /// Something that is needed is unavailable at the moment, such as the database: [`Code::CommonUnavailable`].
    #[error("not available for the moment: {0}")]
    Unavailable(#[source] Source),
    /// Our fault.
    #[error("internal error: {0}")]
    Internal(#[source] Source),
}

/// Writes a detail behind a code, if there is one.
struct Because<'a>(Option<&'a str>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl Error {
    /// A refusal with a detail: what was wrong and what would be right. Never a secret.
    pub fn refused(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused { code, detail: Some(detail.into()) }
    }

    /// Wraps a fault of ours.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// Wraps the reason why something is unavailable.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// What kind of error it is, in one word: what metrics and traces have of it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded(_) => "overloaded",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "error",
        }
    }

    /// Whether the machinery is at fault, and not the request.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::RateLimited { .. } => false,
            Self::Overloaded(_) | Self::Unavailable(_) | Self::Internal(_) => true,
        }
    }

    /// The status code to show for it.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused { code, .. } => *code,
            Self::RateLimited { .. } => Code::AuthRateLimited,
            Self::Overloaded(_) => Code::CommonOverloaded,
            Self::Unavailable(_) => Code::CommonUnavailable,
            Self::Internal(_) => Code::CommonInternalError,
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::Refused { code, detail: None }
    }
}
