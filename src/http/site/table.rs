//! The table of the sessions API.

use crate::http::site::endpoint::SiteEndpoint;
use crate::http::site::{about, connection, identity, session, user};

/// Every endpoint, in the order of the documentation.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let blocks = [
        session::endpoints(),
        user::endpoints(),
        identity::endpoints(),
        connection::endpoints(),
        about::endpoints(),
    ];
    blocks.into_iter().flatten().collect()
}
