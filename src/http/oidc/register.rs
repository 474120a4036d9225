//! Where clients register themselves, and manage that (RFC 7591, RFC 7592).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use serde_json::Value;

use crate::domain::{OAuthError, Password, Result};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::metrics::Route;
use crate::http::oidc::answer::{Asked, json as answer, no_token, refused};
use crate::http::oidc::endpoint::shown_by_header;
use crate::http::oidc::path::REGISTER;
use crate::http::request::extract;
use crate::ops::RegisteredClient;

/// The endpoint where clients begin.
pub(super) fn begin() -> MethodRouter<Arc<App>> {
    any(async |State(app): State<Arc<App>>, request: axum::extract::Request| {
        let (parts, body) = request.into_parts();
        let mut response = match parts.method {
            Method::POST => registered(&app, &parts, body).await,
            _ => Failure::MethodNotAllowed.into_response(),
        };
        response.extensions_mut().insert(Route::new(&parts.method, REGISTER));
        response
    })
}

/// The address of each client that has registered itself.
pub(super) fn manage() -> MethodRouter<Arc<App>> {
    any(
        async |State(app): State<Arc<App>>,
               Path(client_id): Path<String>,
               request: axum::extract::Request| {
            let (parts, body) = request.into_parts();
            let mut response = managed(&app, &parts, &client_id, body).await;
            response.extensions_mut().insert(Route::new(&parts.method, REGISTER));
            response
        },
    )
}

fn bearer(parts: &Parts) -> Option<Password> {
    shown_by_header(parts).filter(|(_, is_dpop)| !is_dpop).map(|(token, _)| token)
}

/// Whether the body is JSON, as it says.
fn check_type(parts: &Parts) -> Result<()> {
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(OAuthError::InvalidClientMetadata.because("the body has to be JSON, application/json"))
}

async fn registered(app: &App, parts: &Parts, body: Body) -> Response {
    let call = match extract::caller(app, parts, &app.sso.config().apps.default) {
        Ok(call) => call,
        Err(failure) => return failure.into_response(),
    };
    let held = match app.read_body(parts, body).await {
        Ok(held) => held,
        Err(failure) => return failure.into_response(),
    };
    let outcome = async {
        check_type(parts)?;
        app.sso.register_client(&call.ctx, bearer(parts).as_ref(), &held.bytes).await
    };
    match outcome.await {
        Ok(registered) => answer(StatusCode::CREATED, &shown(app, registered)),
        Err(error) => refused(error, Asked::AccessToken),
    }
}

async fn managed(app: &App, parts: &Parts, client_id: &str, body: Body) -> Response {
    let Some(token) = bearer(parts) else { return no_token() };
    let call = match extract::caller(app, parts, &app.sso.config().apps.default) {
        Ok(call) => call,
        Err(failure) => return failure.into_response(),
    };
    let outcome = match parts.method {
        Method::GET => app.sso.get_registration(&call.ctx, client_id, &token).await,
        Method::PUT => match app.read_body(parts, body).await {
            Ok(held) => match check_type(parts) {
                Ok(()) => app.sso.update_registration(&call.ctx, client_id, &token, &held.bytes).await,
                Err(error) => Err(error),
            },
            Err(failure) => return failure.into_response(),
        },
        Method::DELETE => {
            return match app.sso.delete_registration(&call.ctx, client_id, &token).await {
                Ok(()) => (StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "no-store")]).into_response(),
                Err(error) => refused(error, Asked::AccessToken),
            };
        }
        _ => return Failure::MethodNotAllowed.into_response(),
    };
    match outcome {
        Ok(registered) => answer(StatusCode::OK, &shown(app, registered)),
        Err(error) => refused(error, Asked::AccessToken),
    }
}

/// RFC 7591, section 3.2.1, and RFC 7592, section 3.
fn shown(app: &App, registered: RegisteredClient) -> Value {
    let RegisteredClient { client, client_secret, registration_token } = registered;
    let mut body = client.metadata();
    if let Some(secret) = client_secret {
        body.insert("client_secret".into(), secret.expose().into());
        // It ends when it is replaced.
        body.insert("client_secret_expires_at".into(), 0.into());
    }
    let uri = format!("{}{REGISTER}/{}", app.sso.config().oidc.issuer, client.client_id.as_str());
    body.insert("registration_client_uri".into(), uri.into());
    body.insert("registration_access_token".into(), registration_token.expose().into());
    Value::Object(body)
}
