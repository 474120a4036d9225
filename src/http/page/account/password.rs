//! One's own password.

use minijinja::context;

use crate::domain::{Code, Password};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::ChangePassword;

const TEMPLATE: &str = "account_password.html";

pub(in crate::http) async fn show(_: &mut Visit) -> Outcome {
    Ok(Answer::page(TEMPLATE, context! {}))
}

pub(in crate::http) async fn submit(visit: &mut Visit) -> Outcome {
    let Some(new_password) = visit.form.secret("new_password") else {
        return visit.again(TEMPLATE, context! {}, Code::PasswordTooShort.into());
    };
    let request = ChangePassword {
        old_password: Some(Password::from(visit.form.get("old_password"))),
        new_password,
        user_id: None,
        password_expiry: None,
        must_change: None,
    };
    match visit.sso().change_password(visit.ctx(), visit.actor(), request).await {
        Ok(()) => Ok(Answer::to(visit.target("account?done=password"))),
        Err(error) => visit.again(TEMPLATE, context! {}, error),
    }
}
