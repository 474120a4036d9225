//! Security definitions, their links to users, and the sessions that they open.

mod app;
pub(super) mod identify;
pub(super) mod link;
pub(super) mod sec_def;
pub(super) mod session;
