//! Where traces go and which of them: our configuration, and the variables that OpenTelemetry has for all programs
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use crate::config::{Config, Otel};

const DEFAULT_NAME: &str = "zato-sso";

/// The largest numbers of spans that are taken from variables.
const MAX_QUEUE: usize = 1 << 20;

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::ops) struct Sampler {
    /// Whether a caller that has decided is followed.
    pub follows_caller: bool,
    /// The part of all traces that is recorded, from 0 to 1.
    pub ratio: f64,
}

/// Where traces go, and how.
#[derive(Debug)]
pub(in crate::ops) struct Settings {
    pub url: Url,
    /// Names and values of headers. They may hold the key of a collector.
    pub headers: Vec<(String, SecretString)>,
    /// How long one attempt to send may take.
    pub timeout: Duration,
    /// A file with the certificates to trust, instead of the system's.
    pub certificate: Option<PathBuf>,
    /// What is said of this process: names and values, the name of the service among them.
    pub resource: Vec<(String, String)>,
    pub sampler: Sampler,
    /// Whether the spans of callers are asked for.
    pub reads_callers: bool,
    /// How long spans wait for others to be sent with.
    pub delay: Duration,
    /// How many spans wait at most.
    pub max_queue: usize,
    /// How many go together.
    pub max_batch: usize,
}

impl Settings {
    /// From configuration and variables; None where there is no collector. What cannot be used of the variables is left
    /// out and told, as OpenTelemetry asks for: they are set for many programs.
    pub fn read(config: &Config, variable: impl Fn(&str) -> Option<String>) -> (Option<Self>, Vec<String>) {
        let mut read = Reader { variable, warnings: Vec::new() };
        let settings = read.settings(&config.otel);
        (settings, read.warnings)
    }
}

struct Reader<V> {
    variable: V,
    warnings: Vec<String>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    fn settings(&mut self, otel: &Otel) -> Option<Settings> {
        if self.text("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return None;
        }
        let url = self.url(otel)?;
        match self.text("OTEL_TRACES_EXPORTER").as_deref() {
            None | Some("otlp") => {}
            Some("none") if otel.endpoint.is_empty() => return None,
            Some(_) => self.warn("OTEL_TRACES_EXPORTER", "is not otlp, which is the only one there is"),
        }
        if let Some((name, protocol)) = self.of_traces("PROTOCOL")
            && protocol != "http/protobuf"
        {
            self.warn(&name, "is not http/protobuf, which is the only one there is");
        }
        if let Some((name, compression)) = self.of_traces("COMPRESSION")
            && compression != "none"
        {
            self.warn(&name, "is left out: nothing is compressed");
        }
        let propagators = self.text("OTEL_PROPAGATORS");
        let reads_callers = propagators.is_none_or(|names| {
            names.split(',').any(|name| name.trim().eq_ignore_ascii_case("tracecontext"))
        });
        let max_queue = self.number("OTEL_BSP_MAX_QUEUE_SIZE", 2048).clamp(1, MAX_QUEUE);
        Some(Settings {
            url,
            headers: self.headers(),
            timeout: self.of_traces("TIMEOUT").map_or(Duration::from_secs(10), |(name, text)| {
                self.parsed(&name, &text).map_or(Duration::from_secs(10), Duration::from_millis)
            }),
            certificate: self.of_traces("CERTIFICATE").map(|(_, path)| path.into()),
            resource: self.resource(otel),
            sampler: self.sampler(),
            reads_callers,
            delay: Duration::from_millis(self.number("OTEL_BSP_SCHEDULE_DELAY", 5000)),
            max_queue,
            max_batch: self.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512).clamp(1, max_queue),
        })
    }

    fn url(&mut self, otel: &Otel) -> Option<Url> {
        let exact = self.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let base = Some(otel.endpoint.clone()).filter(|endpoint| !endpoint.is_empty());
        let (name, text, is_exact) = match (base, exact) {
            (Some(base), _) => ("otel.endpoint", base, false),
            (None, Some(exact)) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", exact, true),
            (None, None) => {
                let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
                (name, self.text(name)?, false)
            }
        };
        match Otel::read_url(&text) {
            Ok(mut url) => {
                if !is_exact {
                    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
                    url.set_path(&path);
                }
                Some(url)
            }
            Err(problem) => {
                self.warn(name, &problem);
                None
            }
        }
    }

    fn headers(&mut self) -> Vec<(String, SecretString)> {
        let Some((name, text)) = self.of_traces("HEADERS") else { return Vec::new() };
        let pairs = self.pairs(&name, &text);
        pairs.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.into())).collect()
    }

    fn resource(&mut self, otel: &Otel) -> Vec<(String, String)> {
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        let given = self.text(name).map(|text| self.pairs(name, &text)).unwrap_or_default();
        let of_pairs = given.iter().find(|(name, _)| name == "service.name").map(|(_, value)| value.clone());
        let configured = Some(otel.service_name.clone()).filter(|name| !name.is_empty());
        let service = configured.or_else(|| self.text("OTEL_SERVICE_NAME")).or(of_pairs);
        let mut all = vec![
            ("service.name".to_owned(), service.unwrap_or_else(|| DEFAULT_NAME.to_owned())),
            ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ];
        for (name, value) in given {
            if !all.iter().any(|(known, _)| *known == name) {
                all.push((name, value));
            }
        }
        all
    }

    fn sampler(&mut self) -> Sampler {
        let name = "OTEL_TRACES_SAMPLER";
        let text = self.text(name).unwrap_or_else(|| "parentbased_always_on".to_owned());
        let (follows_caller, kind) = match text.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, text.as_str()),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => self.ratio(),
            _ => {
                self.warn(name, "names a sampler that there is not: all traces are recorded");
                return Sampler { follows_caller: true, ratio: 1.0 };
            }
        };
        Sampler { follows_caller, ratio }
    }

    fn ratio(&mut self) -> f64 {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let Some(text) = self.text(name) else { return 1.0 };
        match text.parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
            _ => {
                self.warn(name, "is not a number from 0 to 1");
                1.0
            }
        }
    }

    /// Names and values, with what is not letters and digits written %xx.
    fn pairs(&mut self, name: &str, text: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let decoded = pair.split_once('=').and_then(|(name, value)| {
                let decode = |part: &str| percent_decode_str(part.trim()).decode_utf8().ok().map(Into::into);
                Some((decode(name)?, decode(value)?)).filter(|(name, _): &(String, String)| !name.is_empty())
            });
            match decoded {
                Some(pair) => pairs.push(pair),
                None => self.warn(name, "has a part that is not name=value, which is left out"),
            }
        }
        pairs
    }

    fn number<N: std::str::FromStr>(&mut self, name: &str, default: N) -> N {
        let Some(text) = self.text(name) else { return default };
        self.parsed(name, &text).unwrap_or(default)
    }

    fn parsed<N: std::str::FromStr>(&mut self, name: &str, text: &str) -> Option<N> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.warn(name, "is not a whole number of 0 or more");
        }
        parsed
    }

    /// A variable of all exporters, or that of traces, which counts more.
    fn of_traces(&self, what: &str) -> Option<(String, String)> {
        let names = [format!("OTEL_EXPORTER_OTLP_TRACES_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| self.text(&name).map(|text| (name, text)))
    }

    /// A variable; an empty one is as if it were not there.
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn warn(&mut self, name: &str, problem: &str) {
        self.warnings.push(format!("{name} {problem}"));
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(endpoint: &str, variables: &[(&str, &str)]) -> (Option<Settings>, Vec<String>) {
        let mut config = Config::default();
        config.otel.endpoint = endpoint.to_owned();
        Settings::read(&config, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn url(endpoint: &str, variables: &[(&str, &str)]) -> Option<String> {
        read(endpoint, variables).0.map(|settings| settings.url.to_string())
    }

    #[test]
    fn without_a_collector_there_are_no_traces() {
        assert_eq!(url("", &[]), None);
        assert_eq!(url("", &[("OTEL_SERVICE_NAME", "x"), ("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), None);
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        assert_eq!(url("", &[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]), None);
        assert_eq!(url("", &[endpoint, ("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn the_path_is_added_unless_the_variable_is_that_of_traces() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/otlp/");
        let exact = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c/x");
        assert_eq!(url("", &[base]).unwrap(), "http://c:4318/otlp/v1/traces");
        assert_eq!(url("", &[base, exact]).unwrap(), "https://c/x");
        assert_eq!(url("http://ours:4318", &[base, exact]).unwrap(), "http://ours:4318/v1/traces");
        assert_eq!(url("", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318")]), None);
    }

    #[test]
    fn variables_say_what_is_sent_and_how() {
        let (settings, warnings) = read(
            "http://c",
            &[
                ("OTEL_SERVICE_NAME", "sso"),
                ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=a%20b,service.name=other"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "Api-Key=a%3Db"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
                ("OTEL_PROPAGATORS", "baggage"),
                ("OTEL_BSP_SCHEDULE_DELAY", "100"),
                ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
            ],
        );
        let settings = settings.unwrap();
        assert_eq!(warnings, [""; 0]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(settings.resource[0], pair("service.name", "sso"));
        assert_eq!(settings.resource[2..], [pair("deployment.environment", "a b")]);
        let [(name, value)] = settings.headers.as_slice() else { panic!("one header") };
        assert_eq!((name.as_str(), value.expose_secret()), ("api-key", "a=b"));
        assert_eq!(
            (settings.timeout, settings.delay),
            (Duration::from_millis(500), Duration::from_millis(100))
        );
        assert_eq!(settings.certificate, Some("/ca.pem".into()));
        assert_eq!(settings.sampler, Sampler { follows_caller: false, ratio: 0.25 });
        assert!(!settings.reads_callers);
        assert_eq!((settings.max_queue, settings.max_batch), (8, 8));
    }

    #[test]
    fn what_cannot_be_used_is_told_and_left_out() {
        let (settings, warnings) = read(
            "http://c",
            &[
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
                ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
                ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
                ("OTEL_TRACES_EXPORTER", "zipkin"),
            ],
        );
        assert_eq!(settings.unwrap().sampler, Sampler { follows_caller: true, ratio: 1.0 });
        assert_eq!(warnings.len(), 6, "{warnings:?}");
        assert!(!warnings.join(" ").contains("secret"), "{warnings:?}");
    }
}
