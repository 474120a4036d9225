//! Why a request did not succeed. Each face renders it in its own form: `reply::failure` as JSON, `site::failure` in
//! OneAll's envelope, `site::browser` as text.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::domain::{Code, Error};

/// What was wrong and what would be right, in words.
pub(in crate::http) type Detail = Cow<'static, str>;

/// Why a request did not succeed, as far as its sender may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum Failure {
    /// The input cannot be understood: 400.
    BadRequest(Option<Detail>),
    /// There is no such path: 404.
    NotFound,
    /// The path does not have this method: 405.
    MethodNotAllowed,
    /// The body is longer than `http.max_body_bytes`: 413.
    TooLarge,
    /// The body came too slowly, or not to its end: 408.
    TooSlow,
    /// The sender did not prove who it is: 401.
    Unauthorized {
        /// The code in metrics.
        code: Code,
        /// What to send.
        detail: Detail,
    },
    /// The rules say no: 403.
    Refused {
        /// Why.
        code: Code,
        /// The same in words, where the code alone does not say it.
        detail: Option<Detail>,
    },
    /// Too many attempts: 429.
    RateLimited {
        /// How long to wait before another attempt can succeed.
        retry_after: Duration,
    },
    /// There is more to do than can be done, or it took too long: 503.
    Overloaded,
    /// Something that is needed is unreachable for the moment: 503.
    Unavailable,
    /// Our fault: 500.
    Internal,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { code, detail } => Self::Refused { code, detail },
            Error::RateLimited { retry_after } => Self::RateLimited { retry_after },
            // The audit log has the cause; clients do not get it.
            Error::Overloaded(_) => Self::Overloaded,
            Error::Unavailable(_) => Self::Unavailable,
            Error::Internal(_) => Self::Internal,
        }
    }
}

impl Failure {
    /// The input cannot be understood; the detail says what would be right.
    pub fn bad(detail: impl Into<Detail>) -> Self {
        Self::BadRequest(Some(detail.into()))
    }

    /// An element without which there is nothing to do was not sent.
    pub fn missing(name: &str) -> Self {
        Self::bad(format!("{name} is missing"))
    }

    /// An element has a value of another type than it is to have. Never what was sent.
    pub fn mistyped(name: &str, expected: &str) -> Self {
        Self::bad(format!("{name}: expected {expected}"))
    }

    /// The status, unless a face has others for its refusals.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Refused { .. } => StatusCode::FORBIDDEN,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When it makes sense to ask again, where there is reason to.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Overloaded => Some(Duration::from_secs(1)),
            Self::Unavailable => Some(Duration::from_secs(5)),
            Self::BadRequest(_)
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::TooSlow
            | Self::Unauthorized { .. }
            | Self::Refused { .. }
            | Self::Internal => None,
        }
    }

    /// The code that says why, where there is one.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::BadRequest(_)
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::TooSlow => None,
            Self::Unauthorized { code, .. } | Self::Refused { code, .. } => Some(*code),
            Self::RateLimited { .. } => Some(Code::AuthRateLimited),
            Self::Overloaded => Some(Code::CommonOverloaded),
            Self::Unavailable => Some(Code::CommonUnavailable),
            Self::Internal => Some(Code::CommonInternalError),
        }
    }
}

/// That a response says itself why: it is a page.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Told;

/// An empty response that carries the failure along, until the layer that knows how to render it does so.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
