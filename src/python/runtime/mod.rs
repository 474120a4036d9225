//! The machinery of calls: blocking or awaited, across forks and at exit.

pub(super) mod awaitable;
pub(super) mod call;
pub(super) mod caller;
pub(super) mod engine;
pub(super) mod fork;
pub(super) mod gate;
pub(super) mod green;
pub(super) mod journal;
pub(super) mod life;
pub(super) mod process;
pub(super) mod traces;
pub(super) mod work;
