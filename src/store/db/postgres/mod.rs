//! PostgreSQL: its URL, connecting to it, and the connections that calls share.

pub(in crate::store) mod connect;
pub(in crate::store) mod lent;
pub(in crate::store) mod limit;
pub(in crate::store) mod listener;
pub(in crate::store) mod pool;
pub mod server;
pub(in crate::store) mod shelf;
