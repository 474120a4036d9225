//! Clients of the OpenID Provider: which there are, how they prove who they are, and the keys that sign their tokens;
//! then the flows by which users sign in to them, and what becomes of the tokens.

pub(super) mod asked;
pub(super) mod assertion;
pub(super) mod authenticate;
pub(super) mod authorize;
pub(super) mod backchannel;
pub(super) mod consent;
pub(super) mod device;
pub(super) mod end_session;
pub(super) mod examine;
pub(super) mod grant;
pub(super) mod held;
pub(super) mod id_token;
pub(super) mod known;
pub(super) mod manage;
pub(super) mod provider;
pub(super) mod push;
pub(super) mod resource;
pub(super) mod scope;
pub(super) mod sign_in;
pub(super) mod signing_key;
pub(super) mod subject;
pub(super) mod token_endpoint;
pub(super) mod tokens;
