//! The audit trail in the database, read and written out.

mod export;
mod search;
