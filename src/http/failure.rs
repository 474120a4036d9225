//! What is answered when a request does not succeed.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::{Cid, Code, Error};

/// Why a request did not succeed, as far as the one who sent it may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Failure {
    /// The input cannot be understood: 400.
    BadRequest,
    /// There is no such path: 404.
    NotFound,
    /// The path does not have this method: 405.
    MethodNotAllowed,
    /// The body is longer than `http.max_body_bytes`: 413.
    TooLarge,
    /// The rules say no: 403.
    Refused(Code),
    /// Too many attempts: 429.
    RateLimited {
        /// How long to wait before another one can succeed.
        retry_after: Duration,
    },
    /// Something that is needed is away for the moment, or took too long: 503.
    Unavailable,
    /// Our fault: 500.
    Internal,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { code, detail: _ } => Self::Refused(code),
            Error::RateLimited { retry_after } => Self::RateLimited { retry_after },
            // The audit log has the cause; it is nobody else's business.
            Error::Unavailable(_) => Self::Unavailable,
            Error::Internal(_) => Self::Internal,
        }
    }
}

impl Failure {
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code that says why, where there is one.
    pub const fn code(self) -> Option<Code> {
        match self {
            Self::BadRequest | Self::NotFound | Self::MethodNotAllowed | Self::TooLarge => None,
            Self::Refused(code) => Some(code),
            Self::RateLimited { .. } => Some(Code::AuthRateLimited),
            Self::Unavailable | Self::Internal => Some(Code::CommonInternalError),
        }
    }

    /// The body: requests that are wrong as such are described in words, all others by a code.
    fn body(self, cid: &Cid) -> String {
        let described = |details| json!({"result": "Error", "cid": cid.as_str(), "details": details});
        let coded =
            |code: Code| json!({"cid": cid.as_str(), "status": "error", "sub_status": [code.as_str()]});
        let body = match self {
            Self::BadRequest => described("Bad request"),
            Self::NotFound => described("Not found"),
            Self::MethodNotAllowed => described("Method not allowed"),
            Self::TooLarge => described("Request body too large"),
            Self::Refused(code) => coded(code),
            Self::RateLimited { .. } => coded(Code::AuthRateLimited),
            Self::Unavailable | Self::Internal => coded(Code::CommonInternalError),
        };
        body.to_string()
    }

    /// Makes a response say what went wrong. Headers that it already has, such as `Allow`, stay.
    pub fn render(self, cid: &Cid, response: Response) -> Response {
        let (mut parts, _) = self.with_headers(response).into_parts();
        parts.status = self.status();
        Response::from_parts(parts, Body::from(self.body(cid)))
    }

    /// Gives a response the headers that a failure has, whatever its body will be.
    pub fn with_headers(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Self::RateLimited { retry_after } = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(retry_after)));
        }
        response
    }
}

/// Rounded up: who waits for so long is not turned away again.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// An empty response that carries the failure along, until the layer that knows the correlation id renders it.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_status_and_body() {
        let cid = Cid::new("c1");
        let bodies: Vec<String> = [
            Failure::BadRequest,
            Failure::NotFound,
            Failure::MethodNotAllowed,
            Failure::TooLarge,
            Failure::Refused(Code::AuthLocked),
            Failure::RateLimited { retry_after: Duration::ZERO },
            Failure::Unavailable,
            Failure::Internal,
        ]
        .into_iter()
        .map(|failure| format!("{} {}", failure.status().as_u16(), failure.body(&cid)))
        .collect();
        insta::assert_snapshot!(bodies.join("\n"), @r#"
        400 {"result":"Error","cid":"c1","details":"Bad request"}
        404 {"result":"Error","cid":"c1","details":"Not found"}
        405 {"result":"Error","cid":"c1","details":"Method not allowed"}
        413 {"result":"Error","cid":"c1","details":"Request body too large"}
        403 {"cid":"c1","status":"error","sub_status":["E005002"]}
        429 {"cid":"c1","status":"error","sub_status":["E005009"]}
        503 {"cid":"c1","status":"error","sub_status":["E008004"]}
        500 {"cid":"c1","status":"error","sub_status":["E008004"]}
        "#);
    }

    #[test]
    fn retry_after_is_in_whole_seconds_rounded_up() {
        for (millis, header) in [(0, "0"), (1, "1"), (1_000, "1"), (1_001, "2"), (900_000, "900")] {
            let failure = Failure::RateLimited { retry_after: Duration::from_millis(millis) };
            let response = failure.render(&Cid::new("c1"), failure.into_response());
            assert_eq!(response.headers()[header::RETRY_AFTER], header, "{millis}");
        }
    }

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let failure = Failure::from(Error::internal("the disk is on fire"));
        assert!(!failure.body(&Cid::new("c1")).contains("fire"));
    }
}
