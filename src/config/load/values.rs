//! The values of all sources, merged.

use std::collections::BTreeMap;

use crate::config::load::error::Origin;
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

    /// The value that was given for exactly this key, and its origin.
    pub(in crate::config) fn get(&self, key: &str) -> Option<(&Value, &Origin)> {
        self.0.get(key).map(|(value, origin)| (value, origin))
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
