//! The types that elements of a request have. They are read loosely: booleans and numbers may arrive as text.
//!
//! Null and the empty string are the empty value, not an error: an operation refuses it like any wrong one. An
//! optional element that is null is one that was not given.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::domain::{ApprovalStatus, NameOp, Password, SignUpStatus, Timestamp, Ust};
use crate::http::request::budget::is_within_budget;
use crate::ops::Actor;

/// What an element holds, for the description of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A password, a key or a code: text that is not to be shown or logged.
    Secret,
    /// A user session token.
    Token,
    /// A boolean; also `"true"`, `"True"`, `"1"`, 1 and their opposites.
    Flag,
    /// A whole number; also its digits as text.
    Number,
    /// Date and time in ISO 8601; without an offset it is UTC.
    Time,
    /// One of the names of [`SignUpStatus`].
    SignUpStatus,
    /// A list of names; also its text.
    Names,
    /// A JSON object; also its text.
    Object,
    /// A list of attributes: name, value, and maybe expiration, encrypt and `user_id`; also its text.
    Items,
    /// One of the names of [`ApprovalStatus`].
    ApprovalStatus,
    /// One of the names of [`NameOp`].
    NameOp,
}

impl Kind {
    /// What it is, in words for who sent something else.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Text | Self::Secret | Self::Token => "text",
            Self::Flag => "true or false",
            Self::Number => "a whole number",
            Self::Time => "a time such as 2026-02-25T15:51:52",
            Self::SignUpStatus => "before_confirmation, to_approve or final",
            Self::Names => "a list of names",
            Self::Object => "an object",
            Self::Items => "a list of objects with name and value",
            Self::ApprovalStatus => "before_decision, approved or rejected",
            Self::NameOp => "and or or",
        }
    }
}

/// Text.
#[derive(Debug)]
pub struct Text(pub String);

/// Text that is not to be shown or logged.
#[derive(Debug)]
pub struct Secret(pub Password);

/// A user session token.
#[derive(Debug)]
pub struct Token(pub Ust);

/// The session that acts: its token, or the user that `Authorization` has authenticated.
#[derive(Debug)]
pub struct Acting(pub Actor);

/// The token of the session that a call is about. None is the session that acts, which has no token to be named by where
/// a linked definition opened it.
#[derive(Debug)]
pub struct Target(pub Option<Ust>);

/// A boolean.
#[derive(Debug)]
pub struct Flag(pub bool);

/// A whole number.
#[derive(Debug)]
pub struct Number(pub i64);

/// Date and time.
#[derive(Debug)]
pub struct Time(pub Timestamp);

/// How far a sign-up has come.
#[derive(Debug)]
pub struct Stage(pub SignUpStatus);

/// A list of names.
#[derive(Debug)]
pub struct Names(pub Vec<String>);

/// A JSON object, as its text.
#[derive(Debug)]
pub struct Object(pub String);

/// A list of attributes.
#[derive(Debug)]
pub struct Items(pub Vec<Item>);

/// An attribute in a list.
#[derive(Debug, serde::Deserialize)]
pub struct Item {
    pub name: Text,
    pub value: Text,
    pub expiration: Option<Number>,
    pub encrypt: Option<Flag>,
    pub user_id: Option<Text>,
}

/// What was decided about a user.
#[derive(Debug)]
pub struct Decision(pub ApprovalStatus);

/// How criteria are joined.
#[derive(Debug)]
pub struct Operator(pub NameOp);

impl Text {
    pub const KIND: Kind = Kind::Text;

    /// The text of an optional element.
    pub fn given(text: Option<Self>) -> Option<String> {
        text.map(|text| text.0)
    }
}

impl Secret {
    pub const KIND: Kind = Kind::Secret;

    /// The secret of an optional element.
    pub fn given(secret: Option<Self>) -> Option<Password> {
        secret.map(|secret| secret.0)
    }
}

impl Token {
    pub const KIND: Kind = Kind::Token;
}

impl Acting {
    pub const KIND: Kind = Kind::Token;
}

impl Target {
    pub const KIND: Kind = Kind::Token;
}

impl Flag {
    pub const KIND: Kind = Kind::Flag;

    /// The value of an optional element.
    pub fn given(flag: Option<Self>) -> Option<bool> {
        flag.map(|flag| flag.0)
    }
}

impl Number {
    pub const KIND: Kind = Kind::Number;

    /// The value of an optional element.
    pub fn given(number: Option<Self>) -> Option<i64> {
        number.map(|number| number.0)
    }
}

impl Time {
    pub const KIND: Kind = Kind::Time;
}

impl Decision {
    pub const KIND: Kind = Kind::ApprovalStatus;

    /// The value of an optional element.
    pub fn given(decision: Option<Self>) -> Option<ApprovalStatus> {
        decision.map(|decision| decision.0)
    }
}

impl Operator {
    pub const KIND: Kind = Kind::NameOp;

    /// The value of an optional element.
    pub fn given(operator: Option<Self>) -> Option<NameOp> {
        operator.map(|operator| operator.0)
    }
}

impl Stage {
    pub const KIND: Kind = Kind::SignUpStatus;

    /// The value of an optional element.
    pub fn given(stage: Option<Self>) -> Option<SignUpStatus> {
        stage.map(|stage| stage.0)
    }
}

impl Names {
    pub const KIND: Kind = Kind::Names;
}

impl Object {
    pub const KIND: Kind = Kind::Object;
}

impl Items {
    pub const KIND: Kind = Kind::Items;
}

/// A value that is neither a list nor an object. One of these is refused where it begins, however long it is.
enum Scalar {
    Null,
    Flag(bool),
    /// A number; None if it is no whole one of 64 bits.
    Number(Option<i64>),
    Text(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, a boolean or null")
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Flag(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(Some(number)))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number.try_into().ok()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar::Number(None))
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
                Ok(Scalar::Text(text))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// A list, or its text: all that a query string can hold.
struct List<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or its text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        // The message may quote the input, so it goes nowhere.
        let list = if is_within_budget(text) { serde_json::from_str(text).ok() } else { None };
        list.ok_or_else(|| E::custom("not such a list"))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Vec<T>, S::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(list)
    }
}

fn list<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(List(PhantomData))
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or its text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Object, E> {
                Ok(Object(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, members: M) -> Result<Object, M::Error> {
                let object = serde_json::Map::deserialize(MapAccessDeserializer::new(members))?;
                Ok(Object(serde_json::Value::Object(object).to_string()))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer).map(Self)
    }
}

/// Text, or null for the empty one. Not read as an option, which a missing element would be, too.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => Ok(text),
        Scalar::Null => Ok(String::new()),
        Scalar::Flag(_) | Scalar::Number(_) => Err(D::Error::custom("not text")),
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(|text| Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(|text| Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flag = match Scalar::deserialize(deserializer)? {
            Scalar::Flag(flag) => Some(flag),
            Scalar::Number(Some(0)) => Some(false),
            Scalar::Number(Some(1)) => Some(true),
            Scalar::Text(text) => match text.to_ascii_lowercase().as_str() {
                "false" | "0" => Some(false),
                "true" | "1" => Some(true),
                _ => None,
            },
            Scalar::Null | Scalar::Number(_) => None,
        };
        flag.map(Self).ok_or_else(|| D::Error::custom("not a boolean"))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Scalar::deserialize(deserializer)? {
            Scalar::Number(number) => number,
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Null | Scalar::Flag(_) => None,
        };
        number.map(Self).ok_or_else(|| D::Error::custom("not a whole number"))
    }
}

impl<'de> Deserialize<'de> for Stage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        SignUpStatus::parse(&name).map(Self).ok_or_else(|| D::Error::custom("not a sign-up status"))
    }
}

impl<'de> Deserialize<'de> for Decision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        ApprovalStatus::parse(&name).map(Self).ok_or_else(|| D::Error::custom("not an approval status"))
    }
}

impl<'de> Deserialize<'de> for Operator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        NameOp::parse(&name).map(Self).ok_or_else(|| D::Error::custom("not \"and\" or \"or\""))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).map(Self).ok_or_else(|| D::Error::custom("not a time in ISO 8601"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn flag(value: Value) -> Option<bool> {
        from_value::<Flag>(value).ok().map(|flag| flag.0)
    }

    fn number(value: Value) -> Option<i64> {
        from_value::<Number>(value).ok().map(|number| number.0)
    }

    #[test]
    fn booleans_arrive_in_many_ways() {
        for value in [json!(true), json!("true"), json!("True"), json!("1"), json!(1)] {
            assert_eq!(flag(value.clone()), Some(true), "{value}");
        }
        for value in [json!(false), json!("false"), json!("False"), json!("0"), json!(0)] {
            assert_eq!(flag(value.clone()), Some(false), "{value}");
        }
        for value in [json!(2), json!(1.0), json!("yes"), json!(""), json!(null), json!([true]), json!({})] {
            assert_eq!(flag(value.clone()), None, "{value}");
        }
    }

    #[test]
    fn numbers_arrive_as_such_or_as_digits() {
        assert_eq!(number(json!(5)), Some(5));
        assert_eq!(number(json!("5")), Some(5));
        assert_eq!(number(json!("-1")), Some(-1));
        for value in
            [json!(5.5), json!("5.0"), json!(" 5"), json!(""), json!(true), json!(u64::MAX), json!([5])]
        {
            assert_eq!(number(value.clone()), None, "{value}");
        }
    }

    #[test]
    fn null_is_the_empty_text_and_other_types_are_refused() {
        assert_eq!(from_value::<Text>(json!(null)).unwrap().0, "");
        assert!(from_value::<Secret>(json!("")).unwrap().0.is_empty());
        assert!(from_value::<Token>(json!(null)).unwrap().0.is_empty());
        assert!(from_value::<Option<Text>>(json!(null)).unwrap().is_none());
        for value in [json!(5), json!(true), json!(["a"]), json!({"a": "b"})] {
            assert!(from_value::<Text>(value.clone()).is_err(), "{value}");
            assert!(from_value::<Secret>(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_sign_up_status_goes_by_its_name() {
        assert_eq!(from_value::<Stage>(json!("final")).unwrap().0, SignUpStatus::Final);
        assert!(from_value::<Stage>(json!("Final")).is_err());
    }

    #[test]
    fn an_approval_status_and_an_operator_go_by_their_names() {
        assert_eq!(from_value::<Decision>(json!("rejected")).unwrap().0, ApprovalStatus::Rejected);
        assert!(from_value::<Decision>(json!("maybe")).is_err());
        assert_eq!(from_value::<Operator>(json!("or")).unwrap().0, NameOp::Or);
        assert!(from_value::<Operator>(json!("xor")).is_err());
    }

    #[test]
    fn times_are_iso_8601() {
        let noon = Timestamp::from_micros(1_772_020_800_000_000);
        for text in ["2026-02-25T12:00:00", "2026-02-25 12:00:00.000", "2026-02-25T13:00:00+01:00"] {
            assert_eq!(from_value::<Time>(json!(text)).unwrap().0, noon, "{text}");
        }
        for value in [json!("tomorrow"), json!(""), json!(1_772_020_800), json!(null)] {
            assert!(from_value::<Time>(value.clone()).is_err(), "{value}");
        }
    }
}
