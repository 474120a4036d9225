//! Links of security definitions to users.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{LinkedAuth, Operation};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::{Flag, Text};
use crate::ops::SecDefName;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    let path = "/user/linked";
    vec![
        Endpoint::new(Method::POST, path, &[Operation::UserCreateLinkedAuth], create)
            .about("Lets a Basic Auth or JWT definition act as a user, for super-users"),
        Endpoint::new(Method::GET, path, &[Operation::UserGetLinkedAuthList], list)
            .about("Lists the definitions that act as oneself, or for super-users as anybody"),
        Endpoint::new(Method::DELETE, path, &[Operation::UserDeleteLinkedAuth], delete)
            .about("Ends that a definition acts as a user, and its sessions, for super-users"),
    ]
}

input! {
    /// The session that acts, a user and a definition.
    New {
        required { ust: Acting, user_id: Text, auth_type: Text, auth_username: Text }
        optional { is_active: Flag }
    }
}

input! {
    /// The session that acts, a user and a definition.
    Link {
        required { ust: Acting, user_id: Text, auth_type: Text, auth_username: Text }
        optional {}
    }
}

input! {
    /// The session that acts, and whose links it wants to see.
    List {
        required { ust: Acting }
        optional { user_id: Text }
    }
}

async fn create(call: Call, input: New) -> Answer<Nothing> {
    let definition = SecDefName { auth_type: &input.auth_type.0, auth_username: &input.auth_username.0 };
    let is_active = Flag::given(input.is_active).unwrap_or(true);
    call.sso.create_linked_auth(&call.ctx, input.ust.0, &input.user_id.0, definition, is_active).await?;
    Ok(Reply::done())
}

async fn delete(call: Call, input: Link) -> Answer<Nothing> {
    let definition = SecDefName { auth_type: &input.auth_type.0, auth_username: &input.auth_username.0 };
    call.sso.delete_linked_auth(&call.ctx, input.ust.0, &input.user_id.0, definition).await?;
    Ok(Reply::done())
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Listed {
    result: Vec<Item>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Link")]
struct Item {
    auth_type: &'static str,
    auth_username: String,
    creation_time: String,
    is_active: bool,
}

async fn list(call: Call, input: List) -> Answer<Listed> {
    let user_id = Text::given(input.user_id);
    let links = call.sso.get_linked_auth_list(&call.ctx, input.ust.0, user_id.as_deref()).await?;
    Ok(Reply::ok(Listed { result: links.into_iter().map(Item::from).collect() }))
}

impl From<LinkedAuth> for Item {
    fn from(link: LinkedAuth) -> Self {
        Self {
            auth_type: link.auth_type.as_str(),
            auth_username: link.auth_username,
            creation_time: link.creation_time.to_string(),
            is_active: link.is_active,
        }
    }
}
