//! Traces of the server, on their way to a collector by OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/>).

mod client;
mod encode;
mod exporter;
mod settings;

pub(in crate::ops) use exporter::Exporter;
pub(in crate::ops) use settings::Settings;
