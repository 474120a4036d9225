//! What every block needs: identifiers, time, randomness, secrets, errors, and the context of a call.

pub(super) mod address;
pub(super) mod clock;
pub(super) mod code;
pub(super) mod context;
pub(super) mod error;
pub(super) mod id;
pub(super) mod language;
pub(super) mod measure;
pub(super) mod operation;
pub(super) mod page;
pub(super) mod random;
pub(super) mod secret;
pub(super) mod steady;
pub(super) mod text;
pub mod trace;
