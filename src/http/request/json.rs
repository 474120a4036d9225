//! JSON that strangers send: it is read into what is asked for, never into a tree, which takes up to a hundred times the
//! bytes that were sent.

use std::fmt;

use serde::Deserializer as _;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::http::failure::Failure;
use crate::http::request::budget::is_within_budget;
use crate::http::request::value::{Kind, Text};

/// The value of an element, not read yet.
#[derive(Clone, Debug)]
pub(in crate::http) enum Given<'a> {
    /// From a query string or a header.
    Text(String),
    /// From a body.
    Json(&'a RawValue),
}

impl Given<'_> {
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Json(json) if json.get() == "null")
    }

    /// Whether it is null or the empty text.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Json(json) => matches!(json.get(), "null" | "\"\""),
        }
    }

    /// As this type; None if it is of another one. The message of an error may quote the input, so it goes nowhere.
    pub fn typed<T: DeserializeOwned>(self) -> Option<T> {
        match self {
            Self::Text(text) => T::deserialize(StringDeserializer::<serde_json::Error>::new(text)).ok(),
            Self::Json(json) => serde_json::from_str(json.get()).ok(),
        }
    }

    /// The element of this name as this type, of which `kind` says in words what it is.
    pub fn element<T: DeserializeOwned>(self, name: &str, kind: Kind) -> Result<T, Failure> {
        self.typed().ok_or_else(|| Failure::mistyped(name, kind.expected()))
    }

    /// The element of this name as text; null is the empty one.
    pub fn text(self, name: &str) -> Result<String, Failure> {
        self.element(name, Kind::Text).map(|Text(text)| text)
    }
}

/// The elements of a request that its endpoint knows, by name. What else was sent was skipped.
#[derive(Debug, Default)]
pub(in crate::http) struct Elements<'a>(Vec<(&'static str, Given<'a>)>);

impl<'a> Elements<'a> {
    /// Those of query string and body that have these names. Of a name that stands there more than once the last one counts,
    /// and that of the body where both have it.
    pub fn read(query: Option<&str>, body: &'a str, known: &[&'static str]) -> Result<Self, Failure> {
        let mut elements = Self::default();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) =
                decode_pair(pair).ok_or_else(|| Failure::bad("the query string is not encoded as UTF-8"))?;
            if let Some(name) = known.iter().find(|known| **known == name) {
                elements.put(name, Given::Text(value));
            }
        }
        if body.is_empty() {
            return Ok(elements);
        }
        if !is_within_budget(body) {
            return Err(Failure::bad("the body is nested too deeply, or has too many values"));
        }
        let mut json = Deserializer::from_str(body);
        let members = (&mut json).deserialize_map(Members { known, elements: &mut elements });
        members.and_then(|()| json.end()).map_err(|error| not_an_object(&error))?;
        Ok(elements)
    }

    fn put(&mut self, name: &'static str, given: Given<'a>) {
        self.take(name);
        self.0.push((name, given));
    }

    pub fn get(&self, name: &str) -> Option<&Given<'a>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, given)| given)
    }

    pub fn take(&mut self, name: &str) -> Option<Given<'a>> {
        let position = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.swap_remove(position).1)
    }
}

/// Where a body stops being a JSON object. Without the parser's own words, which may quote it.
fn not_an_object(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    Failure::bad(format!("the body is not a JSON object: line {line}, column {column}"))
}

/// Finds the members of an object that are known, and skips the others.
struct Members<'e, 'a> {
    known: &'e [&'static str],
    elements: &'e mut Elements<'a>,
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        while let Some(known) = members.next_key_seed(Name(self.known))? {
            match known {
                Some(name) => self.elements.put(name, Given::Json(members.next_value()?)),
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A name, if it is a known one.
struct Name<'e>(&'e [&'static str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<&'static str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|known| **known == name).copied())
    }
}

/// One pair of a query string.
pub(in crate::http) fn decode_pair(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some((decode(name)?, decode(value)?))
}

/// Undoes the encoding of a query string (WHATWG URL, section 5.1). Unlike there, an escape that is none, and what is not
/// UTF-8, is an error: a value is taken as it was meant, or not at all.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next()?)? * 16 + hex_digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::http::request::budget::{MAX_DEPTH, MAX_NODES};

    const KNOWN: &[&str] = &["a", "b", "c"];

    fn merged(query: &str, body: &str) -> Option<Value> {
        let mut elements = Elements::read(Some(query), body, KNOWN).ok()?;
        let mut object = Map::new();
        for name in KNOWN {
            if let Some(given) = elements.take(name) {
                object.insert((*name).to_owned(), given.typed()?);
            }
        }
        Some(Value::Object(object))
    }

    #[test]
    fn the_body_wins_over_the_query() {
        let both = merged("a=1&b=2", r#"{"b": true, "c": null}"#);
        assert_eq!(both, Some(json!({"a": "1", "b": true, "c": null})));
        assert_eq!(merged("a=1&a=2", ""), Some(json!({"a": "2"})));
        assert_eq!(merged("", r#"{"a": 1, "\u0061": 2}"#), Some(json!({"a": 2})));
        assert_eq!(merged("", ""), Some(json!({})));
    }

    #[test]
    fn a_body_is_an_object_or_a_bad_request() {
        for body in [
            "[]",
            "1",
            "null",
            "\"a\"",
            "{",
            "{} {}",
            " ",
            "a=1",
            "{\"a\":\"\\ud800\"}",
            "\u{feff}{}",
            "{\"unknown\":[1,]}",
        ] {
            assert_eq!(merged("", body), None, "{body}");
        }
        assert_eq!(merged("", " {\"unknown\":[1], \"a\":2}\n"), Some(json!({"a": 2})));
    }

    #[test]
    fn what_is_nested_too_deeply_or_of_too_many_values_is_refused() {
        let nested = |name: &str, levels: usize| {
            format!("{{\"{name}\":{}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        for name in ["a", "unknown"] {
            assert!(merged("", &nested(name, MAX_DEPTH)).is_some());
            assert_eq!(merged("", &nested(name, MAX_DEPTH + 1)), None);
            assert_eq!(merged("", &nested(name, 200_000)), None);
            let flat = |values: usize| format!("{{\"{name}\":[{}1]}}", "1,".repeat(values - 3));
            assert!(merged("", &flat(MAX_NODES)).is_some());
            assert_eq!(merged("", &flat(MAX_NODES + 1)), None);
        }
        let text = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(1_000), "{,".repeat(MAX_NODES));
        assert!(merged("", &text).is_some());
    }

    #[test]
    fn queries_are_decoded_strictly() {
        let table = [
            ("a=b+c%20d", Some(json!({"a": "b c d"}))),
            ("%61=%C3%a9&&b", Some(json!({"a": "é", "b": ""}))),
            ("a=b=c", Some(json!({"a": "b=c"}))),
            ("a=%00", Some(json!({"a": "\0"}))),
            ("a=%", None),
            ("a=%4", None),
            ("a=%zz", None),
            ("unknown=%+1", None),
            ("%ff=1", None),
            ("a=%ff", None),
        ];
        for (query, expected) in table {
            assert_eq!(merged(query, ""), expected, "{query}");
        }
    }
}
