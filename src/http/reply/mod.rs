//! From the result of an operation to a response.

pub(super) mod answer;
pub(super) mod failure;
pub(super) mod success;
