//! Values from Python and to it, and errors as exceptions.

pub(super) mod convert;
pub(super) mod data;
pub(super) mod error;
pub(super) mod generic;
pub(super) mod logger;
pub(super) mod permit;
pub(super) mod shown;
