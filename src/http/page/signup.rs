//! Signing up, and confirming it.

use data_encoding::BASE64URL_NOPAD;
use minijinja::{Value, context};

use crate::domain::{Code, Error, Password, SignUpNames};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::cookie::{MAX_LENGTH, Name};
use crate::http::page::login::{next, next_query};
use crate::http::page::visit::Visit;
use crate::ops::SignUpRequest;

const TEMPLATE: &str = "signup.html";
const CONFIRM: &str = "confirm.html";

/// For how many seconds a browser keeps where it wanted to go: as long as a client's request lasts.
const NEXT_SECONDS: u64 = 3_600;

fn is_possible(visit: &Visit) -> bool {
    let apps = &visit.sso().config().apps;
    apps.signup_allowed.contains(&apps.default)
}

fn shown(visit: &Visit) -> Value {
    let config = visit.sso().config();
    context! {
        needs_email => config.signup.is_email_required,
        min_length => config.password.min_length,
        next => next(visit),
        next_query => next_query(visit),
    }
}

/// Where the browser wanted to go when its user began to sign up: an email lies between that and the sign-in that leads there.
fn kept_next(visit: &Visit) -> Option<String> {
    String::from_utf8(BASE64URL_NOPAD.decode(visit.jar.get(Name::Next)?.as_bytes()).ok()?).ok()
}

/// The line that keeps it, if it is short enough.
fn keep_next(visit: &Visit) -> Option<String> {
    let kept = BASE64URL_NOPAD.encode(next(visit)?.as_bytes());
    (kept.len() <= MAX_LENGTH).then(|| visit.jar.set(Name::Next, &kept, Some(NEXT_SECONDS)))
}

/// The sign-in page, which leads there. It looks at where that is.
fn login_page(visit: &Visit, done: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let pairs = [("done", Some(done.to_owned()).filter(|done| !done.is_empty())), ("next", kept_next(visit))];
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    let query = query.finish();
    if query.is_empty() { "login".to_owned() } else { format!("login?{query}") }
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
    let answer = match visit.sso().sign_up(visit.ctx(), request).await {
        Ok(None) => Answer::to(visit.target("signup/done")),
        // No email can be sent: whoever signs up confirms here.
        Ok(Some(token)) => Answer::page(CONFIRM, context! { kind => "signup", token => token.expose() }),
        Err(error) => return visit.again(TEMPLATE, shown(visit), error),
    };
    Ok(match keep_next(visit) {
        Some(cookie) => answer.and(cookie),
        None => answer,
    })
}

/// What comes next, of which nobody learns whether there is an account.
pub(super) async fn show_done(visit: &mut Visit) -> Outcome {
    let onward = login_page(visit, "");
    Ok(Answer::page(
        "message.html",
        context! { title => "signup-done-title", text => "signup-done-text", onward },
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
            Ok(Answer::to(visit.target(&login_page(visit, done))).and(visit.jar.clear(Name::Next)))
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
