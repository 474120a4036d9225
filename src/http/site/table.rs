//! The table of the sessions API.

use crate::http::site::endpoint::SiteEndpoint;
use crate::http::site::{connection, session, user};

/// Every endpoint, in the order of the documentation.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    [session::endpoints(), user::endpoints(), connection::endpoints()].into_iter().flatten().collect()
}
