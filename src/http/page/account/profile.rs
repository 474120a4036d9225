//! One's own names.

use minijinja::{Value, context};

use crate::domain::{Edit, UserUpdate};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "account.html";

fn shown(visit: &Visit) -> Value {
    let Some(view) = &visit.user else { return context! {} };
    let user = &view.user;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let profile = context! {
        display_name => text(&user.display_name),
        first_name => text(&user.first_name),
        middle_name => text(&user.middle_name),
        last_name => text(&user.last_name),
    };
    let may_delete = visit.sso().config().pages.allow_account_deletion;
    context! { profile, email => text(&user.email), has_totp => user.is_totp_enabled, may_delete }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    Ok(Answer::page(TEMPLATE, shown(visit)))
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let edit = |name: &str| visit.form.text(name).map_or(Edit::Clear, |value| Edit::Set(value.to_owned()));
    let update = UserUpdate {
        display_name: edit("display_name"),
        first_name: edit("first_name"),
        middle_name: edit("middle_name"),
        last_name: edit("last_name"),
        ..UserUpdate::default()
    };
    match visit.sso().update_current_user(visit.ctx(), visit.actor(), update).await {
        Ok(()) => Ok(Answer::to(visit.target("account?done=profile"))),
        Err(error) => visit.again(TEMPLATE, shown(visit), error),
    }
}
