//! Values of the sessions API, as they are read, written and described. What is wrong with one is said behind its name.
//!
//! Clients are written in PHP, which takes `"7"` and 7 for the same, and writes an empty object as an empty list.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{Password, Timestamp};

/// Text that a site sends; also as a whole number, of which it is the digits.
pub(in crate::http) struct Text(pub String);

/// A password, or a code in its place.
pub(in crate::http) struct Secret(pub Password);

/// A number of seconds, as a number or as a string of digits.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Seconds(pub i64);

/// What a site says about a user: an object.
pub(in crate::http) struct Profile(pub Map<String, Value>);

/// Yes or no, in any case of letters; also 1 or 0.
pub(in crate::http) struct Flag(pub bool);

/// A whole number in a query string.
pub(in crate::http) struct Number(pub i64);

/// A time that is shown.
#[derive(Clone)]
pub(in crate::http) struct Date(pub Timestamp);

/// A public token that is shown.
#[derive(Clone)]
pub(in crate::http) struct Token(pub Uuid);

/// A token that is shown to a site and is a secret of the site's.
pub(in crate::http) struct SecretToken(pub Password);

/// Implements `JsonSchema` for a type by a schema that stands where the type is used.
macro_rules! described {
    ($($type:ident: $schema:tt;)*) => {
        $(impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })*
    };
}

described! {
    Text: {"type": ["string", "integer"]};
    Secret: {"type": ["string", "integer"], "format": "password"};
    Seconds: {"type": ["integer", "string"], "description": "In seconds.", "default": 86400};
    Profile: {"type": ["object", "array"], "maxItems": 0, "description": "The profile."};
    Flag: {"type": ["boolean", "integer", "string"]};
    Number: {"type": "integer"};
    Date: {"type": "string", "description": "RFC 2822."};
    Token: {"type": "string", "format": "uuid"};
    SecretToken: {"type": "string", "format": "uuid"};
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            // A longer number than fits has lost digits already.
            Value::Number(number) if !number.is_f64() => Ok(Self(number.to_string())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(D::Error::custom("is not a string: send one, or leave it out"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|text| Self(Password::from(text.0)))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let expected = "is not a whole number of seconds: send one, or leave it out";
        seconds.map(Self).ok_or_else(|| D::Error::custom(expected))
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let profile = object(Value::deserialize(deserializer)?);
        profile.map(Self).ok_or_else(|| D::Error::custom("is not an object: send one, or leave it out"))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_set = match Value::deserialize(deserializer)? {
            Value::Bool(is_set) => Some(is_set),
            Value::Number(number) => match number.as_i64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        is_set.map(Self).ok_or_else(|| D::Error::custom("is neither true nor false: send one of these"))
    }
}

/// An object; an empty list is an empty one, and so is nothing. None for anything else.
pub(in crate::http) fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        Value::Null => Some(Map::new()),
        Value::Array(list) if list.is_empty() => Some(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

/// A whole number that is written as a fraction.
fn whole(number: f64) -> Option<i64> {
    // No time is longer: up to here, every whole number is one of its own.
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    let is_whole = number.fract() == 0.0 && number.abs() < LIMIT;
    is_whole.then(|| format!("{number:.0}").parse().ok()).flatten()
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = String::deserialize(deserializer)?.parse().map(Self);
        number.map_err(|_| D::Error::custom("is not a whole number: leave it out or mend it"))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc_2822())
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for SecretToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn seconds_are_a_number_or_a_string_of_digits() {
        let seconds = |given: Value| from_value::<Option<Seconds>>(given).ok();
        for (given, expected) in [
            (json!(null), None),
            (json!(7200), Some(7200)),
            (json!("7200"), Some(7200)),
            (json!(7200.0), Some(7200)),
            (json!(-1.0), Some(-1)),
            (json!(0), Some(0)),
        ] {
            assert_eq!(seconds(given), Some(expected.map(Seconds)));
        }
        for bad in [
            json!(""),
            json!("-1"),
            json!("1.5"),
            json!(1.5),
            json!("7 "),
            json!([]),
            json!(u64::MAX),
            json!(1e300),
        ] {
            assert_eq!(seconds(bad.clone()), None, "{bad}");
        }
        assert_eq!(seconds(json!("9".repeat(40))), None);
    }

    #[test]
    fn text_may_be_a_whole_number() {
        let text = |given: Value| from_value::<Text>(given).ok().map(|text| text.0);
        for (given, expected) in [
            (json!("a"), "a"),
            (json!(45673), "45673"),
            (json!(-7), "-7"),
            (json!(u64::MAX), "18446744073709551615"),
        ] {
            assert_eq!(text(given).as_deref(), Some(expected));
        }
        for bad in [json!(1.5), json!(1e30), json!(true), json!([]), json!({})] {
            assert_eq!(text(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn a_flag_is_said_in_many_ways() {
        let flag = |given: Value| from_value::<Flag>(given).ok().map(|flag| flag.0);
        for yes in [json!(true), json!(1), json!("1"), json!("true"), json!("TRUE")] {
            assert_eq!(flag(yes.clone()), Some(true), "{yes}");
        }
        for no in [json!(false), json!(0), json!("0"), json!("False")] {
            assert_eq!(flag(no.clone()), Some(false), "{no}");
        }
        for bad in [json!(2), json!("yes"), json!(""), json!([]), json!(1.0)] {
            assert_eq!(flag(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn an_empty_list_is_an_empty_object() {
        for empty in [json!([]), json!({}), json!(null)] {
            assert_eq!(object(empty), Some(Map::new()));
        }
        for bad in [json!([1]), json!(1), json!("a"), json!(true)] {
            assert_eq!(object(bad.clone()), None, "{bad}");
        }
    }
}
