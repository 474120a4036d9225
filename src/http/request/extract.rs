//! From a request to a call: query string and body merged into typed input, and who calls, from where, through what.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::domain::{Cid, Context, Password, RemoteAddr, Ust};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::request::address::{client_address, is_untrusted_proxy};
use crate::http::request::authorization::Authorization;
use crate::http::request::input::{Element, Sent};
use crate::ops::{Actor, ExternalCredential, Sso};

/// How many times `http.max_body_bytes` is read and thrown away of a body that is too long. Its sender then reads the answer
/// instead of finding the connection broken while still writing.
const DRAINED_BODIES: usize = 8;

/// The two names under which the session that acts may be given.
const UST_NAMES: [&str; 2] = ["ust", "current_ust"];

/// What a handler is given beside its input.
#[derive(Debug)]
pub(in crate::http) struct Call {
    /// What is called.
    pub sso: Sso,
    /// On whose behalf, and from where.
    pub ctx: Context,
    /// With what, by the header.
    pub user_agent: Option<String>,
}

/// Reads a request to an endpoint that takes these elements: finds out who calls, and merges what was sent. What else
/// was sent is among it; the endpoint's input takes what it knows.
pub(in crate::http) async fn read(
    app: &App,
    request: Request,
    taken: &[Element],
) -> Result<(Call, Sent), Failure> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let config = app.sso.config();
    let body = read_body(body, config.http.max_body_bytes).await?;
    let mut elements = merge(parts.uri.query(), &body)?;
    let current_app = match elements.remove("current_app") {
        Some(given) => text(given)?,
        None => header_text(app.app_header.as_ref().and_then(|name| headers.get(name)))?
            .unwrap_or(&config.apps.default)
            .to_owned(),
    };
    let call = caller(app, &parts, &current_app)?;
    let mut actor = None;
    if taken.iter().any(|element| UST_NAMES.contains(&element.name)) {
        actor = match credential(&mut elements, headers) {
            Some(Credential::Session(ust)) => Some(Ust::from(text(ust)?).into()),
            Some(Credential::External(credential)) => {
                // Boxed: few requests need it, and it would make the future of every request large.
                Some(Box::pin(authenticate(&call, &credential, elements.get("totp_code"))).await?)
            }
            None => None,
        };
    }
    Ok((call, Sent { elements, actor }))
}

/// Who calls, through which application, and with what.
pub(in crate::http) fn caller(app: &App, parts: &Parts, current_app: &str) -> Result<Call, Failure> {
    let headers = &parts.headers;
    let cid = parts.extensions.get::<Cid>().ok_or(Failure::Internal)?.clone();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let trusted = &app.sso.config().http.trusted_proxies;
    if let Some(ConnectInfo(peer)) = peer
        && is_untrusted_proxy(peer.ip(), headers, trusted)
    {
        app.sso.note_untrusted_proxy(peer.ip());
    }
    let client = peer.map(|peer| client_address(peer.0.ip(), headers, trusted));
    let remote_addr = client.map(|client| RemoteAddr::new([client.to_string()])).unwrap_or_default();
    let user_agent =
        headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let ctx = Context { cid, current_app: current_app.to_owned(), remote_addr };
    Ok(Call { sso: app.sso.clone(), ctx, user_agent })
}

/// The user that a linked definition acts as, in a session that was opened now, or before and renewed.
async fn authenticate(
    call: &Call,
    credential: &ExternalCredential,
    totp_code: Option<&Value>,
) -> Result<Actor, Failure> {
    let totp_code = totp_code.and_then(Value::as_str).map(Password::from);
    let user_agent = call.user_agent.as_deref();
    Ok(call.sso.authenticate_request(&call.ctx, credential, totp_code, user_agent).await?.actor)
}

/// The whole body.
pub(in crate::http) async fn read_body(mut body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut drained: usize = 0;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| Failure::BadRequest(None))?.into_data() else { continue };
        if drained == 0 && bytes.len() + data.len() <= limit {
            bytes.extend_from_slice(&data);
            continue;
        }
        bytes = Vec::new();
        drained = drained.saturating_add(data.len());
        if drained > limit.saturating_mul(DRAINED_BODIES) {
            break;
        }
    }
    if drained == 0 { Ok(bytes) } else { Err(Failure::TooLarge) }
}

/// The elements of query string and body; where both have one, that of the body.
fn merge(query: Option<&str>, body: &[u8]) -> Result<Map<String, Value>, Failure> {
    let sent = if body.is_empty() {
        Map::new()
    } else {
        serde_json::from_slice(body).map_err(|_| Failure::BadRequest(None))?
    };
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(sent) };
    let mut elements = parse_query(query).ok_or(Failure::BadRequest(None))?;
    elements.extend(sent);
    Ok(elements)
}

/// The pairs of a query string; of a name that stands there more than once the last one counts, as in JSON.
pub(in crate::http) fn parse_query(query: &str) -> Option<Map<String, Value>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, Value::String(decode(value)?)))
        })
        .collect()
}

/// Undoes the encoding of a query string (WHATWG URL, section 5.1). Unlike there, an escape that is none, and what is not
/// UTF-8, is an error: a value is taken as it was meant, or not at all.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next()?)? * 16 + hex_digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What says who acts.
enum Credential {
    /// The token of a session, if it is text.
    Session(Value),
    /// The session of this linked definition.
    External(ExternalCredential),
}

/// The session that acts: an element under one of its names, else what the header `Authorization` says. An empty element
/// says nothing where something else does.
fn credential(elements: &mut Map<String, Value>, headers: &HeaderMap) -> Option<Credential> {
    let mut given = None;
    for name in UST_NAMES {
        match elements.remove(name) {
            Some(empty) if empty.is_null() || empty == "" => given = Some(empty),
            Some(ust) => return Some(Credential::Session(ust)),
            None => {}
        }
    }
    match Authorization::read(headers) {
        Some(Authorization::Ust(ust)) => Some(Credential::Session(Value::from(ust.expose()))),
        Some(Authorization::External(credential)) => Some(Credential::External(credential)),
        None => given.map(Credential::Session),
    }
}

/// The text of an element that is not part of the typed input.
fn text(value: Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Failure::BadRequest(None))
        }
    }
}

fn header_text(value: Option<&axum::http::HeaderValue>) -> Result<Option<&str>, Failure> {
    let text = value.map(|value| std::str::from_utf8(value.as_bytes()));
    text.transpose().map_err(|_| Failure::BadRequest(None))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn merged(query: &str, body: &str) -> Option<Value> {
        merge(Some(query), body.as_bytes()).ok().map(Value::Object)
    }

    #[test]
    fn the_body_wins_over_the_query() {
        let both = merged("a=1&b=2", r#"{"b": true, "c": null}"#);
        assert_eq!(both, Some(json!({"a": "1", "b": true, "c": null})));
        assert_eq!(merged("a=1&a=2", ""), Some(json!({"a": "2"})));
        assert_eq!(merged("", r#"{"a": 1, "a": 2}"#), Some(json!({"a": 2})));
        assert_eq!(merged("", ""), Some(json!({})));
    }

    #[test]
    fn a_body_is_an_object_or_a_bad_request() {
        for body in
            ["[]", "1", "null", "\"a\"", "{", "{} {}", " ", "a=1", "{\"a\":\"\\ud800\"}", "\u{feff}{}"]
        {
            assert_eq!(merged("", body), None, "{body}");
        }
        assert!(merge(None, b"{\"a\":\"\xff\"}").is_err());
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(merged("", &deep), None);
    }

    #[test]
    fn queries_are_decoded_strictly() {
        let table = [
            ("a=b+c%20d", Some(json!({"a": "b c d"}))),
            ("%61=%C3%a9&&b", Some(json!({"a": "é", "b": ""}))),
            ("a=b=c", Some(json!({"a": "b=c"}))),
            ("a=%00", Some(json!({"a": "\0"}))),
            ("a=%", None),
            ("a=%4", None),
            ("a=%zz", None),
            ("a=%+1", None),
            ("%ff=1", None),
            ("a=%ff", None),
        ];
        for (query, expected) in table {
            assert_eq!(merged(query, ""), expected, "{query}");
        }
    }

    #[test]
    fn the_acting_session_has_two_names_and_a_header() {
        let find = |elements: Value, authorization: Option<&str>| {
            let Value::Object(mut elements) = elements else { unreachable!() };
            let mut headers = HeaderMap::new();
            if let Some(value) = authorization {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            match credential(&mut elements, &headers) {
                Some(Credential::Session(ust)) => Some(ust),
                Some(Credential::External(_)) => Some(json!("external")),
                None => None,
            }
        };
        assert_eq!(find(json!({"ust": "a", "current_ust": "b"}), Some("Bearer c")), Some(json!("a")));
        assert_eq!(find(json!({"current_ust": "b"}), Some("Bearer c")), Some(json!("b")));
        assert_eq!(find(json!({}), Some("Bearer c")), Some(json!("c")));
        assert_eq!(find(json!({}), Some("bearer  c ")), Some(json!("c")));
        assert_eq!(find(json!({"ust": null, "current_ust": ""}), Some("Bearer c")), Some(json!("c")));
        assert_eq!(find(json!({"ust": "", "current_ust": "b"}), None), Some(json!("b")));
        assert_eq!(find(json!({"ust": null}), None), Some(json!(null)));
        assert_eq!(find(json!({"ust": 5}), Some("Bearer c")), Some(json!(5)));
        assert_eq!(find(json!({}), Some("Basic YTpi")), Some(json!("external")));
        assert_eq!(find(json!({"ust": ""}), Some("Bearer a.b.c")), Some(json!("external")));
        assert_eq!(find(json!({"ust": "a"}), Some("Basic YTpi")), Some(json!("a")));
        assert_eq!(find(json!({}), Some("Digest a")), None);
        assert_eq!(find(json!({}), Some("Bearer")), None);
        assert_eq!(find(json!({}), None), None);
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read() {
        assert_eq!(read_body(Body::from("1234"), 4).await, Ok(b"1234".to_vec()));
        assert_eq!(read_body(Body::from("12345"), 4).await, Err(Failure::TooLarge));
        assert_eq!(read_body(Body::from(vec![0; 1_000]), 4).await, Err(Failure::TooLarge));
        assert_eq!(read_body(Body::empty(), 4).await, Ok(Vec::new()));
    }
}
