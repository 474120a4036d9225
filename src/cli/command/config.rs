//! `config`: a look at the configuration.

use serde_json::{Value, json};

use crate::cli::args::ConvertArgs;
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream, say};
use crate::config::{self, Config};
use crate::domain::one_line;

/// Every key with its value, secrets masked, and where that came from.
pub(in crate::cli) fn show(config: &Config, out: &Output) -> Result<(), Failure> {
    let mut stream = Stream::new();
    let entries = config.entries();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for entry in entries {
            let value = from_toml(&entry.value);
            array.push(&json!({"key": entry.key, "value": value, "origin": entry.origin.to_string()}))?;
        }
        return array.end();
    }
    for entry in entries {
        let text = format!("{} = {}  # {}", entry.key, entry.value, entry.origin);
        stream.line(&one_line(&text))?;
    }
    stream.finish()
}

/// An `sso.conf` as TOML. What has no counterpart is listed on the side, for the output is to become a file.
pub(in crate::cli) fn convert(args: &ConvertArgs, out: &Output) -> Result<(), Failure> {
    let config::Converted { toml, unmatched } = config::convert(&args.file)?;
    if !out.is_json() {
        let lines = unmatched.iter().map(|one| format!("zato-sso: {}: {one}", args.file.display()));
        lines.for_each(|line| say(&line));
    }
    let unmatched: Vec<_> = unmatched
        .into_iter()
        .map(|one| json!({"key": one.key, "line": one.line, "advice": one.advice}))
        .collect();
    out.result(toml.trim_end(), &json!({"toml": toml, "unmatched": unmatched}))
}

/// A value as TOML writes it, as JSON; what is not TOML stays the text it is.
fn from_toml(text: &str) -> Value {
    let table: Option<toml::Table> = toml::from_str(&format!("value = {text}")).ok();
    let value = table.and_then(|mut table| serde_json::to_value(table.remove("value")?).ok());
    value.unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_types() {
        assert_eq!(from_toml("5"), json!(5));
        assert_eq!(from_toml("true"), json!(true));
        assert_eq!(from_toml(r#"["CRM", "ERP"]"#), json!(["CRM", "ERP"]));
        assert_eq!(from_toml(r#""***""#), json!("***"));
        assert_eq!(from_toml("***"), json!("***"));
    }
}
