//! Security definitions and their links to users.

pub mod link;
pub mod sec_def;
