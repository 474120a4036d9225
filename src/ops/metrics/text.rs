//! The text that Prometheus reads, in both of its forms.

use std::fmt::{Display, Write as _};

use crate::domain::{BOUNDS, Distribution};

/// Which form the text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Names and values of labels.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// One value, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The metric.
    pub name: String,
    /// What it counts.
    pub about: String,
    /// Of what in particular; empty where there is one value.
    pub labels: String,
    /// The value.
    pub value: String,
}

/// The text, as far as it is written.
#[derive(Debug)]
pub struct Text {
    format: Format,
    text: String,
    /// Values instead of text, if they are for people.
    samples: Option<Vec<Sample>>,
}

/// A metric, to which values are written.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut Text,
    name: &'static str,
    suffix: &'static str,
    about: String,
}

impl Text {
    /// Nothing yet.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format, text: String::new(), samples: None }
    }

    /// Nothing yet of a table for people. It has the sums and numbers of durations, not how they are spread.
    #[must_use]
    pub const fn table() -> Self {
        Self { format: Format::Prometheus, text: String::new(), samples: Some(Vec::new()) }
    }

    /// The values of a table.
    #[must_use]
    pub fn into_samples(self) -> Vec<Sample> {
        self.samples.unwrap_or_default()
    }

    /// A metric that only grows. Its name gets `zato_sso_` before it and `_total` behind it.
    pub fn counter(&mut self, name: &'static str, about: &str) -> Family<'_> {
        self.family(name, "counter", "_total", about)
    }

    /// A metric that grows and shrinks.
    pub fn gauge(&mut self, name: &'static str, about: &str) -> Family<'_> {
        self.family(name, "gauge", "", about)
    }

    /// Durations in seconds.
    pub fn histogram(&mut self, name: &'static str, about: &str) -> Family<'_> {
        self.family(name, "histogram", "", about)
    }

    /// All of it.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn family(&mut self, name: &'static str, kind: &str, suffix: &'static str, about: &str) -> Family<'_> {
        // Prometheus has the name of what follows here, OpenMetrics that of the family.
        let shown = if self.format == Format::Prometheus { suffix } else { "" };
        self.line(format_args!("# HELP zato_sso_{name}{shown} {about}."));
        self.line(format_args!("# TYPE zato_sso_{name}{shown} {kind}"));
        if self.format == Format::OpenMetrics && name.ends_with("_seconds") {
            self.line(format_args!("# UNIT zato_sso_{name} seconds"));
        }
        Family { text: self, name, suffix, about: about.to_owned() }
    }

    fn line(&mut self, line: impl Display) {
        // Writing to a string does not fail.
        writeln!(self.text, "{line}").ok();
    }
}

impl Family<'_> {
    /// Writes a value.
    pub fn value(&mut self, labels: Labels<'_>, value: impl Display) -> &mut Self {
        self.sample(self.suffix, labels, None, value);
        self
    }

    /// Writes durations.
    pub fn durations(&mut self, labels: Labels<'_>, durations: &Distribution) -> &mut Self {
        let bounds = BOUNDS.iter().map(|(_, seconds)| *seconds).chain(["+Inf"]);
        for (bound, count) in bounds.zip(durations.up_to) {
            self.sample("_bucket", labels, Some(bound), count);
        }
        self.sample("_sum", labels, None, format_args!("{:.6}", durations.sum.as_secs_f64()));
        self.sample("_count", labels, None, durations.count());
        self
    }

    fn sample(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&'static str>, value: impl Display) {
        if let Some(samples) = &mut self.text.samples {
            if bound.is_none() {
                let labels: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
                samples.push(Sample {
                    name: format!("{}{suffix}", self.name),
                    about: self.about.clone(),
                    labels: labels.join(", "),
                    value: value.to_string(),
                });
            }
            return;
        }
        let all = bound.map(|bound| ("le", bound));
        let mut shown = String::new();
        for (name, value) in all.iter().chain(labels) {
            shown.push_str(if shown.is_empty() { "{" } else { "," });
            shown.push_str(name);
            shown.push_str("=\"");
            for letter in value.chars() {
                match letter {
                    '\\' => shown.push_str("\\\\"),
                    '"' => shown.push_str("\\\""),
                    '\n' => shown.push_str("\\n"),
                    letter => shown.push(letter),
                }
            }
            shown.push('"');
        }
        if !shown.is_empty() {
            shown.push('}');
        }
        let name = self.name;
        self.text.line(format_args!("zato_sso_{name}{suffix}{shown} {value}"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Histogram;

    fn written(format: Format) -> String {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(30));
        let mut text = Text::new(format);
        text.counter("things", "Things").value(&[("what", "a \"b\"\\\n")], 3);
        text.gauge("level", "The level").value(&[], 7);
        text.histogram("wait_seconds", "Waits").durations(&[("for", "read")], &histogram.now());
        text.finish()
    }

    #[test]
    fn both_forms_have_the_same_values() {
        let text = written(Format::Prometheus);
        assert!(
            text.starts_with("# HELP zato_sso_things_total Things.\n# TYPE zato_sso_things_total counter\n")
        );
        assert!(text.contains("zato_sso_things_total{what=\"a \\\"b\\\"\\\\\\n\"} 3\n"), "{text}");
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
        let other = written(Format::OpenMetrics);
        assert!(other.starts_with("# HELP zato_sso_things Things.\n# TYPE zato_sso_things counter\n"));
        assert!(other.contains("# UNIT zato_sso_wait_seconds seconds\n") && other.ends_with("# EOF\n"));
        let values = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
        };
        assert_eq!(values(&text), values(&other));
        assert!(text.contains("zato_sso_wait_seconds_bucket{le=\"0.025\",for=\"read\"} 0\n"));
        assert!(text.contains("zato_sso_wait_seconds_bucket{le=\"+Inf\",for=\"read\"} 1\n"));
        assert!(text.contains("zato_sso_wait_seconds_sum{for=\"read\"} 0.030000\n"));
    }
}
