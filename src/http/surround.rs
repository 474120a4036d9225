//! What all answers have in common: a correlation id, headers, a time limit, and one form for failures.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::domain::Cid;
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::reply::failure as json;
use crate::http::site;
use crate::http::site::envelope::Resource;
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
    let limit = app.sso.config().http.request_timeout;
    let response = match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::Unavailable.into_response(),
    };
    let route = response.extensions().get().copied().unwrap_or_default();
    let code = response.extensions().get().and_then(Failure::code);
    let response = finish(&app, response, &cid, resource.as_ref());
    app.metrics.answered(route, response.status(), code, start.elapsed());
    response
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
    let mut response = match (response.extensions().get::<Failure>().cloned(), resource) {
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
    if app.is_closing() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
