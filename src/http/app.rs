//! What all requests share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderName;

use crate::http::body::Bodies;
use crate::http::metrics::Metrics;
use crate::ops::Sso;

/// What all requests share.
pub(in crate::http) struct App {
    /// What they call.
    pub sso: Sso,
    /// What is counted.
    pub metrics: Metrics,
    /// What the bodies of requests hold.
    pub bodies: Bodies,
    /// The header that may name the application of a call.
    pub app_header: Option<HeaderName>,
    is_closing: AtomicBool,
}

impl App {
    pub fn new(sso: Sso) -> Arc<Self> {
        let app_header = HeaderName::from_bytes(sso.config().apps.http_header.as_bytes()).ok();
        let bodies = Bodies::new(sso.config());
        Arc::new(Self {
            sso,
            metrics: Metrics::new(),
            bodies,
            app_header,
            is_closing: AtomicBool::new(false),
        })
    }

    /// From now on every answer is the last one on its connection.
    pub fn begin_closing(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}
