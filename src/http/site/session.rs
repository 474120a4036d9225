//! The sessions of sites.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{Direction, Password, SiteSession};
use crate::http::site::endpoint::{Answer, SiteEndpoint};
use crate::http::site::reply::{Done, List, Nothing};
use crate::http::site::request::{Body, Confirmation, NoInput, Paging, Query, SiteCall, Subject};
use crate::http::site::value::{Date, Seconds, SecretToken, Text, Token};
use crate::ops::NewSiteSession;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let (all, one, of_identity) =
        ("/sso/sessions", "/sso/sessions/{token}", "/sso/sessions/identities/{token}");
    let ok = StatusCode::OK;
    vec![
        SiteEndpoint::new(Method::GET, all, ok, "Lists the open sessions of the site", list),
        SiteEndpoint::new(Method::GET, one, ok, "Reads a session of the site", get),
        SiteEndpoint::new(Method::DELETE, one, ok, "Ends a session of the site", delete),
        SiteEndpoint::new(
            Method::PUT,
            of_identity,
            StatusCode::CREATED,
            "Starts a session for an identity, and ends the one that the site has for it",
            start,
        ),
        SiteEndpoint::new(Method::GET, of_identity, ok, "Reads the session of an identity", get_of_identity),
        SiteEndpoint::new(
            Method::DELETE,
            of_identity,
            ok,
            "Ends the session of an identity",
            delete_of_identity,
        ),
    ]
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Sessions {
    sso_sessions: List<Entry>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct One {
    sso_session: Session,
}

/// A session alone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteSession")]
struct Session {
    #[serde(flatten)]
    entry: Entry,
    num_cookies_set: i64,
}

/// A session in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteSessionEntry")]
struct Entry {
    sso_session_token: SecretToken,
    #[serde(flatten)]
    facts: Facts,
}

/// What there is to know of a session beside its token.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Facts {
    user_token: Token,
    identity_token: Token,
    top_realm: Option<String>,
    sub_realm: Option<String>,
    /// Any JSON.
    #[schemars(with = "Option<Value>")]
    data: Option<Box<RawValue>>,
    date_update: Date,
    date_creation: Date,
    date_expiration: Date,
}

/// A session, for any site that has recognised its user by it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteRecognisedSession")]
pub(in crate::http) struct RecognisedSession {
    /// Only for the site that has started the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sso_session_token: Option<SecretToken>,
    #[serde(flatten)]
    facts: Facts,
    num_cookies_set: i64,
}

impl From<SiteSession> for Facts {
    fn from(session: SiteSession) -> Self {
        Self {
            user_token: Token(session.user_token),
            identity_token: Token(session.identity_token),
            top_realm: session.top_realm,
            sub_realm: session.sub_realm,
            data: session.data.and_then(|data| RawValue::from_string(data.as_json_text().to_owned()).ok()),
            date_update: Date(session.update_time),
            date_creation: Date(session.creation_time),
            date_expiration: Date(session.expiration_time),
        }
    }
}

impl From<SiteSession> for Entry {
    fn from(session: SiteSession) -> Self {
        let sso_session_token = SecretToken(session.sso_session_token.clone());
        Self { sso_session_token, facts: session.into() }
    }
}

impl From<SiteSession> for One {
    fn from(session: SiteSession) -> Self {
        let num_cookies_set = session.num_cookies_set;
        Self { sso_session: Session { entry: session.into(), num_cookies_set } }
    }
}

impl RecognisedSession {
    /// The session as a site sees it that has started it, or not.
    pub fn new(session: SiteSession, is_own: bool) -> Self {
        let sso_session_token = is_own.then(|| SecretToken(session.sso_session_token.clone()));
        let num_cookies_set = session.num_cookies_set;
        Self { sso_session_token, facts: session.into(), num_cookies_set }
    }
}

async fn list(request: SiteCall, Query(paging): Query<Paging>) -> Answer<Sessions> {
    let wanted = paging.or_in_order(Direction::Descending);
    let call = &request.call;
    let page = call.sso.list_site_sessions(&call.ctx, &request.site, wanted).await?;
    Ok(Done::with(Sessions { sso_sessions: List::of(wanted, "date_creation", page, Entry::from) }))
}

async fn get(request: SiteCall, _: NoInput) -> Answer<One> {
    let (call, token) = (&request.call, Password::from(request.token));
    let session = call.sso.get_site_session(&call.ctx, &request.site, &token).await?;
    Ok(Done::with(session.into()))
}

async fn delete(request: SiteCall, Query(confirmation): Query<Confirmation>) -> Answer<Nothing> {
    confirmation.check()?;
    let (call, token) = (&request.call, Password::from(request.token));
    call.sso.end_site_session(&call.ctx, &request.site, &token).await?;
    Ok(REMOVED)
}

/// A session that is to be started.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct NewSession {
    #[schemars(length(max = 256))]
    top_realm: Option<Text>,
    #[schemars(length(max = 256))]
    sub_realm: Option<Text>,
    lifetime: Option<Seconds>,
    /// Any JSON.
    data: Option<Value>,
}

impl Subject for NewSession {
    const NAME: &'static str = "sso_session";
}

async fn start(request: SiteCall, Body(given): Body<NewSession>) -> Answer<One> {
    let call = &request.call;
    let new = NewSiteSession {
        top_realm: given.top_realm.map(|text| text.0),
        sub_realm: given.sub_realm.map(|text| text.0),
        lifetime: given.lifetime.map(|seconds| seconds.0),
        data: given.data,
        user_agent: call.user_agent.clone(),
    };
    let session = call.sso.start_site_session(&call.ctx, &request.site, &request.token, new).await?;
    Ok(Done::saying("The SSO session has been created successfully", session.into()))
}

async fn get_of_identity(request: SiteCall, _: NoInput) -> Answer<One> {
    let call = &request.call;
    let session = call.sso.get_site_session_of_identity(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::with(session.into()))
}

async fn delete_of_identity(request: SiteCall, Query(confirmation): Query<Confirmation>) -> Answer<Nothing> {
    confirmation.check()?;
    let call = &request.call;
    call.sso.end_site_session_of_identity(&call.ctx, &request.site, &request.token).await?;
    Ok(REMOVED)
}

const REMOVED: Done<Nothing> = Done::saying("The SSO session has been removed successfully", Nothing);
