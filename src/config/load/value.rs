//! A value as a source gives it, before its key decides what it is to be.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

/// One value. It may be a secret, and so does not print outside of tests.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(in crate::config) enum Value {
    /// From a source without types, the environment or an INI file.
    Text {
        /// The value where the key takes one.
        text: String,
        /// The value where the key takes a list; None where it cannot be one.
        items: Option<Vec<String>>,
    },
    /// A string.
    String(String),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A list.
    List(Vec<Value>),
    /// What no key takes, by what it is called.
    Other(&'static str),
}

/// How much of a wrong value a message quotes.
const QUOTED: usize = 60;

impl Value {
    /// The value of an environment variable: a list is comma-separated, or a TOML array.
    pub(in crate::config) fn from_variable(text: String) -> Self {
        let items = if text.trim_start().starts_with('[') {
            let array = DeValue::parse(text.trim()).ok();
            array.and_then(|array| Some(array.value()?.list()?.into_iter().map(str::to_owned).collect()))
        } else {
            Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
        };
        Self::Text { text, items }
    }

    /// As one string.
    pub(in crate::config) fn string(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } | Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// As a whole number.
    pub(in crate::config) fn integer(&self) -> Option<i64> {
        match self {
            Self::Text { text, .. } => text.trim().parse().ok(),
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// As a truth value; untyped sources may write it in the usual ways, in any case.
    pub(in crate::config) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Text { text, .. } => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// As a list of strings.
    pub(in crate::config) fn list(&self) -> Option<Vec<&str>> {
        match self {
            Self::Text { items, .. } => Some(items.as_ref()?.iter().map(String::as_str).collect()),
            Self::List(items) => items.iter().map(Self::string).collect(),
            _ => None,
        }
    }

    /// What it is, for a message about a key that wants something else. Never for a key that takes a secret.
    pub(in crate::config) fn found(&self) -> String {
        match self {
            Self::Text { text, .. } | Self::String(text) => quoted(text),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Boolean(truth) => truth.to_string(),
            Self::List(_) => "a list".into(),
            Self::Other(kind) => (*kind).into(),
        }
    }

    /// As [`Value::found`], for a key that takes a secret.
    pub(in crate::config) fn found_in_secret(&self) -> String {
        match self {
            Self::Text { .. } | Self::String(_) => "a string that is not shown here".into(),
            Self::Integer(_) | Self::Float(_) => "a number".into(),
            Self::Boolean(_) => "a truth value".into(),
            Self::List(_) | Self::Other(_) => self.found(),
        }
    }
}

/// A string in quotes, shortened.
pub(in crate::config) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
    }
}

/// A value that may be a table of others.
pub(in crate::config) trait Node {
    /// Name, offset in the source and value of each, if it is a table.
    fn children(&self) -> Option<Vec<(&str, usize, &Self)>>;

    /// As a value. None is the null of JSON: as if it were not there.
    fn value(&self) -> Option<Value>;
}

impl Node for Spanned<DeValue<'_>> {
    fn children(&self) -> Option<Vec<(&str, usize, &Self)>> {
        let table = self.get_ref().as_table()?;
        Some(table.iter().map(|(name, value)| (name.get_ref().as_ref(), name.span().start, value)).collect())
    }

    fn value(&self) -> Option<Value> {
        Some(match self.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("a number that is too large"), Value::Integer),
            DeValue::Float(number) => {
                number.as_str().parse().map_or(Value::Other("a number that is too large"), Value::Float)
            }
            DeValue::Boolean(truth) => Value::Boolean(*truth),
            DeValue::Array(items) => list(items.iter()),
            DeValue::Datetime(_) => Value::Other("a date or time"),
            DeValue::Table(_) => Value::Other("a table"),
        })
    }
}

impl Node for Json {
    fn children(&self) -> Option<Vec<(&str, usize, &Self)>> {
        Some(self.as_object()?.iter().map(|(name, value)| (name.as_str(), 0, value)).collect())
    }

    fn value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => return None,
            Self::String(text) => Value::String(text.clone()),
            Self::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::Integer(whole),
                (None, Some(float)) => Value::Float(float),
                (None, None) => Value::Other("a number that is too large"),
            },
            Self::Bool(truth) => Value::Boolean(*truth),
            Self::Array(items) => list(items.iter()),
            Self::Object(_) => Value::Other("a table"),
        })
    }
}

/// A list one level deep: no key takes lists of lists, and nothing recurses over input that way.
fn list<'a, N: Node + 'a>(items: impl Iterator<Item = &'a N>) -> Value {
    Value::List(
        items
            .map(|item| match item.value() {
                Some(Value::List(_)) => Value::Other("a list"),
                Some(value) => value,
                None => Value::Other("nothing"),
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_a_list_by_commas_or_as_a_toml_array() {
        let list = |text: &str| {
            let value = Value::from_variable(text.to_owned());
            value.list().map(|items| items.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(list("CRM, ERP,").unwrap(), ["CRM", "ERP"]);
        assert_eq!(list(r#" ["a,b", 'c'] "#).unwrap(), ["a,b", "c"]);
        assert_eq!(list("").unwrap(), Vec::<String>::new());
        assert_eq!(list("[]").unwrap(), Vec::<String>::new());
        assert_eq!(list("[1]"), None);
        assert_eq!(list("[unclosed"), None);
    }

    #[test]
    fn long_strings_are_shortened_at_a_character() {
        assert_eq!(quoted(&"ü".repeat(61)), format!("\"{}\"…", "ü".repeat(60)));
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
    }
}
