//! What a site's server finds out with the codes that browsers bring.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Direction, Password};
use crate::http::site::endpoint::{Answer, SiteEndpoint};
use crate::http::site::identity::Identity;
use crate::http::site::reply::{Done, List};
use crate::http::site::request::{NoInput, Paging, Query, SiteCall};
use crate::http::site::session::RecognisedSession;
use crate::http::site::value::{Date, SecretToken, Token};
use crate::ops::WaitingConnection;

/// What sites call what they are told by: that of single sign-on.
pub(in crate::http) const PLUGIN: &str = "single_sign_on";

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let (all, one) = ("/connections", "/connections/{token}");
    let ok = StatusCode::OK;
    vec![
        SiteEndpoint::new(Method::GET, all, ok, "Lists who was recognised and not told of yet", list),
        SiteEndpoint::new(Method::GET, one, ok, "Tells, once, who was recognised", redeem),
    ]
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Connections {
    connections: List<Entry>,
}

/// A connection in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteConnectionEntry")]
struct Entry {
    connection_token: SecretToken,
    user_token: Token,
    #[schemars(extend("enum" = [PLUGIN]))]
    plugin: &'static str,
    date_creation: Date,
}

impl From<WaitingConnection> for Entry {
    fn from(connection: WaitingConnection) -> Self {
        Self {
            connection_token: SecretToken(connection.connection_token),
            user_token: Token(connection.user_token),
            plugin: PLUGIN,
            date_creation: Date(connection.time),
        }
    }
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

async fn list(request: SiteCall, Query(paging): Query<Paging>) -> Answer<Connections> {
    let wanted = paging.or_in_order(Direction::Descending);
    let call = &request.call;
    let page = call.sso.list_connections(&call.ctx, &request.site, wanted).await?;
    Ok(Done::with(Connections { connections: List::of(wanted, "date_creation", page, Entry::from) }))
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
    Ok(Done::saying("The user has been recognised successfully", data))
}
