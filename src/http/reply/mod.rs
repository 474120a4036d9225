//! From the result of an operation to a response.

pub(super) mod failure;
pub(super) mod html;
pub(super) mod success;
