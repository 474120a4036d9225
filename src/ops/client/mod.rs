//! Clients of the OpenID Provider: which there are, how they prove who they are, and the keys that sign their tokens.

pub(super) mod assertion;
pub(super) mod authenticate;
pub(super) mod known;
pub(super) mod manage;
pub(super) mod resource;
pub(super) mod signing_key;
pub(super) mod subject;
