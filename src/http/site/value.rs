//! Values of the sessions API, as they are read, written and described. What is wrong with one is said behind its name.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{Password, Timestamp};

/// Text that a site sends.
pub(in crate::http) struct Text(pub String);

/// A password, or a code in its place.
pub(in crate::http) struct Secret(pub Password);

/// A number of seconds, as a number or as a string of digits.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Seconds(pub i64);

/// What a site says about a user: an object.
pub(in crate::http) struct Profile(pub Map<String, Value>);

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
    Text: {"type": "string"};
    Secret: {"type": "string", "format": "password"};
    Seconds: {"type": ["integer", "string"], "description": "In seconds.", "default": 86400};
    Profile: {"type": "object", "description": "The profile."};
    Number: {"type": "integer"};
    Date: {"type": "string", "description": "RFC 2822."};
    Token: {"type": "string", "format": "uuid"};
    SecretToken: {"type": "string", "format": "uuid"};
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Value::String(text) = Value::deserialize(deserializer)? else {
            return Err(D::Error::custom("is not a string: send one, or leave it out"));
        };
        Ok(Self(text))
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
            Value::Number(number) => number.as_i64(),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let expected = "is not a whole number of seconds: send one, or leave it out";
        seconds.map(Self).ok_or_else(|| D::Error::custom(expected))
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Value::Object(profile) = Value::deserialize(deserializer)? else {
            return Err(D::Error::custom("is not an object: send one, or leave it out"));
        };
        Ok(Self(profile))
    }
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
        for (given, expected) in
            [(json!(null), None), (json!(7200), Some(7200)), (json!("7200"), Some(7200)), (json!(0), Some(0))]
        {
            assert_eq!(seconds(given), Some(expected.map(Seconds)));
        }
        for bad in [json!(""), json!("-1"), json!("1.5"), json!(1.5), json!("7 "), json!([]), json!(u64::MAX)]
        {
            assert_eq!(seconds(bad.clone()), None, "{bad}");
        }
        assert_eq!(seconds(json!("9".repeat(40))), None);
    }
}
