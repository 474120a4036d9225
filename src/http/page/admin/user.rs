//! One user, and what super-users and members of groups that may manage users do about them.

use minijinja::{Value, context};

use crate::domain::{Attr, AuditSearch, Code, Edit, Field, Result, UserUpdate, UserView};
use crate::http::page::account::{passkey, session};
use crate::http::page::admin::audit;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::{AttrTarget, SecDefName};

const TEMPLATE: &str = "admin_user.html";

fn attr(attr: &Attr) -> Value {
    context! {
        name => &*attr.name,
        value => attr.value.as_ref().filter(|_| !attr.is_encrypted).map(|value| value.as_json_text().to_owned()),
    }
}

/// Every value that a super-user may see.
fn fields(view: &UserView) -> Vec<(String, String)> {
    let field = |(name, field): (&str, Field<'_>)| {
        let value = match field {
            Field::None => return None,
            Field::Bool(truth) => truth.to_string(),
            Field::Text(text) => text.to_owned(),
            Field::List([]) => return None,
            Field::List(texts) => texts.join(", "),
            Field::Time(time) => time.to_string(),
        };
        Some((name.to_owned(), value))
    };
    view.fields().into_iter().filter_map(field).collect()
}

/// What who may manage users sees, and decides about.
fn managed(view: &UserView) -> Value {
    let user = &view.user;
    context! {
        username => &*user.username,
        display_name => user.display_name.as_deref(),
        email => user.email.as_deref(),
        signed_up => user.sign_up_time.to_string(),
        is_super_user => user.is_super_user,
        is_locked => user.is_locked,
        approval_status => user.approval_status.as_str(),
        has_email => user.email.is_some(),
        has_totp => user.is_totp_enabled,
        fields => fields(view),
        groups => user.groups.clone(),
    }
}

async fn shown(visit: &Visit) -> Result<Value> {
    let (sso, ctx, actor, user_id) = (visit.sso(), visit.ctx(), visit.actor(), visit.last());
    let view = sso.get_user_to_manage(ctx, &actor, user_id).await?;
    let passkeys = sso.list_passkeys(ctx, &actor, Some(user_id)).await?;
    let managed =
        context! { passkeys => passkeys.iter().map(passkey::item).collect::<Vec<_>>(), ..managed(&view) };
    if !view.is_current_super_user {
        return Ok(managed);
    }
    let sessions = sso.list_sessions_of_user(ctx, &actor, user_id).await?;
    let attrs = sso.all_attrs(ctx, &actor, &AttrTarget::User(Some(user_id.to_owned())), false).await?;
    let linked = sso.get_linked_auth_list(ctx, &actor, Some(user_id)).await?;
    let latest = AuditSearch { user_id: Some(user_id.to_owned()), limit: Some(10), ..AuditSearch::default() };
    let latest = sso.search_audit(ctx, &actor, latest).await?;
    let linked = linked.iter().map(|one| {
        context! {
            kind => one.auth_type.as_str(),
            username => &*one.auth_username,
            name => &*one.auth_name,
            is_active => one.is_active,
        }
    });
    let whole = context! {
        is_whole => true,
        sessions => sessions.iter().map(|one| session::item(visit, one)).collect::<Vec<_>>(),
        user_id,
        entries => latest.entries.iter().map(audit::item).collect::<Vec<_>>(),
        linked => linked.collect::<Vec<_>>(),
        attrs => attrs.iter().map(attr).collect::<Vec<_>>(),
    };
    Ok(context! { ..managed, ..whole })
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    match shown(visit).await {
        Ok(shown) => Ok(Answer::page(TEMPLATE, shown)),
        Err(error) => {
            visit.again("message.html", context! { title => "no-user-title", text => "no-user-text" }, error)
        }
    }
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let done = match act(visit).await {
        Ok(Some(done)) => done,
        Ok(None) => return Ok(Answer::to(visit.target(&visit.path))),
        Err(error) => {
            let shown = shown(visit).await.unwrap_or_else(|_| context! {});
            return visit.again(TEMPLATE, shown, error);
        }
    };
    let target = if done == "deleted" { "admin".to_owned() } else { visit.path.clone() };
    Ok(Answer::to(visit.target(&format!("{target}?done={done}"))))
}

/// The security definition that a form names.
fn definition(visit: &Visit) -> SecDefName<'_> {
    SecDefName {
        auth_type: visit.form.get("auth_type"),
        auth_username: visit.form.text("auth_username").unwrap_or_default(),
    }
}

/// Does what a button asks for; what was done, None for a button that there is not.
async fn act(visit: &Visit) -> Result<Option<&'static str>> {
    let (sso, ctx, actor, user_id) = (visit.sso(), visit.ctx(), visit.actor(), visit.last());
    Ok(Some(match visit.form.get("action") {
        "approve" => sso.approve_user(ctx, actor, user_id).await.map(|()| "approved")?,
        "reject" => sso.reject_user(ctx, actor, user_id).await.map(|()| "rejected")?,
        "lock" => sso.lock_user(ctx, actor, user_id).await.map(|()| "locked")?,
        "unlock" => sso.unlock_user(ctx, actor, user_id).await.map(|()| "unlocked")?,
        "end-sessions" => sso.end_all_sessions(ctx, actor, Some(user_id), true).await.map(|_| "session")?,
        "end-session" => {
            let session_id = visit.form.get("session_id");
            sso.end_session(ctx, actor, session_id, None).await.map(|_| "session")?
        }
        "totp-off" => {
            let update = UserUpdate { is_totp_enabled: Edit::Set(false), ..UserUpdate::default() };
            sso.update_user_by_id(ctx, actor, user_id, update).await.map(|()| "two-factor-off")?
        }
        "remove-passkey" => {
            let passkey_id = Some(visit.form.get("passkey_id"));
            sso.delete_passkeys(ctx, actor, Some(user_id), passkey_id).await.map(|_| "passkey-removed")?
        }
        "group-add" => {
            let group = visit.form.text("group").ok_or(Code::GroupNoSuchGroup)?;
            sso.add_group_member(ctx, actor, group, user_id).await.map(|()| "member-added")?
        }
        "group-remove" => {
            let group = visit.form.get("group");
            sso.remove_group_member(ctx, actor, group, user_id).await.map(|()| "member-removed")?
        }
        "link" => {
            let definition = definition(visit);
            let linked = sso.create_linked_auth(ctx, actor, user_id, definition, true).await;
            linked.map(|_| "linked")?
        }
        "unlink" => {
            sso.delete_linked_auth(ctx, actor, user_id, definition(visit)).await.map(|_| "unlinked")?
        }
        "delete" => sso.delete_user_by_id(ctx, actor, user_id).await.map(|()| "deleted")?,
        "reset" => {
            let user_agent = visit.call.user_agent.as_deref();
            sso.send_reset_token(ctx, actor, user_id, user_agent).await.map(|()| "reset")?
        }
        _ => return Ok(None),
    }))
}
