//! Hooks: Python callables that take part in operations.

pub(super) mod call;
pub(super) mod registry;
