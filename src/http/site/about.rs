//! A site, as it sees itself. Clients ask for it to find out whether their keys are right, and what they may use.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::site::endpoint::{Answer, SiteEndpoint};
use crate::http::site::reply::Done;
use crate::http::site::request::{NoInput, SiteCall};
use crate::http::site::value::Date;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    vec![SiteEndpoint::new(Method::GET, "/site", StatusCode::OK, "Reads the site itself", get)]
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct One {
    site: Site,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Site")]
struct Site {
    name: String,
    subdomain: String,
    date_creation: Date,
    subscription_plan: Plan,
}

/// What a site may use: there is nothing to subscribe to.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Plan {
    features: Features,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Features {
    has_single_signon: bool,
}

async fn get(request: SiteCall, _: NoInput) -> Answer<One> {
    let call = &request.call;
    let site = call.sso.get_site(&call.ctx, &request.site).await?;
    let site = Site {
        name: site.subdomain.clone(),
        subdomain: site.subdomain.clone(),
        date_creation: Date(site.creation_time),
        subscription_plan: Plan { features: Features { has_single_signon: true } },
    };
    Ok(Done::with(One { site }))
}
