//! The REST API: a thin face over [`ops`](crate::ops).
//!
//! A request goes through `surround`, which gives it a correlation id and a time limit, to one of the [`Endpoint`]s.
//! There `request` merges query string and body into the typed input of the endpoint's handler, and the handler
//! calls one operation. Each block has its table of endpoints, one line each, in the file with the block's name.
//!
//! Files import in this order: `failure`, `metrics`, `room`, `closing`, `progress`, `body`, `sent`, `app`, `request`, `reply`, then
//! `api`, `site` and `page`, `oidc`, then `describe`, `traced`, `surround`, `routes`, `crowd`, `connection`, `server`.

#[macro_use]
mod request;

mod api;
mod app;
mod body;
mod closing;
mod connection;
mod crowd;
mod describe;
mod failure;
mod metrics;
mod oidc;
mod page;
mod progress;
mod reply;
mod room;
mod routes;
mod sent;
mod server;
mod site;
mod surround;
mod traced;

pub use api::endpoint::{Block, Endpoint};
pub use api::table::{blocks, endpoints};
pub use connection::MAX_FIELDS;
pub use describe::openapi::document;
pub use request::address::client_address;
pub use request::input::Element;
pub use request::value::Kind;
pub use routes::router;
pub use server::{serve, serve_with_admin};
