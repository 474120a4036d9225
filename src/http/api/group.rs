//! Groups of users, for super-users.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Edit, Group, GroupMember, GroupUpdate, Operation};
use crate::http::api::endpoint::Endpoint;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::{Flag, Number, Text};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/group", &[Operation::GroupCreate], create)
            .about("Creates a group, for super-users"),
        Endpoint::new(Method::GET, "/group", &[Operation::GroupGet], get)
            .about("Returns a group, by its id or name, for super-users"),
        Endpoint::new(Method::GET, "/group/list", &[Operation::GroupGetList], list)
            .about("Lists all groups, for super-users"),
        Endpoint::new(Method::PATCH, "/group", &[Operation::GroupUpdate], update)
            .about("Changes a group, for super-users"),
        Endpoint::new(Method::DELETE, "/group", &[Operation::GroupDelete], delete)
            .about("Deletes a group, for super-users"),
        Endpoint::new(Method::POST, "/group/member", &[Operation::GroupAddMember], add_member)
            .about("Makes a user a member of a group, for super-users"),
        Endpoint::new(Method::DELETE, "/group/member", &[Operation::GroupRemoveMember], remove_member)
            .about("Takes a user out of a group, for super-users"),
        Endpoint::new(Method::GET, "/group/member", &[Operation::GroupGetMembers], members)
            .about("Lists the members of a group, for super-users"),
    ]
}

input! {
    /// The session that acts, and a new group.
    New {
        required { ust: Acting, name: Text }
        optional {
            display_name: Text, description: Text, scopes: Names, can_manage_users: Flag, can_read_audit: Flag
        }
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
    /// The session that acts, and a group.
    On {
        required { ust: Acting, group_id: Text }
        optional {}
    }
}

input! {
    /// The session that acts, a group, and what becomes of it.
    Change {
        required { ust: Acting, group_id: Text }
        optional {}
        editable {
            name: Text, display_name: Text, description: Text, scopes: Names, can_manage_users: Flag,
            can_read_audit: Flag
        }
    }
}

input! {
    /// The session that acts, a group, and a user.
    Member {
        required { ust: Acting, group_id: Text, user_id: Text }
        optional {}
    }
}

input! {
    /// The session that acts, a group, and which of its members.
    Members {
        required { ust: Acting, group_id: Text }
        optional { after: Text, limit: Number }
    }
}

/// A group. What has no value is left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Group")]
struct Shown {
    group_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    scopes: Vec<String>,
    can_manage_users: bool,
    can_read_audit: bool,
    num_members: i64,
    creation_time: String,
    last_modified: String,
}

impl From<Group> for Shown {
    fn from(group: Group) -> Self {
        Self {
            group_id: group.group_id.as_str().to_owned(),
            name: group.name,
            display_name: group.display_name,
            description: group.description,
            scopes: group.scopes,
            can_manage_users: group.can_manage_users,
            can_read_audit: group.can_read_audit,
            num_members: group.num_members,
            creation_time: group.creation_time.to_string(),
            last_modified: group.last_modified.to_string(),
        }
    }
}

async fn create(call: Call, input: New) -> Answer<Shown> {
    let new = GroupUpdate {
        name: Edit::Set(input.name.0),
        display_name: Text::given(input.display_name).map_or(Edit::Keep, Edit::Set),
        description: Text::given(input.description).map_or(Edit::Keep, Edit::Set),
        scopes: input.scopes.map_or(Edit::Keep, |scopes| Edit::Set(scopes.0)),
        can_manage_users: Flag::given(input.can_manage_users).map_or(Edit::Keep, Edit::Set),
        can_read_audit: Flag::given(input.can_read_audit).map_or(Edit::Keep, Edit::Set),
    };
    Ok(Reply::ok(call.sso.create_group(&call.ctx, input.ust.0, new).await?.into()))
}

async fn get(call: Call, input: On) -> Answer<Shown> {
    Ok(Reply::ok(call.sso.get_group(&call.ctx, input.ust.0, &input.group_id.0).await?.into()))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Listed {
    result: Vec<Shown>,
}

async fn list(call: Call, input: Own) -> Answer<Listed> {
    let groups = call.sso.list_groups(&call.ctx, input.ust.0).await?;
    Ok(Reply::ok(Listed { result: groups.into_iter().map(Shown::from).collect() }))
}

async fn update(call: Call, input: Change) -> Answer<Shown> {
    let update = GroupUpdate {
        name: input.name.map(|text| text.0),
        display_name: input.display_name.map(|text| text.0),
        description: input.description.map(|text| text.0),
        scopes: input.scopes.map(|names| names.0),
        can_manage_users: input.can_manage_users.map(|flag| flag.0),
        can_read_audit: input.can_read_audit.map(|flag| flag.0),
    };
    Ok(Reply::ok(call.sso.update_group(&call.ctx, input.ust.0, &input.group_id.0, update).await?.into()))
}

async fn delete(call: Call, input: On) -> Answer<Nothing> {
    call.sso.delete_group(&call.ctx, input.ust.0, &input.group_id.0).await?;
    Ok(Reply::done())
}

async fn add_member(call: Call, input: Member) -> Answer<Nothing> {
    call.sso.add_group_member(&call.ctx, input.ust.0, &input.group_id.0, &input.user_id.0).await?;
    Ok(Reply::done())
}

async fn remove_member(call: Call, input: Member) -> Answer<Nothing> {
    call.sso.remove_group_member(&call.ctx, input.ust.0, &input.group_id.0, &input.user_id.0).await?;
    Ok(Reply::done())
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupMember")]
struct ShownMember {
    user_id: String,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    added_time: String,
}

impl From<GroupMember> for ShownMember {
    fn from(member: GroupMember) -> Self {
        Self {
            user_id: member.user_id.as_str().to_owned(),
            username: member.username,
            display_name: member.display_name,
            added_time: member.added_time.to_string(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ListedMembers {
    result: Vec<ShownMember>,
}

async fn members(call: Call, input: Members) -> Answer<ListedMembers> {
    let (after, limit) = (Text::given(input.after), Number::given(input.limit));
    let (actor, group) = (input.ust.0, input.group_id.0);
    let members = call.sso.list_group_members(&call.ctx, actor, &group, after.as_deref(), limit).await?;
    Ok(Reply::ok(ListedMembers { result: members.into_iter().map(ShownMember::from).collect() }))
}
