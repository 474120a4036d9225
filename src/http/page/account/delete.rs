//! The end of one's own account, where configuration allows it.

use minijinja::context;

use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::cookie::Name;
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "account_delete.html";

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    if !visit.sso().config().pages.allow_account_deletion {
        return Ok(Answer::to(visit.target("account")));
    }
    if let Some(answer) = visit.to_own_login().await? {
        return Ok(answer);
    }
    Ok(Answer::page(TEMPLATE, context! {}))
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let username = visit.form.get("username");
    match visit.sso().delete_current_user(visit.ctx(), visit.actor(), username).await {
        Ok(()) => {
            let answer = Answer::to(visit.target("login?done=account-deleted"));
            Ok(answer.and(visit.jar.clear(Name::Session)))
        }
        Err(error) => visit.again(TEMPLATE, context! {}, error),
    }
}
