//! What all answers have in common: a correlation id, headers, a time limit, and one form for failures.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::LogLevel;
use crate::domain::{Cid, Code, trace};
use crate::http::app::App;
use crate::http::describe::health;
use crate::http::failure::{Failure, Told};
use crate::http::progress::Progress;
use crate::http::reply::failure as json;
use crate::http::request::address::client_address;
use crate::http::room::Network;
use crate::http::site;
use crate::http::site::envelope::Resource;
use crate::http::traced::Traced;
use crate::ops::Sso;

const X_ZATO_CID: HeaderName = HeaderName::from_static("x-zato-cid");

/// Answers a request in any case.
pub(in crate::http) async fn answer(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let resource = Resource::of(request.uri(), &app.sso.config().http.prefix);
    let cid = match correlation_id(&app.sso, request.headers()) {
        Ok(cid) => cid,
        // Without randomness nothing works, but even that is said in the usual form.
        Err(failure) => return finish(&app, failure.into_response(), &Cid::new(""), resource.as_ref()),
    };
    request.extensions_mut().insert(cid.clone());
    if let Some(resource) = &resource {
        request.extensions_mut().insert(resource.clone());
    }
    let start = Instant::now();
    let _under_way = app.metrics.began();
    let progress = request.extensions().get::<Arc<Progress>>().cloned();
    let network = network(&app, &request);
    if let Some(network) = network {
        request.extensions_mut().insert(network);
    }
    let traced = Traced::begin(&app.sso, &request, &cid);
    let limit = app.sso.config().http.request_timeout;
    let response = match turned_away(&app, &request, progress.as_deref()) {
        Some(failure) => failure.into_response(),
        None => match tokio::time::timeout(limit, trace::within(traced.scope(), next.run(request))).await {
            Ok(response) => response,
            Err(_) => Failure::Overloaded.into_response(),
        },
    };
    let route = response.extensions().get().copied().unwrap_or_default();
    let mut code = response.extensions().get().and_then(Failure::code);
    let response = finish(&app, response, &cid, resource.as_ref());
    let held = app.answers.hold(response, network, progress.as_ref());
    let mut response = held.unwrap_or_else(|| {
        code = Failure::Overloaded.code();
        let failure = finish(&app, Failure::Overloaded.into_response(), &cid, resource.as_ref());
        // It is small, so that there is room for it, and has to be read as well.
        let held = app.answers.hold(failure, network, progress.as_ref());
        held.unwrap_or_else(|| Failure::Overloaded.into_response())
    });
    if app.closing.has_begun() || progress.is_some_and(|progress| progress.is_reserve) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    match code {
        Some(Code::CommonInternalError) => {
            let text = format!("{route} was answered with {}", response.status().as_u16());
            app.sso.log().say(LogLevel::Error, "http.error", &text, Some(&cid));
        }
        Some(Code::CommonOverloaded) => app.note_overload(&cid),
        Some(_) | None => {}
    }
    app.metrics.answered(route, response.status(), code, start.elapsed());
    traced.answered(route, response.status());
    response
}

/// Why a request is not served at all: there is no room for its connection, or the server is about to end and says so to
/// those who ask whether it is ready.
fn turned_away(app: &App, request: &Request, progress: Option<&Progress>) -> Option<Failure> {
    let path = request.uri().path();
    if progress.is_some_and(|progress| progress.is_reserve) && !health::is_at(path) {
        return Some(Failure::Overloaded);
    }
    (app.closing.has_begun() && health::asks_for_more(path)).then_some(Failure::Unavailable)
}

/// What network a request comes from, as far as that is known.
fn network(app: &App, request: &Request) -> Option<Network> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let trusted = &app.sso.config().http.trusted_proxies;
    Some(Network::of(client_address(peer.ip(), request.headers(), trusted)))
}

/// A handler that panics is our fault, and the next request is none the worse for it.
pub(in crate::http) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Failure::Internal.into_response()
}

/// The caller's own correlation id, if it is acceptable, or a new one.
fn correlation_id(sso: &Sso, headers: &HeaderMap) -> Result<Cid, Failure> {
    let sent = headers.get(X_ZATO_CID).and_then(|value| value.to_str().ok());
    match sent.and_then(Cid::from_header) {
        Some(cid) => Ok(cid),
        None => Ok(Cid::random(sso.random())?),
    }
}

fn finish(app: &App, response: Response, cid: &Cid, resource: Option<&Resource>) -> Response {
    let failure = response.extensions().get::<Failure>().cloned();
    let failure = failure.filter(|_| response.extensions().get::<Told>().is_none());
    let mut response = match (failure, resource) {
        (Some(failure), Some(resource)) => site::failure::render(&failure, response, resource, app.sso.now()),
        (Some(failure), None) => json::render(&failure, cid, response),
        (None, _) => response,
    };
    let headers = response.headers_mut();
    if let Ok(cid) = HeaderValue::from_str(cid.as_str()) {
        headers.insert(X_ZATO_CID, cid);
    }
    // Answers hold tokens and personal data: nothing on the way may keep them, or take them for something else. What is the
    // same for everybody says so itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
