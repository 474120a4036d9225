//! The REST API: a thin face over [`ops`](crate::ops).
//!
//! A request goes through [`answer`], which gives it a correlation id and a time limit, to one of the [`Endpoint`]s.
//! There [`extract`] merges query string and body into the typed input of the endpoint's handler, and the handler
//! calls one operation. Each block has its table of endpoints, one line each, in the file with the block's name.

#[macro_use]
mod input;

mod address;
mod answer;
mod attr;
mod authorization;
mod browser;
mod endpoint;
mod error;
mod extract;
mod health;
mod linked_auth;
mod metrics;
mod oneall;
mod openapi;
mod password_reset;
mod reference;
mod reply;
mod router;
mod search;
mod server;
mod session;
mod signup;
mod site_openapi;
mod site_session;
mod site_user;
mod user;
mod value;

pub use endpoint::{Block, Endpoint, blocks, endpoints};
pub use input::Element;
pub use openapi::document;
pub use router::router;
pub use server::serve;
pub use value::Kind;

use error::Failure;
use extract::Call;
use reply::{Nothing, Reply};

/// What a handler comes to.
type Answer<T> = Result<Reply<T>, Failure>;
