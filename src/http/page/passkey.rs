//! Signing in with a passkey: the script of the page asks for what the browser is to be asked, and sends what it answers.

use minijinja::context;

use crate::domain::{Code, Error, Password};
use crate::http::failure::Failure;
use crate::http::page::answer::{Answer, Kind, Outcome};
use crate::http::page::login::{self, Begun};
use crate::http::page::visit::Visit;
use crate::ops::{LoginRequest, PasskeyLogin};

/// What a browser is to be asked, for the first step.
pub(super) async fn options(visit: &mut Visit) -> Outcome {
    let options = visit.sso().begin_passkey_login(visit.ctx(), None).await?;
    Ok(Answer::of(Kind::Json(options.to_string())))
}

/// Signs in who has answered.
pub(super) async fn submit(visit: &mut Visit) -> Outcome {
    let is_still_kept = visit.form.is_ticked("again") && visit.jar.is_kept();
    let is_kept = visit.form.is_ticked("keep") || is_still_kept;
    let hours = visit.sso().config().pages.keep_signed_in_for;
    let request = PasskeyLogin {
        response: visit.form.get("response").to_owned(),
        user_agent: visit.call.user_agent.clone(),
        keep_for: is_kept.then(|| hours.saturating_mul(60)),
        ..PasskeyLogin::default()
    };
    match visit.sso().log_in_by_passkey(visit.ctx(), request).await {
        Ok((step, username)) => {
            let begun = Begun { is_kept, username, ticket: Password::from("") };
            Ok(login::go_on(visit, begun, step).await)
        }
        Err(error) => {
            let shown = context! { again => login::again(visit.form.get("again")), ..login::shown(visit) };
            visit.again("login.html", shown, of_passkey(error))
        }
    }
}

/// What a browser is to be asked, for the second step.
pub(super) async fn second_options(visit: &mut Visit) -> Outcome {
    let Some(begun) = Begun::of_form(visit) else { return Err(Failure::NotFound) };
    let options = visit.sso().begin_passkey_step(visit.ctx(), &begun.username, &begun.ticket).await?;
    let options = options.ok_or(Failure::NotFound)?;
    Ok(Answer::of(Kind::Json(options.to_string())))
}

/// Takes the passkey of the second step.
pub(super) async fn submit_second(visit: &mut Visit) -> Outcome {
    let Some(begun) = Begun::of_form(visit) else { return Ok(login::begin_again(visit)) };
    let passkey = Some(visit.form.get("response").to_owned());
    let request = LoginRequest { passkey, ..LoginRequest::default() };
    let ticket = begun.ticket.clone();
    login::step(visit, "login_code.html", request, begun, Some(ticket)).await
}

/// What is wrong is no password.
fn of_passkey(error: Error) -> Error {
    match error {
        Error::Refused { code: Code::AuthNotAllowed, detail } => {
            Error::Refused { code: Code::PasskeyNotAcceptable, detail }
        }
        other => other,
    }
}
