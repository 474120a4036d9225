//! What the server counts of requests: part of the metrics of [`ops`](crate::ops).

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode, header};

use crate::domain::{Code, Histogram};
use crate::ops::{Format, Text};

/// The form of the metrics that a client asks for: OpenMetrics, unless it names plain text only.
pub(in crate::http) fn accepted(headers: &HeaderMap) -> Format {
    let names = |kind: &str| {
        let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.any(|value| value.contains(kind))
    };
    let is_plain = names("text/plain") && !names("application/openmetrics-text");
    if is_plain { Format::Prometheus } else { Format::OpenMetrics }
}

/// The endpoint that answered a request: never what was sent, of which there is no end.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
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

    /// The method, `other` for those that no endpoint has.
    pub const fn method(self) -> &'static str {
        self.method
    }

    /// The path, without the prefix; empty for what is no endpoint.
    pub const fn path(self) -> &'static str {
        self.path
    }
}

/// Something that is counted for each of a bounded number of keys.
#[derive(Debug)]
struct Each<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Each<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Copy + Hash + Ord, V: Default> Each<K, V> {
    /// Counts for a key. Only the first time waits for others.
    fn count(&self, key: K, count: impl Fn(&V)) {
        if let Some(counted) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return count(counted);
        }
        count(self.0.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
    }

    /// All of them, in the order of their keys.
    fn each(&self, mut tell: impl FnMut(K, &V)) {
        let counted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<_> = counted.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| **key);
        keys.into_iter().for_each(|(key, value)| tell(*key, value));
    }
}

/// The counters.
#[derive(Debug, Default)]
pub(in crate::http) struct Metrics {
    requests: Each<(Route, u16), AtomicU64>,
    durations: Each<Route, Histogram>,
    refusals: Each<&'static str, AtomicU64>,
    in_flight: AtomicI64,
}

impl Metrics {
    /// A request has come. It is under way until what this returns is dropped, answered or not.
    pub fn began(&self) -> UnderWay<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        UnderWay(&self.in_flight)
    }

    /// A request is answered.
    pub fn answered(&self, route: Route, status: StatusCode, refusal: Option<Code>, took: Duration) {
        let count_one = |count: &AtomicU64| {
            count.fetch_add(1, Relaxed);
        };
        self.requests.count((route, status.as_u16()), count_one);
        self.durations.count(route, |histogram| histogram.observe(took));
        if let Some(code) = refusal {
            self.refusals.count(code.as_str(), count_one);
        }
    }

    /// Writes all of them.
    pub fn write(&self, text: &mut Text) {
        let mut family = text.counter("http_requests", "Requests that were answered");
        self.requests.each(|(Route { method, path }, status), count| {
            let labels = [("method", method), ("path", path), ("status", &status.to_string())];
            family.value(&labels, count.load(Relaxed));
        });
        let mut family = text.histogram("http_request_duration_seconds", "How long answers took");
        self.durations.each(|Route { method, path }, histogram| {
            family.durations(&[("method", method), ("path", path)], &histogram.now());
        });
        let mut family = text.counter("http_refusals", "Requests that the rules refused, by code");
        self.refusals.each(|code, count| {
            family.value(&[("code", code)], count.load(Relaxed));
        });
        let in_flight = self.in_flight.load(Relaxed);
        text.gauge("http_requests_in_flight", "Requests under way").value(&[], in_flight);
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(in crate::http) struct UnderWay<'a>(&'a AtomicI64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_endpoint_and_status_and_refusals_by_code() {
        let metrics = Metrics::default();
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
        let mut text = Text::new(Format::OpenMetrics);
        metrics.write(&mut text);
        let text = text.finish();
        for line in [
            "zato_sso_http_requests_total{method=\"POST\",path=\"/user/login\",status=\"200\"} 1",
            "zato_sso_http_requests_total{method=\"POST\",path=\"/user/login\",status=\"400\"} 1",
            "zato_sso_http_request_duration_seconds_count{method=\"POST\",path=\"/user/login\"} 3",
            "zato_sso_http_request_duration_seconds_bucket{le=\"0.025\",method=\"POST\",path=\"/user/login\"} 0",
            "zato_sso_http_request_duration_seconds_bucket{le=\"0.05\",method=\"POST\",path=\"/user/login\"} 3",
            "zato_sso_http_refusals_total{code=\"E005001\"} 1",
            "zato_sso_http_requests_in_flight 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_client_that_names_plain_text_only_gets_it() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            accepted(&headers)
        };
        for accept in ["", "*/*", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"]
        {
            assert_eq!(form(accept), Format::OpenMetrics, "{accept}");
        }
        assert_eq!(form("text/plain;version=0.0.4;q=0.9,*/*;q=0.1"), Format::Prometheus);
    }
}
