//! Posts one message to the collector.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use url::Url;

use crate::ops::courier::Courier;
use crate::ops::otlp::settings::Settings;

/// Why the collector has not taken something.
#[derive(Debug)]
pub(super) enum NotSent {
    /// It may take it later, after so long if it says so.
    ForNow(String, Option<Duration>),
    /// It never will.
    ForGood(String),
}

/// The way to the collector.
#[derive(Debug)]
pub(super) struct Client {
    courier: Courier,
    url: Url,
    /// Those that hold secrets say so, and are not shown.
    headers: HeaderMap,
    timeout: Duration,
}

impl Client {
    /// # Errors
    /// What of the settings cannot be used. It holds no header.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let courier = match &settings.certificate {
            Some(path) => {
                let wrong =
                    |error: &dyn std::error::Error| format!("the certificate {}: {error}", path.display());
                let mut roots = RootCertStore::empty();
                for found in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
                    roots.add(found.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
                }
                Courier::trusting(roots)?
            }
            None => Courier::default(),
        };
        Ok(Self {
            courier,
            url: settings.url.clone(),
            headers: headers(settings)?,
            timeout: settings.timeout,
        })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, message: Bytes) -> Result<(), NotSent> {
        match self.courier.send(&self.url, self.headers.clone(), message, self.timeout).await {
            Ok((status, headers)) => verdict(status, &headers),
            Err(why) => Err(NotSent::ForNow(why, None)),
        }
    }
}

/// What an answer means, as OTLP has it.
fn verdict(status: StatusCode, headers: &HeaderMap) -> Result<(), NotSent> {
    let why = format!("it answers with status {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(()),
        429 | 502 | 503 | 504 => {
            let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Err(NotSent::ForNow(why, after.map(Duration::from_secs)))
        }
        _ => Err(NotSent::ForGood(why)),
    }
}

fn headers(settings: &Settings) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value.expose_secret());
        let (Ok(name), Ok(mut value)) = (name, value) else {
            return Err("OTEL_EXPORTER_OTLP_HEADERS has a header that is not valid".to_owned());
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    Ok(headers)
}
