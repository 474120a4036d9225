//! What users have allowed applications of the OpenID Provider.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Operation;
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::Text;
use crate::ops::UserGrant;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/user/grant", &[Operation::UserGrantGetList], list).about(
            "Lists the applications that may know of a user, and what: one's own, or for super-users anybody's",
        ),
        Endpoint::new(Method::DELETE, "/user/grant", &[Operation::UserGrantRevoke], revoke)
            .about("Withdraws what a user has allowed an application, and ends its tokens"),
    ]
}

input! {
    /// The session that acts, and whose: the caller's own if nobody is named.
    Whose {
        required { ust: Acting }
        optional { user_id: Text }
    }
}

input! {
    /// The session that acts, the application, and whose: the caller's own if nobody is named.
    Which {
        required { ust: Acting, client_id: Text }
        optional { user_id: Text }
    }
}

/// What a user has allowed an application. What has no value is left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UserGrant")]
struct Shown {
    client_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    scopes: Vec<String>,
    creation_time: String,
    last_modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in: Option<String>,
}

impl From<UserGrant> for Shown {
    fn from(grant: UserGrant) -> Self {
        Self {
            client_id: grant.client_id.as_str().to_owned(),
            name: grant.name,
            logo_uri: grant.logo_uri,
            scopes: grant.scopes,
            creation_time: grant.creation_time.to_string(),
            last_modified: grant.last_modified.to_string(),
            last_sign_in: grant.last_sign_in.map(|time| time.to_string()),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Listed {
    result: Vec<Shown>,
}

async fn list(call: Call, input: Whose) -> Answer<Listed> {
    let user_id = Text::given(input.user_id);
    let grants = call.sso.list_user_grants(&call.ctx, input.ust.0, user_id.as_deref()).await?;
    Ok(Reply::ok(Listed { result: grants.into_iter().map(Shown::from).collect() }))
}

async fn revoke(call: Call, input: Which) -> Answer<Nothing> {
    let user_id = Text::given(input.user_id);
    let client_id = input.client_id.0;
    call.sso.revoke_user_grant(&call.ctx, input.ust.0, &client_id, user_id.as_deref()).await?;
    Ok(Reply::done())
}
