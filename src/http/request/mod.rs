//! From a request to a typed call: address, credentials, input.

#[macro_use]
pub(super) mod input;

pub(super) mod address;
pub(super) mod authorization;
pub(super) mod budget;
pub(super) mod extract;
pub(super) mod json;
pub(super) mod value;
