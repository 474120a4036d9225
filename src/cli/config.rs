//! `config`: a look at the configuration.

use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{JsonArray, Output, Stream, one_line};
use crate::config::Config;

/// Every key with its value, secrets masked, and where that came from.
pub(super) fn show(config: &Config, out: &Output) -> Result<(), Failure> {
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
