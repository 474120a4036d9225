//! The input of an endpoint: which elements it takes, and the type that holds them.

use serde::de::DeserializeOwned;

use crate::domain::Edit;
use crate::http::failure::Failure;
use crate::http::request::json::Elements;
use crate::http::request::value::{Acting, Kind, Target, Token};
use crate::ops::Actor;

/// One element of an endpoint's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether a request without it is a bad one.
    pub is_required: bool,
    /// Whether null means something: that the value is taken away.
    pub is_clearable: bool,
}

/// A type that requests are read into, and what it is made of.
pub(in crate::http) trait Input: Sized + Send + 'static {
    /// Every element, the required ones first. `current_app` is not among them: every endpoint takes it.
    const ELEMENTS: &'static [Element];

    /// Takes its elements from what was sent.
    fn read(sent: &mut Sent<'_>) -> Result<Self, Failure>;
}

/// What was sent, and who acts.
#[derive(Debug)]
pub(in crate::http) struct Sent<'a> {
    /// The elements, but for the session that acts.
    pub elements: Elements<'a>,
    /// Who acts, where an endpoint asks for that and the request says it.
    pub actor: Option<Actor>,
}

/// A type of elements without which a request is a bad one.
pub(in crate::http) trait Required: Sized {
    /// Takes the element with this name.
    fn take(sent: &mut Sent<'_>, name: &str, kind: Kind) -> Result<Self, Failure>;
}

/// Null is the empty value of the type.
impl<T: DeserializeOwned> Required for T {
    fn take(sent: &mut Sent<'_>, name: &str, kind: Kind) -> Result<Self, Failure> {
        sent.elements.take(name).ok_or_else(|| Failure::missing(name))?.element(name, kind)
    }
}

impl Required for Acting {
    fn take(sent: &mut Sent<'_>, name: &str, _: Kind) -> Result<Self, Failure> {
        sent.actor.clone().map(Self).ok_or_else(|| Failure::missing(name))
    }
}

impl Required for Target {
    fn take(sent: &mut Sent<'_>, name: &str, kind: Kind) -> Result<Self, Failure> {
        match (sent.elements.take(name), &sent.actor) {
            (Some(given), _) => given.element(name, kind).map(|Token(ust)| Self(Some(ust))),
            (None, Some(Actor::Known(_))) => Ok(Self(None)),
            (None, _) => Err(Failure::missing(name)),
        }
    }
}

/// Takes an element that may be missing. Null is the same as missing.
pub(in crate::http) fn optional<T: DeserializeOwned>(
    sent: &mut Sent<'_>,
    name: &str,
    kind: Kind,
) -> Result<Option<T>, Failure> {
    match sent.elements.take(name).filter(|given| !given.is_null()) {
        None => Ok(None),
        Some(given) => given.element(name, kind).map(Some),
    }
}

/// Takes what becomes of a value: null takes the value away, a missing element keeps it.
pub(in crate::http) fn editable<T: DeserializeOwned>(
    sent: &mut Sent<'_>,
    name: &str,
    kind: Kind,
) -> Result<Edit<T>, Failure> {
    match sent.elements.take(name) {
        None => Ok(Edit::Keep),
        Some(given) if given.is_null() => Ok(Edit::Clear),
        Some(given) => given.element(name, kind).map(Edit::Set),
    }
}

/// Declares an input: a struct whose required fields have the types of `value`, the optional ones are options of them,
/// and the editable ones tell a null, which takes a value away, from an element that is missing, which lets it be.
macro_rules! input {
    ($(#[$doc:meta])* $name:ident {
        required { $($required:ident: $required_type:ident),* }
        optional { $($optional:ident: $optional_type:ident),* }
        $(editable { $($editable:ident: $editable_type:ident),* })?
    }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(in crate::http) struct $name {
            $(pub $required: $crate::http::request::value::$required_type,)*
            $(pub $optional: Option<$crate::http::request::value::$optional_type>,)*
            $($(
                pub $editable: $crate::domain::Edit<$crate::http::request::value::$editable_type>,
            )*)?
        }

        impl $crate::http::request::input::Input for $name {
            const ELEMENTS: &'static [$crate::http::request::input::Element] = &[
                $($crate::http::request::input::Element {
                    name: stringify!($required),
                    kind: $crate::http::request::value::$required_type::KIND,
                    is_required: true,
                    is_clearable: false,
                },)*
                $($crate::http::request::input::Element {
                    name: stringify!($optional),
                    kind: $crate::http::request::value::$optional_type::KIND,
                    is_required: false,
                    is_clearable: false,
                },)*
                $($($crate::http::request::input::Element {
                    name: stringify!($editable),
                    kind: $crate::http::request::value::$editable_type::KIND,
                    is_required: false,
                    is_clearable: true,
                },)*)?
            ];

            fn read(
                sent: &mut $crate::http::request::input::Sent<'_>,
            ) -> Result<Self, $crate::http::failure::Failure> {
                use $crate::http::request::{input, value};
                Ok(Self {
                    $($required: input::Required::take(
                        sent,
                        stringify!($required),
                        value::$required_type::KIND,
                    )?,)*
                    $($optional: input::optional(sent, stringify!($optional), value::$optional_type::KIND)?,)*
                    $($($editable: input::editable(
                        sent,
                        stringify!($editable),
                        value::$editable_type::KIND,
                    )?,)*)?
                })
            }
        }
    };
}

/// No element at all.
#[derive(Debug)]
pub(in crate::http) struct NoInput;

impl Input for NoInput {
    const ELEMENTS: &'static [Element] = &[];

    fn read(_: &mut Sent<'_>) -> Result<Self, Failure> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    input! {
        /// An example.
        Example {
            required { name: Text }
            optional { size: Number, is_big: Flag }
        }
    }

    input! {
        /// Another one.
        Change {
            required {}
            optional {}
            editable { size: Number, name: Text }
        }
    }

    fn read<I: Input>(value: Value) -> Option<I> {
        read_as(None, value)
    }

    fn read_as<I: Input>(actor: Option<Actor>, value: Value) -> Option<I> {
        let names: Vec<_> = I::ELEMENTS.iter().map(|element| element.name).collect();
        let body = value.to_string();
        let elements = Elements::read(None, &body, &names).unwrap();
        I::read(&mut Sent { elements, actor }).ok()
    }

    #[test]
    fn the_elements_are_listed_as_declared() {
        let listed: Vec<_> =
            Example::ELEMENTS.iter().map(|one| (one.name, one.kind, one.is_required)).collect();
        let expected =
            [("name", Kind::Text, true), ("size", Kind::Number, false), ("is_big", Kind::Flag, false)];
        assert_eq!(listed, expected);
    }

    #[test]
    fn required_elements_must_be_there_and_may_be_empty() {
        assert!(read::<Example>(json!({"size": 1})).is_none());
        assert_eq!(read::<Example>(json!({"name": null})).unwrap().name.0, "");
    }

    #[test]
    fn optional_elements_may_be_missing_or_null_but_not_of_another_type() {
        let example: Example = read(json!({"name": "a", "size": null, "unknown": [1]})).unwrap();
        assert!(example.size.is_none() && example.is_big.is_none());
        assert!(read::<Example>(json!({"name": "a", "size": "big"})).is_none());
    }

    #[test]
    fn editable_elements_tell_null_from_missing() {
        let change: Change = read(json!({"name": null})).unwrap();
        assert!(matches!((change.size, change.name), (Edit::Keep, Edit::Clear)));
        let change: Change = read(json!({"name": "", "size": "5"})).unwrap();
        assert_eq!(change.size.map(|size| size.0), Edit::Set(5));
        assert_eq!(change.name.map(|name| name.0), Edit::Set(String::new()));
        assert!(read::<Change>(json!({"size": "big"})).is_none());
        assert!(Change::ELEMENTS.iter().all(|element| !element.is_required));
    }

    input! {
        /// A call about a session.
        OnSession {
            required { target_ust: Target, current_ust: Acting }
            optional {}
        }
    }

    #[test]
    fn who_acts_is_no_element_and_a_token_needs_a_target() {
        let own = || Some(Actor::from(crate::domain::Ust::from("zust1")));
        let both = read_as::<OnSession>(own(), json!({"target_ust": "zust2"})).unwrap();
        assert!(matches!(both.current_ust.0, Actor::Session(ust) if ust.expose() == "zust1"));
        assert_eq!(both.target_ust.0.unwrap().expose(), "zust2");
        assert!(read_as::<OnSession>(own(), json!({})).is_none());
        assert!(read_as::<OnSession>(own(), json!({"target_ust": 5})).is_none());
        let named_only = json!({"target_ust": "zust2", "current_ust": "zust1"});
        assert!(read_as::<OnSession>(None, named_only).is_none());
    }
}
