//! What sites tell about users: profiles, what of them a user has too, and how one is added to another.
//!
//! Clients are written in PHP, where a list of which an element was taken away, or that does not begin with 0, is an object
//! with numbers as its keys, and an empty object is an empty list.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::domain::{Result, UserId, check_name};
use crate::ops::Sso;
use crate::ops::site::identity::DISPLAY_NAME;
use crate::store::user::account::UserRow;

/// What becomes of a profile that a site tells anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateMode {
    /// It takes the place of the former one.
    #[default]
    Replace,
    /// It is added to the former one: lists grow, other values are replaced, and what it does not have stays.
    Append,
}

/// What of a profile a user has too (Portable Contacts 1.0).
#[derive(Default)]
pub(in crate::ops::site) struct Told {
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
}

impl Told {
    pub fn read(profile: &Value) -> Self {
        let name = |part: &str| text(profile.get("name").and_then(|name| name.get(part)));
        let email = profile.get("emails").and_then(first);
        Self {
            email: text(email.map(|email| email.get("value").unwrap_or(email))),
            display_name: text(profile.get(DISPLAY_NAME)),
            first_name: name("givenName"),
            middle_name: name("middleName"),
            last_name: name("familyName"),
        }
    }
}

/// Text, which PHP writes as a number where it consists of digits.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first element of a list.
fn first(list: &Value) -> Option<&Value> {
    match list {
        Value::Array(list) => list.first(),
        Value::Object(object) if has_numbers(object) => object.values().next(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => None,
    }
}

/// Whether an object is a list of PHP's.
fn has_numbers(object: &Map<String, Value>) -> bool {
    let is_number = |key: &String| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    !object.is_empty() && object.keys().all(is_number)
}

/// One profile with another one added to it.
pub(in crate::ops::site) fn appended(former: Value, more: Value) -> Value {
    match (listed(former), listed(more)) {
        (Value::Object(mut all), Value::Object(more)) => {
            for (name, value) in more {
                let value = match all.remove(&name) {
                    Some(former) => appended(former, value),
                    None => value,
                };
                all.insert(name, value);
            }
            Value::Object(all)
        }
        (Value::Array(mut all), Value::Array(more)) => {
            let mut known: HashSet<String> = all.iter().map(Value::to_string).collect();
            all.extend(more.into_iter().filter(|value| known.insert(value.to_string())));
            Value::Array(all)
        }
        // An empty object is an empty list there, and nothing is told by one.
        (former @ Value::Object(_), Value::Array(more)) if more.is_empty() => former,
        (_, more) => more,
    }
}

/// A list of PHP's as a list.
fn listed(value: Value) -> Value {
    match value {
        Value::Object(object) if has_numbers(&object) => Value::Array(object.into_values().collect()),
        other => other,
    }
}

impl Sso {
    /// Email and names that the user does not have yet come from what a site tells.
    pub(in crate::ops::site) fn fill(&self, row: &mut UserRow, user_id: &UserId, told: Told) -> Result<()> {
        if row.email.is_none()
            && let Some(email) = self.check_email(told.email)?
        {
            row.email_index = Some(self.core.keyring.blind_index(&email).to_vec());
            row.email = Some(self.seal_email(user_id, &email)?);
        }
        for (field, column, name) in [
            ("displayName", &mut row.display_name, told.display_name),
            ("name.givenName", &mut row.first_name, told.first_name),
            ("name.middleName", &mut row.middle_name, told.middle_name),
            ("name.familyName", &mut row.last_name, told.last_name),
        ] {
            if column.is_none() {
                *column = check_name(field, name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_appended_is_added_to_what_there_is() {
        for (former, more, expected) in [
            (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), json!({"a": "x"}), json!({"a": "x"})),
            (
                json!({"a": {"b": 1, "c": [1]}}),
                json!({"a": {"c": [2, 1]}}),
                json!({"a": {"b": 1, "c": [1, 2]}}),
            ),
            (
                json!({"l": [{"v": 1}]}),
                json!({"l": [{"v": 1}, {"v": 2}]}),
                json!({"l": [{"v": 1}, {"v": 2}]}),
            ),
            (json!({"l": [1]}), json!({"l": {"3": 2}}), json!({"l": [1, 2]})),
            (json!({"l": {"1": 1}}), json!({"l": [2]}), json!({"l": [1, 2]})),
            (json!({"a": {"b": 1}}), json!({"a": []}), json!({"a": {"b": 1}})),
            (json!({"a": {"b": 1}}), json!([]), json!({"a": {"b": 1}})),
            (json!({"l": [1]}), json!({"l": []}), json!({"l": [1]})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
        ] {
            assert_eq!(appended(former.clone(), more.clone()), expected, "{former} {more}");
        }
    }

    #[test]
    fn a_list_of_php_is_a_list() {
        let email = |profile: Value| Told::read(&profile).email;
        let ann = || Some("ann@example.com".to_owned());
        assert_eq!(email(json!({"emails": [{"value": "ann@example.com"}]})), ann());
        assert_eq!(email(json!({"emails": ["ann@example.com"]})), ann());
        assert_eq!(email(json!({"emails": {"1": {"value": "ann@example.com"}}})), ann());
        for none in [json!({"emails": []}), json!({"emails": {}}), json!({"emails": {"a": "b"}}), json!([])] {
            assert_eq!(email(none), None);
        }
        let told = Told::read(&json!({"displayName": 7, "name": []}));
        assert_eq!((told.display_name.as_deref(), told.first_name), (Some("7"), None));
    }
}
