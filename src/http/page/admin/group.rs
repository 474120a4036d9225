//! One group: what it is, and who is in it.

use minijinja::{Value, context};

use crate::domain::{Code, Error, GroupMember, Result, UserSearch};
use crate::http::page::admin::groups::{item, update};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "admin_group.html";

/// How many members a page shows.
const MEMBERS: i64 = 100;

fn member(member: &GroupMember) -> Value {
    context! {
        user_id => member.user_id.as_str(),
        username => &*member.username,
        display_name => member.display_name.as_deref(),
    }
}

async fn shown(visit: &Visit) -> Result<Value> {
    let (sso, ctx, actor, group_id) = (visit.sso(), visit.ctx(), visit.actor(), visit.last());
    let group = sso.get_group(ctx, &actor, group_id).await?;
    let after = visit.query.text("after");
    let mut members = sso.list_group_members(ctx, &actor, group_id, after, Some(MEMBERS + 1)).await?;
    let has_more = members.len() > MEMBERS.unsigned_abs().try_into().unwrap_or(usize::MAX);
    if has_more {
        members.pop();
    }
    let last = members.last().map(|last| last.user_id.as_str().to_owned());
    Ok(context! {
        group => item(&group),
        next_after => last.filter(|_| has_more),
        members => members.iter().map(member).collect::<Vec<_>>(),
    })
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    match shown(visit).await {
        Ok(shown) => Ok(Answer::page(TEMPLATE, shown)),
        Err(error) => {
            let said = context! { title => "no-group-title", text => "no-group-text" };
            visit.again("message.html", said, error)
        }
    }
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let target = match act(visit).await {
        Ok(Some("group-deleted")) => "admin/groups?done=group-deleted".to_owned(),
        Ok(Some(done)) => format!("{}?done={done}", visit.path),
        Ok(None) => visit.path.clone(),
        Err(error) => {
            let shown = shown(visit).await.unwrap_or_else(|_| context! {});
            return visit.again(TEMPLATE, shown, error);
        }
    };
    Ok(Answer::to(visit.target(&target)))
}

/// Does what a button asks for; what was done, None for a button that there is not.
async fn act(visit: &Visit) -> Result<Option<&'static str>> {
    let (sso, ctx, actor, group_id) = (visit.sso(), visit.ctx(), visit.actor(), visit.last());
    Ok(Some(match visit.form.get("action") {
        "save" => sso.update_group(ctx, actor, group_id, update(&visit.form)).await.map(|_| "group-saved")?,
        "add" => {
            let user_id = user_id(visit).await?;
            sso.add_group_member(ctx, actor, group_id, &user_id).await.map(|()| "member-added")?
        }
        "remove" => {
            let user_id = visit.form.get("user_id");
            sso.remove_group_member(ctx, actor, group_id, user_id).await.map(|()| "member-removed")?
        }
        "delete" => sso.delete_group(ctx, actor, group_id).await.map(|_| "group-deleted")?,
        _ => return Ok(None),
    }))
}

/// Who has the name that was typed.
async fn user_id(visit: &Visit) -> Result<String> {
    let missing = || Error::refused(Code::CommonMissingInput, "username: whose?");
    let username = visit.form.text("username").ok_or_else(missing)?.to_owned();
    let search = UserSearch { username: Some(username), ..UserSearch::default() };
    let found = visit.sso().search_users(visit.ctx(), visit.actor(), search).await?;
    let found = found.result.first().map(|view| view.user.user_id.as_str().to_owned());
    found.ok_or_else(|| Error::refused(Code::UserIdInvalid, "username: nobody has it"))
}
