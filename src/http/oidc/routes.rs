//! The routes of the provider, below the path of the issuer.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get};

use crate::config::{Config, Registration};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::metrics::Route;
use crate::http::oidc::answer::{for_origin, preflight};
use crate::http::oidc::path::{
    AUTHORIZE, DEVICE, INTROSPECT, JWKS, LOGOUT, PUSH, REGISTER, REVOKE, TOKEN, USERINFO,
};
use crate::http::oidc::{browser, discovery, endpoint, logout, register};
use crate::http::page::look::Look;

const METADATA: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// How long keys may be kept by who fetches them: they are published a day before they sign.
const KEYS_AGE: &str = "public, max-age=3600";

/// The routes of the provider, with pages that look like this.
pub(in crate::http) fn routes(config: &Config, look: &Arc<Look>) -> Router<Arc<App>> {
    let path = config.oidc.path();
    let at = |endpoint: &str| format!("{path}{endpoint}");
    let metadata = Bytes::from(discovery::metadata(config).to_string());
    let mut router = Router::new();
    let mut addresses: Vec<String> = METADATA.map(at).to_vec();
    if !path.is_empty() {
        // RFC 8414, section 3.1: the path of the issuer stands behind.
        addresses.extend(METADATA.map(|known| format!("{known}{path}")));
    }
    for address in addresses {
        router = router.route(&address, shared(METADATA[0], "public, max-age=600", metadata.clone()));
    }
    if config.oidc.registration != Registration::Off {
        router = router
            .route(&at(REGISTER), register::begin())
            .route(&at(&format!("{REGISTER}/{{client_id}}")), register::manage());
    }
    router
        .route(&at(JWKS), keys())
        .route(&at(TOKEN), form(TOKEN, true, |app, parts, body| Box::pin(endpoint::token(app, parts, body))))
        .route(
            &at(REVOKE),
            form(REVOKE, true, |app, parts, body| Box::pin(endpoint::revoke(app, parts, body))),
        )
        .route(
            &at(INTROSPECT),
            form(INTROSPECT, false, |app, parts, body| Box::pin(endpoint::introspect(app, parts, body))),
        )
        .route(
            &at(DEVICE),
            form(DEVICE, false, |app, parts, body| Box::pin(endpoint::device(app, parts, body))),
        )
        .route(&at(PUSH), form(PUSH, false, |app, parts, body| Box::pin(endpoint::push(app, parts, body))))
        .route(
            &at(USERINFO),
            form(USERINFO, true, |app, parts, body| Box::pin(endpoint::userinfo(app, parts, body))),
        )
        .route(
            &at(AUTHORIZE),
            shown(look, |app, look, request| Box::pin(browser::authorize(app, look, request))),
        )
        .route(
            &at(LOGOUT),
            shown(look, |app, look, request| Box::pin(logout::end_session(app, look, request))),
        )
}

type Answering<'a> = std::pin::Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// What clients send forms to. Pages of other origins may read the answers of some.
fn form(
    path: &'static str,
    is_for_origins: bool,
    handler: for<'a> fn(Arc<App>, &'a Parts, Body) -> Answering<'a>,
) -> MethodRouter<Arc<App>> {
    any(async move |State(app): State<Arc<App>>, request: Request| {
        let (parts, body) = request.into_parts();
        let mut response = match parts.method {
            Method::POST => handler(Arc::clone(&app), &parts, body).await,
            Method::GET if path == USERINFO => handler(Arc::clone(&app), &parts, body).await,
            Method::OPTIONS if is_for_origins => preflight(&app, &parts).await,
            _ => Failure::MethodNotAllowed.into_response(),
        };
        if matches!(path, TOKEN | USERINFO | PUSH)
            && let Some(nonce) = app.sso.dpop_nonce().and_then(|nonce| nonce.parse().ok())
        {
            response.headers_mut().insert("dpop-nonce", nonce);
        }
        if is_for_origins && parts.method != Method::OPTIONS {
            response = for_origin(&app, &parts, response).await;
        }
        response.extensions_mut().insert(Route::new(&parts.method, path));
        response
    })
}

/// What browsers are sent to.
fn shown(
    look: &Arc<Look>,
    handler: fn(Arc<App>, Arc<Look>, Request) -> Answering<'static>,
) -> MethodRouter<Arc<App>> {
    let look = Arc::clone(look);
    let service = async move |State(app): State<Arc<App>>, request: Request| {
        handler(app, Arc::clone(&look), request).await
    };
    get(service.clone()).post(service)
}

/// What is the same for everybody, for a while.
fn shared(path: &'static str, age: &'static str, body: Bytes) -> MethodRouter<Arc<App>> {
    any(async move |State(app): State<Arc<App>>, request: Request| {
        let (parts, _) = request.into_parts();
        answer_shared(&app, &parts, path, age, body.clone()).await
    })
}

fn keys() -> MethodRouter<Arc<App>> {
    any(async move |State(app): State<Arc<App>>, request: Request| {
        let (parts, _) = request.into_parts();
        match app.sso.published_keys().await {
            Ok(keys) => answer_shared(&app, &parts, JWKS, KEYS_AGE, keys.to_string().into()).await,
            Err(error) => Failure::from(error).into_response(),
        }
    })
}

async fn answer_shared(
    app: &App,
    parts: &Parts,
    path: &'static str,
    age: &'static str,
    body: Bytes,
) -> Response {
    let mut response = match parts.method {
        Method::GET | Method::HEAD => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, age)];
            for_origin(app, parts, (StatusCode::OK, headers, body).into_response()).await
        }
        Method::OPTIONS => preflight(app, parts).await,
        _ => Failure::MethodNotAllowed.into_response(),
    };
    response.extensions_mut().insert(Route::new(&parts.method, path));
    response
}
