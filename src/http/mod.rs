//! The REST API: a thin face over [`ops`](crate::ops).
//!
//! A request goes through [`answer`], which gives it a correlation id and a time limit, to one of the [`Endpoint`]s.
//! There [`extract`] merges query string and body into the typed input of the endpoint's handler, and the handler
//! calls one operation. Each block has its table of endpoints, one line each, in the file with the block's name.

#[macro_use]
mod request;

mod api;
mod describe;
mod reply;
mod routes;
mod server;
mod site;

pub use api::endpoint::{Block, Endpoint, blocks, endpoints};
pub use describe::openapi::document;
pub use request::input::Element;
pub use request::value::Kind;
pub use routes::router;
pub use server::serve;

use reply::failure::Failure;
use reply::success::{Nothing, Reply};
use request::extract::Call;

/// What a handler comes to.
type Answer<T> = Result<Reply<T>, Failure>;
