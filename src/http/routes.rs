//! The router: every endpoint under its paths, and what surrounds them all.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::{Config, LogLevel};
use crate::http::api::endpoint::Endpoint;
use crate::http::api::table::endpoints;
use crate::http::app::App;
use crate::http::describe::{health, openapi, reference};
use crate::http::failure::Failure;
use crate::http::metrics;
use crate::http::oidc::routes as oidc;
use crate::http::page::look::Look;
use crate::http::page::table as pages;
use crate::http::sent::Shared;
use crate::http::site::{browser, table as sites};
use crate::http::surround::{answer, panicked};
use crate::ops::{Sso, Text};

/// The REST API as a service, for a server of your own; [`serve`](super::serve) is the one that comes with it. The
/// address of the peer is taken from axum's `ConnectInfo<SocketAddr>`; without it, calls have no remote address. Where
/// `http.admin_listen` is set, metrics and documentation are not part of it. Pages are where `pages.is_active` is true; where their
/// files cannot be used, the log says so, and there are none.
pub fn router(sso: Sso) -> Router {
    let look = load_look(sso.config(), false).unwrap_or_else(|why| {
        sso.log().say(LogLevel::Error, "pages.not_loaded", &why, None);
        None
    });
    routes(&App::new(sso), look)
}

/// What pages look like; None where there are none.
///
/// # Errors
/// What cannot be used.
pub(super) fn load_look(config: &Config, is_server: bool) -> Result<Option<Arc<Look>>, String> {
    if !config.pages.are_shown(is_server, &config.http.prefix) {
        return Ok(None);
    }
    if config.pages.prefix == config.http.prefix {
        return Err("pages.prefix: must not be http.prefix: the REST API has pages' paths".to_owned());
    }
    Look::load(config).map(|look| Some(Arc::new(look)))
}

pub(super) fn routes(app: &Arc<App>, look: Option<Arc<Look>>) -> Router {
    let prefix = app.sso.config().http.prefix.as_str();
    let mut router = Router::new();
    for endpoint in endpoints() {
        let paths = [Some(endpoint.path), endpoint.alias].into_iter().flatten();
        router = with_endpoint(router, paths.map(|path| format!("{prefix}{path}")).collect(), endpoint);
    }
    for endpoint in sites::endpoints() {
        for (path, handler) in endpoint.routes() {
            router = router.route(&path, handler);
        }
    }
    router = with_health(router.merge(browser::routes()));
    if let Some(look) = look {
        router = router.merge(pages::routes(&look, &app.sso.config().pages.prefix));
        if app.sso.config().oidc.is_active() {
            router = router.merge(oidc::routes(app.sso.config(), &look));
        }
    }
    if app.sso.config().http.admin_listen.is_none() {
        router = with_admin(router, app);
    }
    surrounded(router, app)
}

/// What stands at `http.admin_listen`.
pub(super) fn admin_routes(app: &Arc<App>) -> Router {
    surrounded(with_admin(with_health(Router::new()), app), app)
}

/// Adds the endpoints that tell about the process.
fn with_health(router: Router<Arc<App>>) -> Router<Arc<App>> {
    health::endpoints()
        .into_iter()
        .fold(router, |router, endpoint| with_endpoint(router, vec![endpoint.path.to_owned()], endpoint))
}

/// Adds what is for operators and developers, as far as configuration has it.
fn with_admin(router: Router<Arc<App>>, app: &App) -> Router<Arc<App>> {
    let http = &app.sso.config().http;
    let router = if http.docs { router.merge(described(&http.prefix)) } else { router };
    if http.metrics { router.route("/metrics", get(counted)) } else { router }
}

/// Adds an endpoint under these paths, each also with a slash at its end.
fn with_endpoint(router: Router<Arc<App>>, paths: Vec<String>, endpoint: Endpoint) -> Router<Arc<App>> {
    let service = endpoint.into_service();
    paths.into_iter().fold(router, |router, path| {
        router.route(&path, service.clone()).route(&format!("{path}/"), service.clone())
    })
}

async fn counted(State(app): State<Arc<App>>, headers: HeaderMap) -> impl IntoResponse {
    let format = metrics::accepted(&headers);
    let mut text = Text::new(format);
    app.metrics.write(&mut text);
    app.sso.write_metrics(&mut text).await;
    ([(CONTENT_TYPE, format.content_type())], text.finish())
}

/// The description of the API: for programs, and to read.
fn described(prefix: &str) -> Router<Arc<App>> {
    let document = openapi::document(prefix);
    let page = Bytes::from(reference::page(&document));
    let document = Bytes::from(document.to_string());
    let json = [(CONTENT_TYPE, "application/json")];
    let html = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, reference::POLICY)];
    Router::new()
        .route("/openapi.json", get(async move || (Extension(Shared), json, document.clone())))
        .route("/docs", get(async move || (Extension(Shared), html, page.clone())))
}

/// Adds what surrounds all routes, and all paths that have no route.
fn surrounded(router: Router<Arc<App>>, app: &Arc<App>) -> Router {
    router
        .fallback(async || Failure::NotFound)
        .method_not_allowed_fallback(async || Failure::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(app), answer))
        .with_state(Arc::clone(app))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::extract::Request;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use serde_json::json;

    use super::*;
    use crate::config::Loader;

    async fn app() -> Arc<App> {
        let settings = json!({
            "database.url": "sqlite::memory:",
            "audit.file": "off",
            "hash_secret": {"memory_kib": 64, "iterations": 1, "parallelism": 1, "allow_weak": true},
        });
        App::new(Sso::open(Loader::new().arguments(settings).load().unwrap()).await.unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_answered_as_our_fault_and_says_nothing() {
        async fn panics() -> Failure {
            panic!("hunter2")
        }
        let app = app().await;
        let router = surrounded(Router::new().route("/panics", get(panics)), &app);
        let request =
            Request::builder().uri("/panics").header("x-zato-cid", "c1").body(String::new()).unwrap();
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["x-zato-cid"], "c1");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(body, r#"{"cid":"c1","status":"error","sub_status":["E008004"]}"#);
    }
}
