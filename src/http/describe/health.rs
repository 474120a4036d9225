//! Health: whether the process lives, and whether it can do its work.

use axum::http::Method;

use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::input::NoInput;

/// The endpoints of this block. They stand beside the prefix.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/health/live", &[], live).about("Tells that the process lives"),
        Endpoint::new(Method::GET, "/health/ready", &[], ready)
            .about("Tells whether the database can be reached"),
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
