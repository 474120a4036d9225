//! Clients, their secrets, the tokens by which they prove who they are, and the keys that sign those made here.

pub mod access_token;
pub mod authorization;
pub mod device;
pub mod grant;
pub mod notice;
pub mod pushed;
pub mod registration;
pub mod registry;
pub mod secret;
pub mod signing_key;
pub mod used_jwt;
