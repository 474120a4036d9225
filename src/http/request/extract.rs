//! From a request to a call: query string and body merged into typed input, and who calls, from where, through what.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::domain::{Cid, Context, Password, RemoteAddr, Ust};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::request::address::{client_address, is_forwarded, is_trusted};
use crate::http::request::authorization::Authorization;
use crate::http::request::input::{Element, Sent};
use crate::http::request::json::{Elements, Given};
use crate::ops::{Actor, AppProof, ExternalCredential, Sso};

/// Elements that are more than input of an endpoint.
const CURRENT_APP: &str = "current_app";
const TOTP_CODE: &str = "totp_code";

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
    /// What shows that it comes from the application that it names.
    pub app_proof: AppProof,
}

/// Reads a request to an endpoint that takes these elements: finds out who calls, and what of it was sent. Nothing is read
/// into its type before the caller is known: what was sent stays bytes while somebody waits for a hash. An open endpoint is
/// there for any application.
pub(in crate::http) async fn read<'a>(
    app: &App,
    parts: &Parts,
    body: &'a str,
    taken: &[Element],
    is_open: bool,
) -> Result<(Call, Sent<'a>), Failure> {
    let headers = &parts.headers;
    let mut known: Vec<&'static str> = taken.iter().map(|element| element.name).collect();
    known.extend([CURRENT_APP, TOTP_CODE]);
    known.extend(UST_NAMES);
    let mut elements = Elements::read(parts.uri.query(), body, &known)?;
    let current_app = match elements.take(CURRENT_APP) {
        Some(given) => given.text(CURRENT_APP)?,
        None => header_text(app.app_header.as_ref().and_then(|name| headers.get(name)))?
            .unwrap_or(&app.sso.config().apps.default)
            .to_owned(),
    };
    let mut call = caller(app, parts, &current_app)?;
    if !is_open && call.sso.is_app_bound(&current_app) {
        let credential = match Authorization::read(headers) {
            Some(Authorization::External(credential)) => Some(credential),
            Some(Authorization::Ust(_)) | None => None,
        };
        // Boxed, as below.
        Box::pin(call.sso.prove_app(&call.ctx, credential.as_ref())).await?;
        call.app_proof = AppProof::Credential;
    }
    let mut actor = None;
    if taken.iter().any(|element| UST_NAMES.contains(&element.name)) {
        actor = match credential(&mut elements, headers) {
            Some(Credential::Session(ust)) => Some(Ust::from(ust.text(UST_NAMES[0])?).into()),
            Some(Credential::External(credential)) => {
                let totp_code = elements.get(TOTP_CODE).cloned();
                // Boxed: few requests need it, and it would make the future of every request large.
                Some(Box::pin(authenticate(&call, &credential, totp_code)).await?)
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
    let peer = peer.map(|peer| peer.0.ip());
    let is_proxied = peer.is_some_and(|peer| is_trusted(peer, trusted));
    if let Some(peer) = peer.filter(|_| !is_proxied && is_forwarded(headers)) {
        app.sso.note_untrusted_proxy(peer);
    }
    let client = peer.map(|peer| client_address(peer, headers, trusted));
    let remote_addr = client.map(|client| RemoteAddr::new([client.to_string()])).unwrap_or_default();
    let user_agent =
        headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let ctx = Context { cid, current_app: current_app.to_owned(), remote_addr, language: None };
    let app_proof = if is_proxied { AppProof::Proxy } else { AppProof::Named };
    Ok(Call { sso: app.sso.clone(), ctx, user_agent, app_proof })
}

/// The user that a linked definition acts as, in a session that was opened now, or before and renewed.
async fn authenticate(
    call: &Call,
    credential: &ExternalCredential,
    totp_code: Option<Given<'_>>,
) -> Result<Actor, Failure> {
    let totp_code = totp_code.and_then(|given| given.typed::<String>()).map(Password::from);
    let user_agent = call.user_agent.as_deref();
    Ok(call.sso.authenticate_request(&call.ctx, credential, totp_code, user_agent).await?.actor)
}

/// What says who acts.
enum Credential<'a> {
    /// The token of a session, if it is text.
    Session(Given<'a>),
    /// The session of this linked definition.
    External(ExternalCredential),
}

/// The session that acts: an element under one of its names, else what the header `Authorization` says. An empty element
/// says nothing where something else does.
fn credential<'a>(elements: &mut Elements<'a>, headers: &HeaderMap) -> Option<Credential<'a>> {
    let mut given = None;
    for name in UST_NAMES {
        match elements.take(name) {
            Some(empty) if empty.is_empty() => given = Some(empty),
            Some(ust) => return Some(Credential::Session(ust)),
            None => {}
        }
    }
    match Authorization::read(headers) {
        Some(Authorization::Ust(ust)) => Some(Credential::Session(Given::Text(ust.expose().to_owned()))),
        Some(Authorization::External(credential)) => Some(Credential::External(credential)),
        None => given.map(Credential::Session),
    }
}

fn header_text(value: Option<&axum::http::HeaderValue>) -> Result<Option<&str>, Failure> {
    let text = value.map(|value| std::str::from_utf8(value.as_bytes()));
    text.transpose().map_err(|_| Failure::bad("the header with the application is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_acting_session_has_two_names_and_a_header() {
        let find = |elements: Value, authorization: Option<&str>| {
            let body = elements.to_string();
            let mut elements = Elements::read(None, &body, &UST_NAMES).unwrap();
            let mut headers = HeaderMap::new();
            if let Some(value) = authorization {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            match credential(&mut elements, &headers) {
                Some(Credential::Session(ust)) => Some(ust.typed::<Value>().unwrap()),
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
}
