//! Health: whether the process lives, and whether it can do its work.

use axum::http::Method;

use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::input::NoInput;

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// Whether this is the path of one of them.
pub(in crate::http) fn is_at(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    path == LIVE || path == READY
}

/// Whether who asks is about to send more requests, if the answer is that the process is ready.
pub(in crate::http) fn asks_for_more(path: &str) -> bool {
    path.strip_suffix('/').unwrap_or(path) == READY
}

/// The endpoints of this block. They stand beside the prefix.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, LIVE, &[], live).about("Tells that the process lives"),
        Endpoint::new(Method::GET, READY, &[], ready).about("Tells whether the database can be reached"),
    ]
}

async fn live(_: Call, _: NoInput) -> Answer<Nothing> {
    Ok(Reply::done())
}

/// The process is ready if it reaches the database.
async fn ready(call: Call, _: NoInput) -> Answer<Nothing> {
    call.sso.check_ready().await?;
    Ok(Reply::done())
}
