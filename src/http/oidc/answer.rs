//! What the endpoints for clients answer: JSON that nobody keeps, errors by their names, and what pages of other origins may read.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::domain::{Error, OAuthError, SigningAlg};
use crate::http::app::App;
use crate::http::failure::{Failure, Told};

/// How a client proves who it is, or what it shows instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// For its own credentials (RFC 6749, section 5.2).
    Credentials,
    /// For an access token (RFC 6750, section 3).
    AccessToken,
    /// For one that is bound to a key (RFC 9449, section 7.1).
    BoundToken,
}

/// JSON that nobody on the way keeps.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    (status, headers, Body::from(body.to_string())).into_response()
}

/// Why a request did not succeed, in the form that clients of OAuth 2 know.
pub(super) fn refused(error: Error, asked: Asked) -> Response {
    let named = OAuthError::of(&error).map(|(name, why)| (name, why.to_owned()));
    let failure = Failure::from(error);
    let (status, name, why) = match (named, &failure) {
        (Some((name, why)), _) => (status_of(name, asked), name, why),
        (None, Failure::RateLimited { .. }) => {
            (failure.status(), OAuthError::TemporarilyUnavailable, "too many requests".to_owned())
        }
        (None, Failure::Internal) => {
            let why = "the server has a fault, which its log tells of".to_owned();
            (failure.status(), OAuthError::ServerError, why)
        }
        (None, Failure::Overloaded | Failure::Unavailable) => {
            let why = "the server is busy: try again in some seconds".to_owned();
            (failure.status(), OAuthError::TemporarilyUnavailable, why)
        }
        (None, Failure::Refused { detail, .. } | Failure::BadRequest(detail)) => {
            let why = detail.as_deref().unwrap_or("the request is refused").to_owned();
            (StatusCode::BAD_REQUEST, OAuthError::InvalidRequest, why)
        }
        (
            None,
            Failure::NotFound
            | Failure::MethodNotAllowed
            | Failure::TooLarge
            | Failure::TooSlow
            | Failure::Unauthorized { .. },
        ) => return failure.into_response(),
    };
    let why = plain(&why);
    let mut response = json(status, &json!({"error": name.as_str(), "error_description": why}));
    if let Some(wait) = failure.retry_after() {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    let challenge = match (asked, name) {
        (Asked::Credentials, OAuthError::InvalidClient) => Some("Basic realm=\"zato-sso\"".to_owned()),
        (
            Asked::AccessToken | Asked::BoundToken,
            OAuthError::InvalidToken
            | OAuthError::InsufficientScope
            | OAuthError::InvalidDpopProof
            | OAuthError::UseDpopNonce,
        ) => {
            let scope = if name == OAuthError::InsufficientScope { ", scope=\"openid\"" } else { "" };
            let (scheme, algs) = match asked {
                Asked::BoundToken => {
                    ("DPoP", format!(", algs=\"{}\"", SigningAlg::ALL.map(SigningAlg::as_str).join(" ")))
                }
                Asked::AccessToken | Asked::Credentials => ("Bearer", String::new()),
            };
            Some(format!(
                "{scheme} realm=\"zato-sso\", error=\"{}\", error_description=\"{why}\"{scope}{algs}",
                name.as_str()
            ))
        }
        _ => None,
    };
    if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(failure);
    response.extensions_mut().insert(Told);
    response
}

/// Nothing was shown at all: then there is no error to name (RFC 6750, section 3.1).
pub(super) fn no_token() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"zato-sso\"")];
    (StatusCode::UNAUTHORIZED, challenge, Body::empty()).into_response()
}

fn status_of(name: OAuthError, asked: Asked) -> StatusCode {
    match name {
        OAuthError::InvalidDpopProof | OAuthError::UseDpopNonce if asked != Asked::Credentials => {
            StatusCode::UNAUTHORIZED
        }
        OAuthError::InvalidClient | OAuthError::InvalidToken => StatusCode::UNAUTHORIZED,
        OAuthError::InsufficientScope => StatusCode::FORBIDDEN,
        OAuthError::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        OAuthError::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// A description as RFC 6749, section 5.2, has it.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c == '"' { '\'' } else { c })
        .filter(|c| matches!(c, ' '..='~') && *c != '\\')
        .collect()
}

/// Lets pages of an origin read an answer, if a public client has a redirect URI there.
pub(super) async fn for_origin(app: &App, parts: &Parts, mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = allowed_origin(app, parts).await else { return response };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed = HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce, Retry-After");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    response
}

/// Answers what a browser asks before it sends a request of a page of another origin.
pub(super) async fn preflight(app: &App, parts: &Parts) -> Response {
    let response = (StatusCode::NO_CONTENT, Body::empty()).into_response();
    let mut response = for_origin(app, parts, response).await;
    if response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP"),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

async fn allowed_origin(app: &App, parts: &Parts) -> Option<HeaderValue> {
    let given = parts.headers.get(header::ORIGIN)?;
    let origin = given.to_str().ok()?;
    let is_web = origin.starts_with("https://") || origin.starts_with("http://");
    let is_known = is_web && app.sso.is_public_origin(origin).await.unwrap_or(false);
    is_known.then(|| given.clone())
}

/// No page may frame it, and what it was asked for is told to nobody.
pub(super) fn protect(response: &mut Response, policy: &str) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}
