//! A new password for who has forgotten theirs.

use minijinja::context;

use crate::domain::Code;
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::visit::Visit;

const FORGOT: &str = "forgot.html";
const RESET: &str = "reset.html";

pub(super) async fn show_forgot(_: &mut Visit) -> Outcome {
    Ok(Answer::page(FORGOT, context! { kind => "forgot" }))
}

/// Whether there is such a user shows nowhere.
pub(super) async fn submit_forgot(visit: &mut Visit) -> Outcome {
    let shown = context! { kind => "forgot" };
    let Some(credential) = visit.form.text("username") else {
        return visit.again(FORGOT, shown, Code::CommonMissingInput.into());
    };
    let user_agent = visit.call.user_agent.as_deref();
    match visit.sso().create_reset_token(visit.ctx(), credential, user_agent).await {
        Ok(()) => Ok(Answer::to(visit.target("password/sent"))),
        Err(error) => visit.again(FORGOT, shown, error),
    }
}

pub(super) async fn show_sent(_: &mut Visit) -> Outcome {
    Ok(Answer::page(
        "message.html",
        context! { title => "sent-title", text => "sent-text", onward => "login" },
    ))
}

/// The page of the email's link. The token is behind the #, which a script puts into the field; without, people do.
pub(super) async fn show_reset(visit: &mut Visit) -> Outcome {
    Ok(Answer::page(RESET, context! { token => visit.query.text("token") }))
}

/// The token is exchanged for a key once, which a password that is refused leaves in the page.
pub(super) async fn submit_reset(visit: &mut Visit) -> Outcome {
    let token = visit.token();
    let Some(password) = visit.form.secret("new_password") else {
        let shown = context! { token => token.expose(), reset_key => visit.form.text("reset_key") };
        return visit.again(RESET, shown, Code::PasswordTooShort.into());
    };
    let reset_key = match visit.form.secret("reset_key") {
        Some(reset_key) => reset_key,
        None => {
            let user_agent = visit.call.user_agent.as_deref();
            match visit.sso().access_reset_token(visit.ctx(), &token, user_agent).await {
                Ok(access) => access.reset_key,
                Err(error) => return visit.again(RESET, context! {}, error),
            }
        }
    };
    match visit.sso().reset_password(visit.ctx(), &token, &reset_key, password).await {
        Ok(()) => Ok(Answer::to(visit.target("login?done=password"))),
        Err(error) => {
            let shown = context! { token => token.expose(), reset_key => reset_key.expose() };
            visit.again(RESET, shown, error)
        }
    }
}
