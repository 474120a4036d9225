//! What a command prints: text, tables, progress, failures.

pub(super) mod failure;
pub(super) mod paged;
pub(super) mod print;
pub(super) mod progress;
pub(super) mod table;
