//! `create-group`, `list-groups`, `add-to-group`, `remove-from-group` and `delete-group`.

use std::io;

use serde_json::{Value, json};

use crate::cli::args::{DeleteGroupArgs, GroupMembersArgs, NewGroupArgs};
use crate::cli::command::user::{self, is_agreed};
use crate::cli::output::failure::Failure;
use crate::cli::output::print::{JsonArray, Output, Stream};
use crate::cli::output::table::Table;
use crate::cli::setup::open as setup;
use crate::config::Config;
use crate::domain::{Edit, Group, GroupUpdate, one_line};
use crate::ops::{Actor, Sso};

/// The column titles of `list-groups`.
const TITLES: [&str; 6] = ["NAME", "GROUP ID", "DISPLAY NAME", "MEMBERS", "RIGHTS", "SCOPES"];

/// Makes a group.
pub(in crate::cli) async fn create(config: Config, args: NewGroupArgs, out: &Output) -> Result<(), Failure> {
    let group = setup::with_existing(config, async |sso| insert(sso, args).await).await?;
    out.result(&format!("Created group `{}`", group.name), &object(&group))
}

async fn insert(sso: &Sso, args: NewGroupArgs) -> Result<Group, Failure> {
    let new = GroupUpdate {
        name: Edit::Set(args.name),
        display_name: args.display_name.map_or(Edit::Keep, Edit::Set),
        description: args.description.map_or(Edit::Keep, Edit::Set),
        scopes: Edit::Set(args.scope),
        can_manage_users: Edit::Set(args.can_manage_users),
        can_read_audit: Edit::Set(args.can_read_audit),
    };
    Ok(sso.create_group(&setup::context(sso)?, Actor::Trusted(None), new).await?)
}

/// Lists all groups.
pub(in crate::cli) async fn list(config: Config, out: &Output) -> Result<(), Failure> {
    let groups = setup::with_existing(config, async |sso| all(sso).await).await?;
    let mut stream = Stream::new();
    if out.is_json() {
        let mut array = JsonArray::begin(stream)?;
        for group in &groups {
            array.push(&object(group))?;
        }
        return array.end();
    }
    let rows: Vec<_> = std::iter::once(TITLES.map(str::to_owned)).chain(groups.iter().map(row)).collect();
    let table = Table::fitting(&rows);
    for row in &rows {
        stream.line(&table.line(row))?;
    }
    stream.finish()
}

async fn all(sso: &Sso) -> Result<Vec<Group>, Failure> {
    Ok(sso.list_groups(&setup::context(sso)?, Actor::Trusted(None)).await?)
}

/// Makes users members of a group, or takes them out of it.
pub(in crate::cli) async fn change_members(
    config: Config,
    args: GroupMembersArgs,
    is_added: bool,
    out: &Output,
) -> Result<(), Failure> {
    let names = setup::with_existing(config, async |sso| change(sso, &args, is_added).await).await?;
    let (done, to) = if is_added { ("Added", "to") } else { ("Removed", "from") };
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let text = format!("{done} {} {to} group `{}`", quoted.join(", "), one_line(&args.group));
    out.result(&text, &json!({"group": args.group, "usernames": names}))
}

async fn change(sso: &Sso, args: &GroupMembersArgs, is_added: bool) -> Result<Vec<String>, Failure> {
    let mut users = Vec::with_capacity(args.usernames.len());
    for username in &args.usernames {
        users.push(user::find(sso, username).await?);
    }
    let ctx = setup::context(sso)?;
    for user in &users {
        let (by, user_id) = (Actor::Trusted(None), user.user_id.as_str());
        if is_added {
            sso.add_group_member(&ctx, by, &args.group, user_id).await?;
        } else {
            sso.remove_group_member(&ctx, by, &args.group, user_id).await?;
        }
    }
    Ok(users.into_iter().map(|user| user.username).collect())
}

/// Deletes a group, after asking.
pub(in crate::cli) async fn delete(
    config: Config,
    args: DeleteGroupArgs,
    out: &Output,
) -> Result<(), Failure> {
    let (group, is_deleted) = setup::with_existing(config, async |sso| remove(sso, &args).await).await?;
    let text = if is_deleted { "Deleted group `" } else { "Group `" };
    let end = if is_deleted { "`" } else { "` kept intact" };
    let object = json!({"group_id": group.group_id.as_str(), "name": group.name, "is_deleted": is_deleted});
    out.result(&format!("{text}{}{end}", group.name), &object)
}

async fn remove(sso: &Sso, args: &DeleteGroupArgs) -> Result<(Group, bool), Failure> {
    let ctx = setup::context(sso)?;
    let group = sso.get_group(&ctx, Actor::Trusted(None), &args.group).await?;
    let question = format!("Delete group? `{}` [y/n]", one_line(&group.name));
    if !args.yes && !is_agreed(&question, io::stderr().lock(), io::stdin().lock())? {
        return Ok((group, false));
    }
    sso.delete_group(&ctx, Actor::Trusted(None), group.group_id.as_str()).await?;
    Ok((group, true))
}

fn object(group: &Group) -> Value {
    json!({
        "group_id": group.group_id.as_str(),
        "name": group.name,
        "display_name": group.display_name,
        "description": group.description,
        "scopes": group.scopes,
        "can_manage_users": group.can_manage_users,
        "can_read_audit": group.can_read_audit,
        "num_members": group.num_members,
        "creation_time": group.creation_time.to_string(),
        "last_modified": group.last_modified.to_string(),
    })
}

fn row(group: &Group) -> [String; 6] {
    let rights = [(group.can_manage_users, "can_manage_users"), (group.can_read_audit, "can_read_audit")];
    let rights: Vec<&str> = rights.into_iter().filter(|(has, _)| *has).map(|(_, right)| right).collect();
    [
        group.name.clone(),
        group.group_id.as_str().to_owned(),
        group.display_name.clone().unwrap_or_default(),
        group.num_members.to_string(),
        rights.join(" "),
        group.scopes.join(" "),
    ]
}
