//! Sites, identities, the sessions of sites, and browsers.

pub mod browser;
pub mod identity;
pub mod registry;
pub mod session;
