//! What is answered when a request succeeds.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::{Cid, Code};
use crate::http::failure::Failure;

/// A success: the output of the operation, and its warning if there is one.
#[derive(Debug)]
pub(in crate::http) struct Reply<T> {
    output: T,
    warning: Option<Code>,
}

/// What a handler comes to.
pub(in crate::http) type Answer<T> = Result<Reply<T>, Failure>;

/// The JSON Schema of a time in an answer: ISO 8601 in UTC without an offset, which `date-time` would demand.
pub(in crate::http) fn time_schema() -> Value {
    json!({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$"})
}

/// For endpoints that have nothing to tell but that it worked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(in crate::http) struct Nothing {}

impl Reply<Nothing> {
    /// It worked.
    pub const fn done() -> Self {
        Self { output: Nothing {}, warning: None }
    }
}

impl<T: Serialize> Reply<T> {
    /// It worked, and this is the output: something that serialises to an object.
    pub const fn ok(output: T) -> Self {
        Self { output, warning: None }
    }

    /// The same, if there is something to know.
    pub const fn with_warning(output: T, warning: Option<Code>) -> Self {
        Self { output, warning }
    }

    /// The response: `cid` and `status` first, then `sub_status` where there is a warning, then the output.
    pub fn render(&self, cid: &Cid) -> Result<Response, Failure> {
        let body = self.body(cid).map_err(|_| Failure::Internal)?;
        Ok(json_response(body))
    }

    /// The output is written behind the common elements right away, not copied into a common map first.
    fn body(&self, cid: &Cid) -> serde_json::Result<Vec<u8>> {
        let mut body = common_elements(cid, self.warning)?;
        let common = body.len();
        serde_json::to_writer(&mut body, &self.output)?;
        join(&mut body, common);
        Ok(body)
    }
}

fn json_response(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The elements that all answers have, as an object that is still open.
fn common_elements(cid: &Cid, warning: Option<Code>) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(256);
    body.extend_from_slice(b"{\"cid\":");
    serde_json::to_writer(&mut body, cid.as_str())?;
    match warning {
        None => body.extend_from_slice(b",\"status\":\"ok\""),
        Some(code) => {
            body.extend_from_slice(b",\"status\":\"warning\",\"sub_status\":[\"");
            body.extend_from_slice(code.as_str().as_bytes());
            body.extend_from_slice(b"\"]");
        }
    }
    Ok(body)
}

/// Makes one object of two, the second of which begins here: `{…` and `{"a":1}` become `{…,"a":1}`; `{…` and `{}`
/// become `{…}`.
fn join(body: &mut Vec<u8>, second: usize) {
    if body.len() - second == b"{}".len() {
        body.remove(second);
    } else if let Some(brace) = body.get_mut(second) {
        *brace = b',';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: Serialize>(reply: &Reply<T>) -> String {
        String::from_utf8(reply.body(&Cid::new("c\"1")).unwrap()).unwrap()
    }

    #[test]
    fn cid_and_status_come_first() {
        assert_eq!(text(&Reply::done()), r#"{"cid":"c\"1","status":"ok"}"#);
        let output = json!({"ust": "a", "list": []});
        assert_eq!(text(&Reply::ok(&output)), r#"{"cid":"c\"1","status":"ok","ust":"a","list":[]}"#);
    }

    #[test]
    fn a_warning_stands_before_the_output() {
        let reply = Reply::with_warning(json!({"ust": "a"}), Some(Code::PasswordWarnAboutToExpire));
        assert_eq!(text(&reply), r#"{"cid":"c\"1","status":"warning","sub_status":["W003005"],"ust":"a"}"#);
    }
}
