//! A failure as JSON, in Zato's format.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::json;

use crate::domain::{Cid, Code};
use crate::http::failure::Failure;

/// Makes a response say what went wrong. Headers that it already has, such as `Allow`, stay.
pub(in crate::http) fn render(failure: &Failure, cid: &Cid, response: Response) -> Response {
    let (mut parts, _) = with_headers(failure, response).into_parts();
    parts.status = failure.status();
    Response::from_parts(parts, Body::from(body(failure, cid)))
}

/// Gives a response the headers that a failure has in JSON of any format.
pub(in crate::http) fn with_headers(failure: &Failure, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(retry_after) = failure.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(retry_after)));
    }
    response
}

/// The body: requests that are wrong as such are described in words, all others by a code.
fn body(failure: &Failure, cid: &Cid) -> String {
    let described = |details: &str| json!({"result": "Error", "cid": cid.as_str(), "details": details});
    let coded = |code: Code| json!({"cid": cid.as_str(), "status": "error", "sub_status": [code.as_str()]});
    let body = match failure {
        Failure::BadRequest(None) => described("Bad request"),
        Failure::BadRequest(Some(detail)) => described(&format!("Bad request: {detail}")),
        Failure::NotFound => described("Not found"),
        Failure::MethodNotAllowed => described("Method not allowed"),
        Failure::TooLarge => described("Request body too large"),
        Failure::TooSlow => described("Request body too slow"),
        // About settings that a super-user has sent, and that nothing but words can set right.
        Failure::Refused { code: code @ Code::ClientInvalid, detail: Some(detail) } => {
            json!({"cid": cid.as_str(), "status": "error", "sub_status": [code.as_str()], "details": detail})
        }
        Failure::Unauthorized { code, .. } | Failure::Refused { code, .. } => coded(*code),
        Failure::RateLimited { .. } => coded(Code::AuthRateLimited),
        Failure::Overloaded => coded(Code::CommonOverloaded),
        Failure::Unavailable => coded(Code::CommonUnavailable),
        Failure::Internal => coded(Code::CommonInternalError),
    };
    body.to_string()
}

/// Rounded up: a caller who waits that long is not turned away again.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;
    use crate::domain::Error;

    #[test]
    fn every_failure_has_its_status_and_body() {
        let cid = Cid::new("c1");
        let bodies: Vec<String> = [
            Failure::BadRequest(None),
            Failure::missing("username"),
            Failure::mistyped("is_locked", "true or false"),
            Failure::NotFound,
            Failure::MethodNotAllowed,
            Failure::TooLarge,
            Failure::Refused { code: Code::AuthLocked, detail: Some("in words".into()) },
            Failure::Refused { code: Code::ClientInvalid, detail: Some("in words".into()) },
            Failure::RateLimited { retry_after: Duration::ZERO },
            Failure::TooSlow,
            Failure::Overloaded,
            Failure::Unavailable,
            Failure::Internal,
        ]
        .into_iter()
        .map(|failure| format!("{} {}", failure.status().as_u16(), body(&failure, &cid)))
        .collect();
        insta::assert_snapshot!(bodies.join("\n"), @r#"
        400 {"result":"Error","cid":"c1","details":"Bad request"}
        400 {"result":"Error","cid":"c1","details":"Bad request: username is missing"}
        400 {"result":"Error","cid":"c1","details":"Bad request: is_locked: expected true or false"}
        404 {"result":"Error","cid":"c1","details":"Not found"}
        405 {"result":"Error","cid":"c1","details":"Method not allowed"}
        413 {"result":"Error","cid":"c1","details":"Request body too large"}
        403 {"cid":"c1","status":"error","sub_status":["E005002"]}
        403 {"cid":"c1","status":"error","sub_status":["E014002"],"details":"in words"}
        429 {"cid":"c1","status":"error","sub_status":["E005009"]}
        408 {"result":"Error","cid":"c1","details":"Request body too slow"}
        503 {"cid":"c1","status":"error","sub_status":["E008005"]}
        503 {"cid":"c1","status":"error","sub_status":["E008006"]}
        500 {"cid":"c1","status":"error","sub_status":["E008004"]}
        "#);
    }

    #[test]
    fn retry_after_is_in_whole_seconds_rounded_up() {
        for (millis, header) in [(0, "0"), (1, "1"), (1_000, "1"), (1_001, "2"), (900_000, "900")] {
            let failure = Failure::RateLimited { retry_after: Duration::from_millis(millis) };
            let response = render(&failure, &Cid::new("c1"), failure.clone().into_response());
            assert_eq!(response.headers()[header::RETRY_AFTER], header, "{millis}");
        }
    }

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let failure = Failure::from(Error::internal("the disk is on fire"));
        assert!(!body(&failure, &Cid::new("c1")).contains("fire"));
    }
}
