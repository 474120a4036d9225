//! The machinery: sources, the schema of keys, how a value becomes a setting, errors.

pub(super) mod environment;
pub(super) mod error;
pub(super) mod ini;
pub(super) mod schema;
pub(super) mod secret_url;
pub(super) mod section;
pub(super) mod setting;
pub(super) mod tree;
pub(super) mod value;
pub(super) mod values;
