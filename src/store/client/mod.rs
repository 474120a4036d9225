//! Clients, their secrets, the tokens by which they prove who they are, and the keys that sign those made here.

pub mod registry;
pub mod secret;
pub mod signing_key;
pub mod used_jwt;
