//! Sessions: verifying, renewing and reading them.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Operation, StateChange};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::{Flag, Secret, Text};
use crate::ops::SessionListing;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/user/session", &[Operation::SessionVerify], verify)
            .about("Tells whether a session is valid, for super-users")
            .or_at("/session"),
        Endpoint::new(Method::PATCH, "/user/session", &[Operation::SessionRenew], renew)
            .about("Renews a session")
            .or_at("/session"),
        Endpoint::new(Method::POST, "/user/session/fresh", &[Operation::SessionReauthenticate], reauthenticate)
            .about("Makes a session fresh: its user proves who they are once more")
            .or_at("/session/fresh"),
        Endpoint::new(Method::GET, "/user/session", &[Operation::SessionGet], get)
            .about("Returns a session: one's own, or for super-users anybody's")
            .or_at("/session"),
        Endpoint::new(Method::GET, "/user/session/list", &[Operation::SessionGetList], list)
            .about("Lists the sessions of a user")
            .or_at("/session/list"),
        Endpoint::new(Method::DELETE, "/user/session", &[Operation::SessionEnd], end)
            .about("Ends a session: one of one's own, or for super-users anybody's")
            .or_at("/session"),
        Endpoint::new(Method::DELETE, "/user/session/list", &[Operation::SessionEndAll], end_all)
            .about("Ends the sessions of a user: one's own but for the current one, or for super-users anybody's")
            .or_at("/session/list"),
    ]
}

input! {
    /// One session, as seen by another or by itself.
    Target {
        required { target_ust: Target, current_ust: Acting }
        optional {}
    }
}

input! {
    /// The session that acts.
    Own {
        required { ust: Acting }
        optional {}
    }
}

input! {
    /// Whose sessions: the owner's of the session that acts, or of another.
    List {
        required { ust: Acting }
        optional { target_ust: Token }
    }
}

input! {
    /// The session that acts, and the public id of the one that is to end.
    End {
        required { ust: Acting, session_id: Text }
        optional {}
    }
}

input! {
    /// The session that acts, and whose sessions are to end: the caller's own if nobody is named.
    EndAll {
        required { ust: Acting }
        optional { user_id: Text, except_current: Flag }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Verified {
    is_valid: bool,
}

async fn verify(call: Call, input: Target) -> Answer<Verified> {
    let (actor, target) = (input.current_ust.0, input.target_ust.0);
    let is_valid = call.sso.verify_session(&call.ctx, actor, target.as_ref()).await?;
    Ok(Reply::ok(Verified { is_valid }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Renewed {
    expiration_time: String,
}

async fn renew(call: Call, input: Own) -> Answer<Renewed> {
    let end = call.sso.renew_session(&call.ctx, input.ust.0, call.user_agent.as_deref()).await?;
    Ok(Reply::ok(Renewed { expiration_time: end.to_string() }))
}

input! {
    /// The session that acts, and what its user proves who they are with.
    Proof {
        required { ust: Acting, password: Secret }
        optional { totp_code: Secret }
    }
}

async fn reauthenticate(call: Call, input: Proof) -> Answer<Nothing> {
    let code = Secret::given(input.totp_code);
    call.sso.reauthenticate(&call.ctx, input.ust.0, input.password.0, code).await?;
    Ok(Reply::done())
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionDetails")]
struct Details {
    creation_time: String,
    expiration_time: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    remote_addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

async fn get(call: Call, input: Target) -> Answer<Details> {
    let found =
        call.sso.get_session(&call.ctx, input.current_ust.0, input.target_ust.0.as_ref(), true).await?;
    let session = found.session;
    Ok(Reply::ok(Details {
        creation_time: session.creation_time.to_string(),
        expiration_time: session.expiration_time.to_string(),
        remote_addr: session.remote_addr,
        user_agent: session.user_agent,
    }))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Listed {
    result: Vec<Item>,
}

/// A session in a list. It is named by its public id; who holds the token of one session does not get that of another.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
struct Item {
    session_id: String,
    auth_type: &'static str,
    auth_principal: String,
    #[serde(flatten)]
    details: Details,
    is_current: bool,
    session_state_change_list: Vec<Change>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionStateChange")]
struct Change {
    #[serde(skip_serializing_if = "String::is_empty")]
    remote_addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    timestamp_utc: String,
    ctx_source: &'static str,
    idx: i64,
}

async fn list(call: Call, input: List) -> Answer<Listed> {
    let target = input.target_ust.as_ref().map(|target| &target.0);
    let listing = call.sso.list_sessions(&call.ctx, input.ust.0, target).await?;
    Ok(Reply::ok(Listed { result: listing.into_iter().map(Item::from).collect() }))
}

async fn end(call: Call, input: End) -> Answer<Nothing> {
    call.sso.end_session(&call.ctx, input.ust.0, &input.session_id.0, None).await?;
    Ok(Reply::done())
}

/// How many sessions have ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Ended {
    num_ended: usize,
}

async fn end_all(call: Call, input: EndAll) -> Answer<Ended> {
    let (user_id, except_current) =
        (Text::given(input.user_id), Flag::given(input.except_current).unwrap_or(true));
    let ended = call.sso.end_all_sessions(&call.ctx, input.ust.0, user_id.as_deref(), except_current).await?;
    Ok(Reply::ok(Ended { num_ended: ended.count }))
}

impl From<SessionListing> for Item {
    fn from(SessionListing { session, state_changes, is_current }: SessionListing) -> Self {
        Self {
            session_id: session.session_id.to_string(),
            auth_type: session.auth_type.as_str(),
            auth_principal: session.auth_principal,
            details: Details {
                creation_time: session.creation_time.to_string(),
                expiration_time: session.expiration_time.to_string(),
                remote_addr: session.remote_addr,
                user_agent: session.user_agent,
            },
            is_current,
            session_state_change_list: state_changes.into_iter().map(Change::from).collect(),
        }
    }
}

impl From<StateChange> for Change {
    fn from(change: StateChange) -> Self {
        Self {
            remote_addr: change.remote_addr,
            user_agent: change.user_agent,
            timestamp_utc: change.timestamp_utc.to_string(),
            ctx_source: change.ctx_source.as_str(),
            idx: change.idx,
        }
    }
}
