//! The section `otel`.

use url::Url;

use crate::config::load::error::Invalid;
use crate::config::load::section::{Validate, section};
use crate::config::load::setting::choices;

section! {
    /// Traces, as OpenTelemetry has them.
    Otel = "otel" {
        /// The collector that the server sends traces to by OTLP over HTTP: `http://localhost:4318`, for instance, to which
        /// /v1/traces is added. Empty: as OTEL_EXPORTER_OTLP_ENDPOINT says; where that is not set either, there are no traces.
        endpoint: String = String::new(),
        /// What the server is called in traces. Empty: as OTEL_SERVICE_NAME says, or zato-sso.
        service_name: String = String::new(),
        /// Whether calls from Python have spans, through the OpenTelemetry API of the process: "on", "off", or "auto", which is
        /// "on" where `opentelemetry.trace` is imported before the object is made.
        python: OtelPython = OtelPython::Auto,
        /// Whose requests may name the trace that they belong to, by the header traceparent: "proxies", those that come from
        /// http.trusted_proxies, "all" or "none". A request of anybody else begins a trace of its own.
        trust_traceparent: TrustTraceparent = TrustTraceparent::Proxies,
    }
}

choices! {
    /// Whether calls from Python have spans.
    OtelPython: r#""auto", "on" or "off""# {
        /// Where the process uses OpenTelemetry.
        Auto = "auto",
        /// Always.
        On = "on",
        /// Never.
        Off = "off",
    }
}

choices! {
    /// Whose requests may name the trace that they belong to. Who may decides its number, and whether it is recorded.
    TrustTraceparent: r#""proxies", "all" or "none""# {
        /// Those that come from a trusted proxy.
        Proxies = "proxies",
        /// All.
        All = "all",
        /// None.
        Nobody = "none",
    }
}

impl Otel {
    /// Reads the URL of a collector.
    ///
    /// # Errors
    /// What is wrong with it; not the URL itself.
    pub fn read_url(text: &str) -> Result<Url, String> {
        let url = Url::parse(text).map_err(|_| "must be a URL such as http://localhost:4318".to_owned())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("must begin with http:// or https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a password: headers belong into OTEL_EXPORTER_OTLP_HEADERS".to_owned());
        }
        Ok(url)
    }
}

impl Validate for Otel {
    fn validate(&self) -> Result<(), Invalid> {
        if self.endpoint.is_empty() {
            return Ok(());
        }
        Self::read_url(&self.endpoint).map(drop).map_err(|problem| Invalid::new("otel.endpoint", problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_of_the_web_without_a_password() {
        for url in ["http://localhost:4318", "https://collector.example.com/otlp", "http://[::1]:4318/"] {
            assert!(Otel::read_url(url).is_ok(), "{url}");
        }
        for url in ["localhost:4318", "grpc://h:4317", "", "http://", "https://u:hunter2@h/"] {
            assert!(!Otel::read_url(url).unwrap_err().contains("hunter2"), "{url}");
        }
    }
}
