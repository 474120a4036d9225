//! What all requests share.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::HeaderName;
use axum::http::request::Parts;

use crate::config::LogLevel;
use crate::domain::Cid;
use crate::http::body::{Bodies, Held};
use crate::http::closing::Closing;
use crate::http::failure::Failure;
use crate::http::metrics::Metrics;
use crate::http::room::Network;
use crate::http::sent::Answers;
use crate::ops::Sso;

/// What all requests share.
pub(in crate::http) struct App {
    /// What they call.
    pub sso: Sso,
    /// What is counted.
    pub metrics: Metrics,
    /// What the bodies of requests hold.
    pub bodies: Bodies,
    /// What answers hold that are not read yet.
    pub answers: Answers,
    /// Whether the server is about to end.
    pub closing: Closing,
    /// The header that may name the application of a call.
    pub app_header: Option<HeaderName>,
    overload: Mutex<Overload>,
}

/// How often requests were turned away lately, for the log.
#[derive(Debug, Default)]
struct Overload {
    said: Option<Instant>,
    since: u64,
}

/// How often it is said.
const BETWEEN_REMARKS: Duration = Duration::from_secs(10);

impl App {
    pub fn new(sso: Sso) -> Arc<Self> {
        let app_header = HeaderName::from_bytes(sso.config().apps.http_header.as_bytes()).ok();
        let (bodies, answers) = (Bodies::new(sso.config()), Answers::new(sso.config()));
        Arc::new(Self {
            sso,
            metrics: Metrics::default(),
            bodies,
            answers,
            closing: Closing::default(),
            app_header,
            overload: Mutex::default(),
        })
    }

    /// Logs that requests are turned away, now and then.
    pub fn note_overload(&self, cid: &Cid) {
        let mut overload = self.overload.lock().unwrap_or_else(PoisonError::into_inner);
        overload.since += 1;
        if overload.said.is_some_and(|said| said.elapsed() < BETWEEN_REMARKS) {
            return;
        }
        let text = format!("{} requests were turned away: there is too much to do", overload.since);
        *overload = Overload { said: Some(Instant::now()), since: 0 };
        drop(overload);
        self.sso.log().say(LogLevel::Warning, "http.overloaded", &text, Some(cid));
    }

    /// The whole body of a request.
    pub async fn read_body(&self, parts: &Parts, body: Body) -> Result<Held, Failure> {
        let network = parts.extensions.get::<Network>().copied();
        self.bodies.read(body, network, &self.closing).await
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
