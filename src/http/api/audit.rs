//! The search of the audit trail, for super-users and members of groups that may read it.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::{AuditEntry, AuditSearch, Operation};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::{Number, Text};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/audit", &[Operation::AuditSearch], search).about(
            "Searches the audit, newest first, for super-users and members of groups that may read it",
        ),
    ]
}

input! {
    /// The session that acts, and which entries it looks for.
    Search {
        required { ust: Acting }
        optional {
            time_from: Time, time_before: Time, op: Text, result: Text, user_id: Text, cid: Text, remote_addr: Text,
            after: Text, limit: Number
        }
    }
}

/// An entry. What has no value is left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
struct Shown {
    audit_id: String,
    time: String,
    cid: String,
    op: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_username: Option<String>,
    result: String,
    current_app: String,
    remote_addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<String>,
    extra: Map<String, Value>,
}

impl From<AuditEntry> for Shown {
    fn from(entry: AuditEntry) -> Self {
        Self {
            audit_id: entry.audit_id.to_string(),
            time: entry.time.to_string(),
            cid: entry.cid,
            op: entry.op,
            current_user: entry.current_user,
            current_username: entry.current_username,
            target_user: entry.target_user,
            target_username: entry.target_username,
            result: entry.result,
            current_app: entry.current_app,
            remote_addr: entry.remote_addr,
            how: entry.how,
            extra: serde_json::from_str(&entry.extra).unwrap_or_default(),
        }
    }
}

/// A page. Without `next` it is the last one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Found {
    result: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

async fn search(call: Call, input: Search) -> Answer<Found> {
    let search = AuditSearch {
        time_from: input.time_from.map(|time| time.0),
        time_before: input.time_before.map(|time| time.0),
        op: Text::given(input.op),
        result: Text::given(input.result),
        user_id: Text::given(input.user_id),
        username: None,
        cid: Text::given(input.cid),
        remote_addr: Text::given(input.remote_addr),
        after: Text::given(input.after),
        limit: Number::given(input.limit),
    };
    let page = call.sso.search_audit(&call.ctx, input.ust.0, search).await?;
    let next = page.next.map(|place| place.to_string());
    Ok(Reply::ok(Found { result: page.entries.into_iter().map(Shown::from).collect(), next }))
}
