//! All groups, and a new one.

use minijinja::{Value, context};

use crate::domain::{Edit, Group, GroupUpdate, Result};
use crate::http::page::admin::listing::part;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::form::Fields;
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "admin_groups.html";

/// What a page shows of a group.
pub(super) fn item(group: &Group) -> Value {
    context! {
        group_id => group.group_id.as_str(),
        name => &*group.name,
        display_name => group.display_name.as_deref().unwrap_or_default(),
        description => group.description.as_deref().unwrap_or_default(),
        scopes => group.scopes.join(" "),
        can_manage_users => group.can_manage_users,
        can_read_audit => group.can_read_audit,
        num_members => group.num_members,
    }
}

/// What the fields of a group say. An empty one is as good as none.
pub(super) fn update(form: &Fields) -> GroupUpdate {
    let edit = |name: &str| form.text(name).map_or(Edit::Clear, |value| Edit::Set(value.to_owned()));
    GroupUpdate {
        name: edit("name"),
        display_name: edit("display_name"),
        description: edit("description"),
        scopes: Edit::Set(form.get("scopes").split_whitespace().map(str::to_owned).collect()),
        can_manage_users: Edit::Set(form.is_ticked("can_manage_users")),
        can_read_audit: Edit::Set(form.is_ticked("can_read_audit")),
    }
}

async fn shown(visit: &Visit) -> Result<Value> {
    let groups = visit.sso().list_groups(visit.ctx(), visit.actor()).await?;
    let (groups, list) = part(
        visit,
        groups,
        |group| vec![&*group.name, group.display_name.as_deref().unwrap_or_default()],
        |group| group.creation_time,
    );
    Ok(context! { groups => groups.iter().map(item).collect::<Vec<_>>(), ..list })
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    Ok(Answer::page(TEMPLATE, shown(visit).await?))
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    match visit.sso().create_group(visit.ctx(), visit.actor(), update(&visit.form)).await {
        Ok(group) => {
            let target = format!("admin/group/{}?done=group-created", group.group_id.as_str());
            Ok(Answer::to(visit.target(&target)))
        }
        Err(error) => visit.again(TEMPLATE, shown(visit).await?, error),
    }
}
