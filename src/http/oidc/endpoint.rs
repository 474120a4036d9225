//! Where clients come: tokens, what they are good for, and their end; and the userinfo endpoint.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::domain::{Error, OAuthError, Parameters, Password};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::oidc::answer::{Asked, json as answer, no_token, refused};
use crate::http::oidc::credentials::{credentials, proof};
use crate::http::request::extract::{self, Call};
use crate::ops::{ShownToken, TokenAnswer};

/// What comes with a request of a client.
struct Sent {
    call: Call,
    parameters: Parameters,
}

/// Why there is nothing to answer with: it is told by OAuth's names, or it has nothing to do with them.
enum Unread {
    Wrong(Error),
    Failed(Failure),
}

/// Reads a form. Nothing is taken from the address, which others write down.
async fn read(app: &App, parts: &Parts, body: Body) -> Result<Sent, Unread> {
    let call = extract::caller(app, parts, &app.sso.config().apps.default).map_err(Unread::Failed)?;
    let held = app.read_body(parts, body).await.map_err(Unread::Failed)?;
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let is_nothing = held.bytes.is_empty() && kind.is_empty();
    if !is_form && !is_nothing {
        let why = "the body has to be a form, application/x-www-form-urlencoded";
        return Err(Unread::Wrong(OAuthError::InvalidRequest.because(why)));
    }
    let parameters = Parameters::read(&held.bytes).map_err(Unread::Wrong)?;
    Ok(Sent { call, parameters })
}

fn told(unread: Unread, asked: Asked) -> Response {
    match unread {
        Unread::Wrong(error) => refused(error, asked),
        Unread::Failed(failure) => failure.into_response(),
    }
}

pub(super) async fn token(app: Arc<App>, parts: &Parts, body: Body) -> Response {
    let outcome = async {
        let Sent { call, parameters } = read(&app, parts, body).await?;
        let credentials = credentials(parts, &parameters).map_err(Unread::Wrong)?;
        let proof = proof(parts).map_err(Unread::Wrong)?;
        app.sso.request_token(&call.ctx, credentials, parameters, proof).await.map_err(Unread::Wrong)
    };
    match outcome.await {
        Ok(tokens) => answer(StatusCode::OK, &shown(&tokens)),
        Err(unread) => told(unread, Asked::Credentials),
    }
}

/// RFC 6749, section 5.1.
fn shown(tokens: &TokenAnswer) -> Value {
    let mut body = Map::new();
    body.insert("access_token".into(), tokens.access_token.expose().into());
    body.insert("token_type".into(), tokens.token_type.into());
    body.insert("expires_in".into(), tokens.expires_in.into());
    if let Some(refresh_token) = &tokens.refresh_token {
        body.insert("refresh_token".into(), refresh_token.expose().into());
    }
    if let Some(id_token) = &tokens.id_token {
        body.insert("id_token".into(), id_token.as_str().into());
    }
    if let Some(kind) = tokens.issued_token_type {
        body.insert("issued_token_type".into(), kind.into());
    }
    body.insert("scope".into(), tokens.scope.as_str().into());
    Value::Object(body)
}

pub(super) async fn introspect(app: Arc<App>, parts: &Parts, body: Body) -> Response {
    let outcome = async {
        let Sent { call, parameters } = read(&app, parts, body).await?;
        let credentials = credentials(parts, &parameters).map_err(Unread::Wrong)?;
        app.sso.introspect_token(&call.ctx, &credentials, &parameters).await.map_err(Unread::Wrong)
    };
    match outcome.await {
        Ok(told) => answer(StatusCode::OK, &Value::Object(told)),
        Err(unread) => told(unread, Asked::Credentials),
    }
}

pub(super) async fn revoke(app: Arc<App>, parts: &Parts, body: Body) -> Response {
    let outcome = async {
        let Sent { call, parameters } = read(&app, parts, body).await?;
        let credentials = credentials(parts, &parameters).map_err(Unread::Wrong)?;
        app.sso.revoke_token(&call.ctx, &credentials, &parameters).await.map_err(Unread::Wrong)
    };
    match outcome.await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Body::empty()).into_response(),
        Err(unread) => told(unread, Asked::Credentials),
    }
}

pub(super) async fn push(app: Arc<App>, parts: &Parts, body: Body) -> Response {
    let outcome = async {
        let Sent { call, parameters } = read(&app, parts, body).await?;
        let credentials = credentials(parts, &parameters).map_err(Unread::Wrong)?;
        let proof = proof(parts).map_err(Unread::Wrong)?;
        app.sso.push_request(&call.ctx, &credentials, parameters, proof).await.map_err(Unread::Wrong)
    };
    match outcome.await {
        Ok(pushed) => {
            let body = json!({"request_uri": pushed.request_uri, "expires_in": pushed.expires_in});
            answer(StatusCode::CREATED, &body)
        }
        Err(unread) => told(unread, Asked::Credentials),
    }
}

/// RFC 8628, section 3.2.
pub(super) async fn device(app: Arc<App>, parts: &Parts, body: Body) -> Response {
    let outcome = async {
        let Sent { call, parameters } = read(&app, parts, body).await?;
        let credentials = credentials(parts, &parameters).map_err(Unread::Wrong)?;
        app.sso.begin_device_sign_in(&call.ctx, &credentials, &parameters).await.map_err(Unread::Wrong)
    };
    match outcome.await {
        Ok(device) => {
            let config = app.sso.config();
            let origin = url::Url::parse(&config.oidc.issuer).map(|url| url.origin().ascii_serialization());
            let uri = format!("{}{}/device", origin.unwrap_or_default(), config.pages.prefix);
            let user_code = device.user_code.expose();
            let body = json!({
                "device_code": device.device_code.expose(),
                "user_code": user_code,
                "verification_uri": uri,
                "verification_uri_complete": format!("{uri}?user_code={user_code}"),
                "expires_in": device.expires_in,
                "interval": device.interval,
            });
            answer(StatusCode::OK, &body)
        }
        Err(unread) => told(unread, Asked::Credentials),
    }
}

/// By the header, or by a form (RFC 6750, sections 2.1 and 2.2). By both at once is a mistake.
pub(super) async fn userinfo(app: Arc<App>, parts: &Parts, body: Body) -> Response {
    let by_header = shown_by_header(parts);
    let is_dpop = by_header.as_ref().is_some_and(|(_, is_dpop)| *is_dpop);
    let outcome = async {
        let is_form = parts.method == Method::POST && parts.headers.contains_key(header::CONTENT_TYPE);
        let (call, by_form) = if is_form {
            let Sent { call, parameters } = read(&app, parts, body).await?;
            (call, parameters.one("access_token").map_err(Unread::Wrong)?.map(Password::from))
        } else {
            let call = extract::caller(&app, parts, &app.sso.config().apps.default);
            (call.map_err(Unread::Failed)?, None)
        };
        let access_token = match (by_header, by_form) {
            (Some(_), Some(_)) => {
                let why =
                    "the access token has to be in the header Authorization or in the form, not in both";
                return Err(Unread::Wrong(OAuthError::InvalidRequest.because(why)));
            }
            (Some((token, _)), None) | (None, Some(token)) => token,
            (None, None) => return Ok(None),
        };
        let proof = proof(parts).map_err(Unread::Wrong)?.map(Password::from);
        let shown = ShownToken { access_token, is_dpop, proof, method: parts.method.to_string() };
        app.sso.get_user_info(&call.ctx, &shown).await.map(Some).map_err(Unread::Wrong)
    };
    match outcome.await {
        Ok(Some(claims)) => answer(StatusCode::OK, &Value::Object(claims)),
        Ok(None) => no_token(),
        Err(unread) => told(unread, if is_dpop { Asked::BoundToken } else { Asked::AccessToken }),
    }
}

/// The token of the header, and whether it is said to be bound to a key.
pub(super) fn shown_by_header(parts: &Parts) -> Option<(Password, bool)> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let is_dpop = scheme.eq_ignore_ascii_case("DPoP");
    (is_dpop || scheme.eq_ignore_ascii_case("Bearer")).then(|| (Password::from(token.trim()), is_dpop))
}
