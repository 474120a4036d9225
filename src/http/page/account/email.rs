//! One's own email address: another one counts when it is confirmed.

use minijinja::{Value, context};

use crate::domain::{Code, Edit, UserUpdate};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const TEMPLATE: &str = "account_email.html";

fn email(visit: &Visit) -> Option<String> {
    visit.user.as_ref().and_then(|view| view.user.email.clone())
}

fn shown(visit: &Visit) -> Value {
    context! { email => email(visit) }
}

pub(in crate::http) async fn show(visit: &mut Visit) -> Outcome {
    if let Some(answer) = visit.to_own_login().await? {
        return Ok(answer);
    }
    Ok(Answer::page(TEMPLATE, shown(visit)))
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let Some(wanted) = visit.form.text("email").map(str::to_owned) else {
        return visit.again(TEMPLATE, shown(visit), Code::EmailMissing.into());
    };
    let update = UserUpdate { email: Edit::Set(wanted), ..UserUpdate::default() };
    let former = email(visit);
    if let Err(error) = visit.sso().update_current_user(visit.ctx(), visit.actor(), update).await {
        return visit.again(TEMPLATE, shown(visit), error);
    }
    let now = visit.sso().get_current_user(visit.ctx(), visit.ust(), false).await?;
    let done = if now.user.email == former { "email-sent" } else { "email" };
    Ok(Answer::to(visit.target(&format!("account?done={done}"))))
}
