//! What a form, or a query string, says.

use crate::domain::Password;

/// How many fields are read.
const MAX_FIELDS: usize = 64;

/// What no page shows again.
const SECRETS: [&str; 10] = [
    "response",
    "password",
    "new_password",
    "totp_code",
    "token",
    "reset_key",
    "form_token",
    "old_password",
    "totp_key",
    "totp_uri",
];

/// Names and values, in their order.
#[derive(Default)]
pub(in crate::http) struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn read(text: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(text).take(MAX_FIELDS);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a field; empty where it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The value without white space around it; None for none.
    pub fn text(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    /// A secret, as it was typed; None for none.
    pub fn secret(&self, name: &str) -> Option<Password> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(Password::from)
    }

    /// A code of an app or of paper, where people read it in groups: without white space.
    pub fn code(&self, name: &str) -> Password {
        Password::from(self.get(name).split_whitespace().collect::<String>())
    }

    /// The same as a query string, without these.
    pub fn without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }

    /// What a page shows again, as a query string.
    pub fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.shown()).finish()
    }

    /// Whether a box was ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// What a page shows again.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.filter(|(name, _)| !SECRETS.contains(name))
    }
}
