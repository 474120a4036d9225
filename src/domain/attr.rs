//! Custom attributes of users and sessions: a name, and a JSON value.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Error, Result, SessionId, Timestamp, UserId};

/// A JSON value as text. It does not print: what applications keep in attributes is private.
///
/// Text and not a tree, so that what was put in comes out: integers of any size and the exact digits of numbers too.
#[derive(Clone, Debug)]
pub struct AttrValue(SecretString);

impl AttrValue {
    /// From text that a JSON writer has made.
    #[must_use]
    pub fn from_json_text(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text.
    #[must_use]
    pub fn as_json_text(&self) -> &str {
        self.0.expose_secret()
    }

    /// The tree. Integers beyond 64 bits become the nearest floating-point number.
    ///
    /// # Errors
    /// [`Error::Internal`] if the text is not JSON.
    pub fn to_json(&self) -> Result<Value> {
        // The message may quote the value, so it goes nowhere.
        serde_json::from_str(self.as_json_text())
            .map_err(|_| Error::internal("the value of an attribute is not JSON"))
    }
}

impl From<&Value> for AttrValue {
    fn from(value: &Value) -> Self {
        Self::from_json_text(value.to_string())
    }
}

impl PartialEq for AttrValue {
    fn eq(&self, other: &Self) -> bool {
        self.as_json_text() == other.as_json_text()
    }
}

/// What an attribute belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttrOwner {
    /// A user.
    User(UserId),
    /// A session.
    Session(SessionId),
}

/// An attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attr {
    /// Its name.
    pub name: String,
    /// Its value; None where it is encrypted and was asked for as it is.
    pub value: Option<AttrValue>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was last given a value.
    pub last_modified: Timestamp,
    /// From when on it does not exist.
    pub expiration_time: Timestamp,
    /// Whether its value is encrypted at rest.
    pub is_encrypted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_print() {
        let value = AttrValue::from(&Value::from("hunter2"));
        assert!(!format!("{value:?}").contains("hunter2"));
        let broken = AttrValue::from_json_text("hunter2".to_owned());
        assert!(!broken.to_json().unwrap_err().to_string().contains("hunter2"));
    }
}
