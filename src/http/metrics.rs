//! What the server counts, in the text form that Prometheus reads (OpenMetrics 1.0).

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::Code;
use crate::ops::State as ProcessState;

/// The media type of the text form.
pub(in crate::http) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a session check to the slowest hash: seconds.
const BUCKETS: [f64; 12] = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The endpoint that answered a request: never what was sent, of which there is no end.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(in crate::http) struct Route {
    method: &'static str,
    path: &'static str,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path } = self;
        if path.is_empty() { f.write_str("a request") } else { write!(f, "{method} {path}") }
    }
}

impl Route {
    pub fn new(method: &Method, path: &'static str) -> Self {
        let method = match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        Self { method, path }
    }
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    path: &'static str,
    status: u16,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    code: &'static str,
}

#[derive(Clone, Copy, Debug, Default)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

/// The counters.
#[derive(Debug)]
pub(in crate::http) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram, Buckets>,
    refusals: Family<Refused, Counter>,
    in_flight: Gauge,
    audit_writable: Gauge,
    audit_lines_lost: Counter,
    log_lines_lost: Counter,
}

impl Metrics {
    pub fn new() -> Self {
        let (requests, refusals, in_flight) = (Family::default(), Family::default(), Gauge::default());
        let durations = Family::new_with_constructor(Buckets);
        let mut registry = Registry::with_prefix("zato_sso");
        registry.register("http_requests", "Requests that were answered", requests.clone());
        let about = "How long answers took";
        registry.register_with_unit("http_request_duration", about, Unit::Seconds, durations.clone());
        registry.register("http_refusals", "Requests that the rules refused, by code", refusals.clone());
        registry.register("http_requests_in_flight", "Requests under way", in_flight.clone());
        let (audit_writable, audit_lines_lost, log_lines_lost) =
            (Gauge::default(), Counter::default(), Counter::default());
        registry.register(
            "audit_writable",
            "Whether audit entries can be written to audit.file",
            audit_writable.clone(),
        );
        registry.register(
            "audit_lines_lost",
            "Audit lines that could not be written",
            audit_lines_lost.clone(),
        );
        registry.register(
            "log_lines_lost",
            "Lines of the log that could not be written",
            log_lines_lost.clone(),
        );
        Self {
            registry,
            requests,
            durations,
            refusals,
            in_flight,
            audit_writable,
            audit_lines_lost,
            log_lines_lost,
        }
    }

    /// A request has come. It is under way until what this returns is dropped, answered or not.
    pub fn began(&self) -> UnderWay<'_> {
        self.in_flight.inc();
        UnderWay(&self.in_flight)
    }

    /// A request is answered.
    pub fn answered(&self, route: Route, status: StatusCode, refusal: Option<Code>, took: Duration) {
        let Route { method, path } = route;
        self.requests.get_or_create(&Answered { method, path, status: status.as_u16() }).inc();
        self.durations.get_or_create(&route).observe(took.as_secs_f64());
        if let Some(code) = refusal {
            self.refusals.get_or_create(&Refused { code: code.as_str() }).inc();
        }
    }

    /// All of them as text, with the state of the process.
    pub fn text(&self, state: ProcessState) -> String {
        self.audit_writable.set(state.is_audit_writable.into());
        for (counter, count) in
            [(&self.audit_lines_lost, state.audit_lines_lost), (&self.log_lines_lost, state.log_lines_lost)]
        {
            // Two may ask at a time, so that what has come since cannot be added.
            counter.inner().store(count, Ordering::Relaxed);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(in crate::http) struct UnderWay<'a>(&'a Gauge);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_endpoint_and_status_and_refusals_by_code() {
        let metrics = Metrics::new();
        let login = Route::new(&Method::POST, "/user/login");
        for (status, refusal) in [
            (StatusCode::OK, None),
            (StatusCode::FORBIDDEN, Some(Code::AuthNotAllowed)),
            (StatusCode::BAD_REQUEST, None),
        ] {
            let _request = metrics.began();
            metrics.answered(login, status, refusal, Duration::from_millis(30));
        }
        let _request = metrics.began();
        let state = ProcessState { is_audit_writable: true, audit_lines_lost: 2, log_lines_lost: 0 };
        assert_eq!(metrics.text(state), metrics.text(state));
        let text = metrics.text(state);
        for line in [
            "zato_sso_http_requests_total{method=\"POST\",path=\"/user/login\",status=\"200\"} 1",
            "zato_sso_http_requests_total{method=\"POST\",path=\"/user/login\",status=\"400\"} 1",
            "zato_sso_http_request_duration_seconds_count{method=\"POST\",path=\"/user/login\"} 3",
            "zato_sso_http_request_duration_seconds_bucket{le=\"0.025\",method=\"POST\",path=\"/user/login\"} 0",
            "zato_sso_http_request_duration_seconds_bucket{le=\"0.05\",method=\"POST\",path=\"/user/login\"} 3",
            "zato_sso_http_refusals_total{code=\"E005001\"} 1",
            "zato_sso_http_requests_in_flight 1",
            "zato_sso_audit_writable 1",
            "zato_sso_audit_lines_lost_total 2",
            "zato_sso_log_lines_lost_total 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }
}
