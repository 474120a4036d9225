//! Signing in and out.

use data_encoding::BASE64URL_NOPAD;
use minijinja::{Value, context};

use crate::domain::{Code, Error, Parameters, Password, SessionInfo};
use crate::http::page::answer::{Answer, Outcome};
use crate::http::page::cookie::Name;
use crate::http::page::target;
use crate::http::page::visit::Visit;
use crate::ops::{LoginRequest, LoginStep};

/// Where people go who asked for nothing else.
const HOME: &str = "account";

/// For how many seconds a browser keeps what steps have proved.
const STEP_SECONDS: u64 = 600;

/// What a page says that asks who it is once more, and for two factors.
const TWO: &str = "2";

/// Whether a page asks once more who it is: `1`, or `2` for two factors.
pub(super) fn again(given: &str) -> Option<&'static str> {
    match given {
        "" => None,
        TWO => Some(TWO),
        _ => Some("1"),
    }
}

/// A login that is not done yet, as the browser keeps it.
pub(super) struct Begun {
    pub is_kept: bool,
    pub username: String,
    pub ticket: Password,
}

impl Begun {
    /// From the cookie.
    pub(super) fn read(visit: &Visit) -> Option<Self> {
        let mut parts = visit.jar.get(Name::Step)?.split('.');
        let is_kept = parts.next()? == "k";
        let username = String::from_utf8(BASE64URL_NOPAD.decode(parts.next()?.as_bytes()).ok()?).ok()?;
        Some(Self { is_kept, username, ticket: Password::from(parts.next()?) })
    }

    /// From the cookie, if the form is of the same login: another tab may have begun one of another user meanwhile.
    pub(super) fn of_form(visit: &Visit) -> Option<Self> {
        let whose = visit.form.text("username");
        Self::read(visit).filter(|begun| whose.is_none_or(|username| username == begun.username))
    }

    fn write(&self) -> String {
        let kept = if self.is_kept { "k" } else { "s" };
        format!("{kept}.{}.{}", BASE64URL_NOPAD.encode(self.username.as_bytes()), self.ticket.expose())
    }
}

/// Where the browser goes afterwards, as the form or the address says.
pub(super) fn next(visit: &Visit) -> Option<&str> {
    let here = [visit.form.get("next"), visit.query.get("next")].into_iter().find_map(target::safe);
    visit.onward.as_ref().map(|onward| &*onward.url).or(here)
}

pub(super) fn shown(visit: &Visit) -> Value {
    let config = visit.sso().config();
    context! {
        next => next(visit),
        next_query => next_query(visit),
        hint => visit.query.text("login_hint").filter(|hint| hint.len() < 256),
        asks_code => !config.login.inform_if_totp_missing,
        may_sign_up => config.apps.signup_allowed.contains(&config.apps.default),
    }
}

/// The sign-in page. Who has a session goes on, unless they are to prove once more who they are.
pub(super) async fn show(visit: &mut Visit) -> Outcome {
    let user = match visit.jar.ust() {
        Some(ust) => visit.sso().get_current_user(visit.ctx(), ust, false).await.ok(),
        None => None,
    };
    match user {
        Some(_) if !visit.query.is_ticked("again") => {
            Ok(Answer::to(visit.target(next(visit).unwrap_or(HOME))))
        }
        Some(user) => {
            let own = context! { again => again(visit.query.get("again")), username => &*user.user.username };
            Ok(Answer::page("login.html", context! { ..own, ..shown(visit) }))
        }
        None => Ok(Answer::page("login.html", shown(visit))),
    }
}

/// The first step: username and password, or a code as well where none is asked for later.
pub(super) async fn submit(visit: &mut Visit) -> Outcome {
    // Who proves once more who they are stays signed in as they were.
    let is_still_kept = visit.form.is_ticked("again") && visit.jar.is_kept();
    let begun = Begun {
        is_kept: visit.form.is_ticked("keep") || is_still_kept,
        username: visit.form.get("username").trim().to_owned(),
        ticket: Password::from(""),
    };
    let request = LoginRequest {
        password: Some(Password::from(visit.form.get("password"))),
        totp_code: Some(visit.form.code("totp_code")).filter(|code| !code.is_empty()),
        asks_two: again(visit.form.get("again")) == Some(TWO),
        ..LoginRequest::default()
    };
    step(visit, "login.html", request, begun, None).await
}

/// The second step.
pub(super) async fn show_code(visit: &mut Visit) -> Outcome {
    let has_passkey = match Begun::read(visit) {
        Some(begun) => visit.sso().may_step_by_passkey(&begun.username, &begun.ticket).await?,
        None => false,
    };
    Ok(later_step(visit, "login_code.html", has_passkey))
}

/// Takes the code of the second step.
pub(super) async fn submit_code(visit: &mut Visit) -> Outcome {
    let Some(begun) = Begun::of_form(visit) else { return Ok(begin_again(visit)) };
    let request = LoginRequest {
        totp_code: Some(visit.form.code("totp_code")),
        // Who was asked for a second step takes it, whether or not a login without asking would have had one.
        asks_two: true,
        ..LoginRequest::default()
    };
    let ticket = begun.ticket.clone();
    step(visit, "login_code.html", request, begun, Some(ticket)).await
}

/// The step of who has to choose a new password.
pub(super) async fn show_password(visit: &mut Visit) -> Outcome {
    Ok(later_step(visit, "login_password.html", false))
}

/// Takes the new password.
pub(super) async fn submit_password(visit: &mut Visit) -> Outcome {
    let Some(begun) = Begun::of_form(visit) else { return Ok(begin_again(visit)) };
    let Some(new_password) = visit.form.secret("new_password") else {
        let shown = context! { username => begun.username, ..shown(visit) };
        return visit.again("login_password.html", shown, Code::PasswordTooShort.into());
    };
    let request = LoginRequest { new_password: Some(new_password), ..LoginRequest::default() };
    let ticket = begun.ticket.clone();
    step(visit, "login_password.html", request, begun, Some(ticket)).await
}

fn later_step(visit: &Visit, template: &'static str, has_passkey: bool) -> Answer {
    match Begun::read(visit) {
        Some(begun) => {
            Answer::page(template, context! { username => begun.username, has_passkey, ..shown(visit) })
        }
        None => begin_again(visit),
    }
}

pub(super) fn begin_again(visit: &Visit) -> Answer {
    Answer::to(visit.target(&with_next(visit, "login"))).and(visit.jar.clear(Name::Step))
}

/// The same as a query string.
pub(super) fn next_query(visit: &Visit) -> Option<String> {
    let encoded = |next: &str| url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
    next(visit).map(|next| format!("next={}", encoded(next)))
}

fn with_next(visit: &Visit, page: &str) -> String {
    next_query(visit).map_or_else(|| page.to_owned(), |query| format!("{page}?{query}"))
}

pub(super) async fn step(
    visit: &Visit,
    template: &'static str,
    request: LoginRequest,
    begun: Begun,
    ticket: Option<Password>,
) -> Outcome {
    let hours = visit.sso().config().pages.keep_signed_in_for;
    let request = LoginRequest {
        username: begun.username.clone(),
        device_token: Some(Password::from(visit.jar.get(Name::Device).unwrap_or_default())),
        user_agent: visit.call.user_agent.clone(),
        app_proof: visit.call.app_proof,
        keep_for: begun.is_kept.then(|| hours.saturating_mul(60)),
        ..request
    };
    match visit.sso().log_in_by_steps(visit.ctx(), request, ticket).await {
        Ok(step) => Ok(go_on(visit, begun, step).await),
        Err(error) => {
            let again = again(visit.form.get("again"));
            let shown = context! { username => begun.username, again, ..shown(visit) };
            visit.again(template, shown, error)
        }
    }
}

/// Goes on to the next step of a login, or to where the browser wanted to.
pub(super) async fn go_on(visit: &Visit, begun: Begun, step: LoginStep) -> Answer {
    let (ticket, page) = match step {
        LoginStep::Done(session) => return signed_in(visit, &session, begun.is_kept).await,
        LoginStep::CodeNeeded(ticket) => (ticket, "login/code"),
        LoginStep::NewPasswordNeeded(ticket, _) => (ticket, "login/password"),
    };
    let begun = Begun { ticket, ..begun };
    let cookie = visit.jar.set(Name::Step, &begun.write(), Some(STEP_SECONDS));
    Answer::to(visit.target(&with_next(visit, page))).and(cookie)
}

/// The session that the browser had goes on with the token of the new one if it is of the same user: where they are signed in, they
/// stay so. Otherwise it ends.
async fn signed_in(visit: &Visit, session: &SessionInfo, is_kept: bool) -> Answer {
    if let Some(former) = visit.jar.ust() {
        let is_one = visit.sso().continue_session(visit.ctx(), &former, session.ust.clone()).await;
        if !is_one.unwrap_or(false) {
            // It may have ended before.
            drop(visit.sso().logout(visit.ctx(), former).await);
        }
    }
    let lasts = session.expiration_time.since(visit.sso().now()).as_secs();
    let answer = Answer::to(visit.target(next(visit).unwrap_or(HOME)))
        .and(visit.jar.set_session(&session.ust, is_kept.then_some(lasts)))
        .and(visit.jar.clear(Name::Step));
    match &session.device_token {
        Some(token) => answer.and(visit.jar.set_device(token)),
        None => answer,
    }
}

/// Asks whether to sign out, perhaps because an application has asked for that.
pub(super) async fn show_logout(visit: &mut Visit) -> Outcome {
    Ok(Answer::page("logout.html", context! { request => visit.query.text("request") }))
}

/// Signs out.
pub(super) async fn submit_logout(visit: &mut Visit) -> Outcome {
    match visit.sso().logout(visit.ctx(), visit.actor()).await {
        // A session that has ended is what was asked for.
        Ok(()) | Err(Error::Refused { .. }) => {
            let target = match visit.form.text("request") {
                Some(request) => after_logout(visit, request).await,
                None => None,
            };
            let target = target.unwrap_or_else(|| visit.target("login?done=logout"));
            Ok(Answer::to(target).and(visit.jar.clear(Name::Session)))
        }
        Err(other) => Err(other.into()),
    }
}

/// Where the application that has asked for a logout wants the browser to go, if that is registered.
async fn after_logout(visit: &Visit, request: &str) -> Option<String> {
    let parameters = Parameters::read(request.as_bytes()).ok()?;
    let ended = visit.sso().end_session_for_client(visit.ctx(), &parameters, None).await;
    ended.ok()?.target
}
