//! The span of a request.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::domain::Cid;
use crate::domain::trace::{Note, OpenSpan, RemoteSpan, Scope, SpanKind};
use crate::http::describe::health;
use crate::http::metrics::Route;
use crate::ops::Sso;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What is read of the process all the time is in no trace.
const METRICS: &str = "/metrics";

/// What is recorded of a request that is under way.
pub(in crate::http) struct Traced {
    scope: Option<Scope>,
    span: Option<Box<OpenSpan>>,
}

impl Traced {
    /// A request has come.
    pub fn begin(sso: &Sso, request: &Request, cid: &Cid) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let is_trusted = sso.config().trusts_traceparent_of(peer);
        let scope = sso.request_scope(|| caller(request.headers()).filter(|_| is_trusted));
        let path = request.uri().path();
        let Some(Scope::Recorded(point)) = scope.filter(|_| !health::is_at(path) && path != METRICS) else {
            // Nor what such a request does.
            let scope = crate::domain::trace::is_on().then_some(Scope::Unrecorded);
            return Self { scope, span: None };
        };
        let method = Route::new(request.method(), "").method();
        let mut span = Box::new(point.begin(method, SpanKind::Server));
        span.text("http.request.method", known(request.method()));
        span.text("zato_sso.cid", cid.as_str().to_owned());
        Self { scope: span.scope(), span: Some(span) }
    }

    /// The scope of what it does.
    pub fn scope(&self) -> Option<Scope> {
        self.scope.clone()
    }

    /// It is answered. Its path is that of the endpoint: what was sent may hold anything.
    pub fn answered(self, route: Route, status: StatusCode) {
        let Some(mut span) = self.span else { return };
        if !route.path().is_empty() {
            span.rename(route.to_string());
            span.text("http.route", route.path());
        }
        span.note("http.response.status_code", Note::Number(status.as_u16().into()));
        if status.is_server_error() {
            span.fail(status.as_str().to_owned());
        }
    }
}

/// A method that is known, as OpenTelemetry has them.
fn known(method: &Method) -> &'static str {
    match Route::new(method, "").method() {
        "other" => "_OTHER",
        method => method,
    }
}

/// The span of the caller, where the request names one.
fn caller(headers: &HeaderMap) -> Option<RemoteSpan> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let (parent, None) = (parents.next()?, parents.next()) else { return None };
    let states: Vec<&str> =
        headers.get_all(TRACESTATE).iter().filter_map(|state| state.to_str().ok()).collect();
    RemoteSpan::parse(parent.to_str().ok()?, Some(&states.join(",")))
}
