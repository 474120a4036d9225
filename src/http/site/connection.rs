//! What a site's server finds out with the code that a browser has brought.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Password;
use crate::http::site::endpoint::{Answer, SiteEndpoint};
use crate::http::site::reply::Done;
use crate::http::site::request::{NoInput, SiteCall};
use crate::http::site::session::RecognisedSession;
use crate::http::site::user::Identity;
use crate::http::site::value::{Date, SecretToken, Token};

/// What sites call what they are told by: that of single sign-on.
pub(in crate::http) const PLUGIN: &str = "single_sign_on";

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let (path, about) = ("/connections/{token}", "Tells, once, who was recognised");
    vec![SiteEndpoint::new(Method::GET, path, StatusCode::OK, about, redeem)]
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Recognised {
    connection: Connection,
    user: RecognisedUser,
    sso_session: RecognisedSession,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteConnection")]
struct Connection {
    connection_token: SecretToken,
    date: Date,
    #[schemars(extend("enum" = [PLUGIN]))]
    plugin: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteRecognisedUser")]
struct RecognisedUser {
    user_token: Token,
    identity: Identity,
}

async fn redeem(request: SiteCall, _: NoInput) -> Answer<Recognised> {
    let (call, connection_token) = (&request.call, Password::from(request.token));
    let found = call.sso.redeem_connection(&call.ctx, &request.site, &connection_token).await?;
    let data = Recognised {
        connection: Connection {
            connection_token: SecretToken(connection_token),
            date: Date(found.time),
            plugin: PLUGIN,
        },
        user: RecognisedUser { user_token: Token(found.session.user_token), identity: found.identity.into() },
        sso_session: RecognisedSession::new(found.session, found.is_own_session),
    };
    Ok(Done { info: "The user has been recognised successfully", data })
}
