//! The values of all sources, merged.

use std::collections::BTreeMap;

use crate::config::load::error::{Error, Origin};
use crate::config::load::setting::Setting;
use crate::config::load::value::Value;

/// Where each value that was given came from, by its dotted key.
pub(in crate::config) type Origins = BTreeMap<String, Origin>;

/// Value and origin by dotted key. What is set later overrides.
#[derive(Default)]
pub(in crate::config) struct Values(BTreeMap<String, (Value, Origin)>);

impl Values {
    /// Sets one.
    pub(in crate::config) fn set(&mut self, key: String, value: Value, origin: Origin) {
        self.0.insert(key, (value, origin));
    }

    /// What was given for exactly this key, as it was given.
    pub(in crate::config) fn given(&self, key: &str) -> Option<&Value> {
        self.0.get(key).map(|(value, _)| value)
    }

    /// The value of a key, or its default.
    pub(in crate::config) fn read<T: Setting>(&self, key: &str, default: T) -> Result<T, Error> {
        Ok(T::find(self, key)?.unwrap_or(default))
    }

    /// The value of exactly this key.
    pub(in crate::config) fn one<T: Setting>(&self, key: &str) -> Result<Option<T>, Error> {
        let Some((value, origin)) = self.0.get(key) else { return Ok(None) };
        T::read(value).map(Some).map_err(|found| Error::WrongValue {
            origin: origin.clone(),
            key: key.to_owned(),
            expected: T::EXPECTED.into(),
            found: if T::IS_SECRET { value.found_in_secret() } else { found },
        })
    }

    /// The names in a table: each as its dotted key and on its own.
    pub(in crate::config) fn names(&self, table: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.keys().filter_map(move |key| Some((key.as_str(), key.strip_prefix(table)?.strip_prefix('.')?)))
    }

    /// Where each value came from.
    pub(in crate::config) fn origins(&self) -> Origins {
        self.0.iter().map(|(key, (_, origin))| (key.clone(), origin.clone())).collect()
    }
}
