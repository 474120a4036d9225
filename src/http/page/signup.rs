//! Signing up, and confirming it.

use minijinja::{Value, context};

use crate::domain::{Code, Error, Password, SignUpNames};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;
use crate::ops::SignUpRequest;

const TEMPLATE: &str = "signup.html";
const CONFIRM: &str = "confirm.html";

fn is_possible(visit: &Visit) -> bool {
    let apps = &visit.sso().config().apps;
    apps.signup_allowed.contains(&apps.default)
}

fn shown(visit: &Visit) -> Value {
    let config = visit.sso().config();
    context! { needs_email => config.signup.is_email_required, min_length => config.password.min_length }
}

pub(super) async fn show(visit: &mut Visit) -> Outcome {
    if !is_possible(visit) {
        let shown =
            context! { title => "signup-closed-title", text => "signup-closed-text", onward => "login" };
        return Ok(Answer::page("message.html", shown));
    }
    Ok(Answer::page(TEMPLATE, shown(visit)))
}

pub(super) async fn submit(visit: &mut Visit) -> Outcome {
    let text = |name: &str| visit.form.text(name).map(str::to_owned);
    let request = SignUpRequest {
        username: text("username").unwrap_or_default(),
        email: text("email"),
        names: SignUpNames { display_name: text("display_name"), ..SignUpNames::default() },
        password: Password::from(visit.form.get("password")),
        app_list: None,
    };
    match visit.sso().sign_up(visit.ctx(), request).await {
        Ok(None) => Ok(Answer::to(visit.target("signup/done"))),
        // No email can be sent: whoever signs up confirms here.
        Ok(Some(token)) => Ok(Answer::page(CONFIRM, context! { kind => "signup", token => token.expose() })),
        Err(error) => visit.again(TEMPLATE, shown(visit), error),
    }
}

/// What comes next, of which nobody learns whether there is an account.
pub(super) async fn show_done(_: &mut Visit) -> Outcome {
    Ok(Answer::page(
        "message.html",
        context! { title => "signup-done-title", text => "signup-done-text", onward => "login" },
    ))
}

/// The page of the email's link. The token is behind the #, which a script puts into the field; without, people do.
pub(super) async fn show_confirm(visit: &mut Visit) -> Outcome {
    Ok(Answer::page(CONFIRM, context! { kind => "signup", token => visit.query.text("token") }))
}

pub(super) async fn submit_confirm(visit: &mut Visit) -> Outcome {
    let confirmed = visit.sso().confirm_sign_up(visit.ctx(), &visit.token()).await;
    match confirmed {
        // Who follows the link twice has done what was asked for.
        Ok(()) | Err(Error::Refused { code: Code::AuthSignUpConfirmed, .. }) => {
            let done = if visit.sso().config().signup.is_approval_needed { "approval" } else { "signup" };
            Ok(Answer::to(visit.target(&format!("login?done={done}"))))
        }
        Err(error) => visit.again(CONFIRM, context! { kind => "signup" }, error),
    }
}

/// Has the email sent once more.
pub(super) async fn show_resend(_: &mut Visit) -> Outcome {
    Ok(Answer::page("forgot.html", context! { kind => "resend" }))
}

pub(super) async fn submit_resend(visit: &mut Visit) -> Outcome {
    let credential = visit.form.text("username").unwrap_or_default();
    match visit.sso().resend_confirmation(visit.ctx(), credential).await {
        Ok(()) => Ok(Answer::to(visit.target("signup/done"))),
        Err(error) => visit.again("forgot.html", context! { kind => "resend" }, error),
    }
}

/// The page of the link in an email to a new address.
pub(super) async fn show_email(visit: &mut Visit) -> Outcome {
    Ok(Answer::page(CONFIRM, context! { kind => "email", token => visit.query.text("token") }))
}

pub(super) async fn submit_email(visit: &mut Visit) -> Outcome {
    match visit.sso().confirm_email(visit.ctx(), &visit.token()).await {
        Ok(()) => Ok(Answer::to(visit.target("account?done=email"))),
        Err(error) => visit.again(CONFIRM, context! { kind => "email" }, error),
    }
}
