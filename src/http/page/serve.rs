//! From a request to a page and back: the checks that all forms have in common, the session, and the headers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use minijinja::context;

use crate::domain::{Code, Error, OAuthError, Parameters};
use crate::http::app::App;
use crate::http::failure::{Failure, Told};
use crate::http::metrics::Route;
use crate::http::page::answer::{Answer, Kind, Outcome};
use crate::http::page::cookie::Name;
use crate::http::page::draft;
use crate::http::page::form::Fields;
use crate::http::page::guard::{is_by_a_page, is_from_here};
use crate::http::page::look::Look;
use crate::http::page::target;
use crate::http::page::visit::Visit;
use crate::ops::{ConsoleEntry, ConsolePart, RegisteredTarget, Visitor};

/// Shows a page, or does what its form asks for.
pub(in crate::http) type Handler =
    for<'a> fn(&'a mut Visit) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Who may come to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Need {
    /// Anybody.
    Nothing,
    /// Anybody with a session.
    Session,
    /// Whoever may manage users.
    UserManager,
    /// Whoever may read the audit.
    AuditReader,
    /// Super-users.
    SuperUser,
}

impl Need {
    /// The part of the administration that a page belongs to; None of one that belongs to none.
    const fn console_part(self) -> Option<ConsolePart> {
        match self {
            Self::Nothing | Self::Session => None,
            Self::UserManager => Some(ConsolePart::Users),
            Self::AuditReader => Some(ConsolePart::Audit),
            Self::SuperUser => Some(ConsolePart::All),
        }
    }
}

/// A page.
pub(in crate::http) struct Page {
    /// Its path below `pages.prefix`.
    pub path: &'static str,
    /// Who may come to it.
    pub need: Need,
    /// Whether there is a token about: then nobody is told that somebody came from here.
    pub has_token: bool,
    /// Shows it; None for what is a form's target alone.
    pub show: Option<Handler>,
    /// Takes its form.
    pub submit: Option<Handler>,
}

impl Page {
    /// The routes of a page.
    pub fn route(
        &'static self,
        router: Router<Arc<App>>,
        look: &Arc<Look>,
        prefix: &str,
    ) -> Router<Arc<App>> {
        let mut methods = MethodRouter::new();
        // What is a form's target alone may be asked for as well: by the address line, or by another language.
        let show = self.show.unwrap_or(|visit| Box::pin(elsewhere(visit)));
        for (method, handler) in [(Method::GET, Some(show)), (Method::POST, self.submit)] {
            let Some(handler) = handler else { continue };
            let look = Arc::clone(look);
            let service = move |State(app): State<Arc<App>>, request: Request| {
                let look = Arc::clone(&look);
                async move { self.answer(&app, &look, request, handler).await }
            };
            methods = if method == Method::GET { methods.get(service) } else { methods.post(service) };
        }
        router.route(&format!("{prefix}{}", self.path), methods)
    }

    async fn answer(&self, app: &App, look: &Arc<Look>, request: Request, handler: Handler) -> Response {
        let (parts, body) = request.into_parts();
        let route = Route::new(&parts.method, self.path);
        let mut visit = match Visit::new(app, look, &parts) {
            Ok(visit) => visit,
            Err(failure) => return failure.into_response(),
        };
        visit.page = self.path;
        if self.show.is_none() {
            visit.back = visit.path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
        }
        let outcome: Outcome = async {
            let is_form = parts.method == Method::POST;
            if is_form {
                if !is_from_here(&parts, &app.sso.config().pages.url) {
                    return Ok(refused(&visit, "foreign-form"));
                }
                let held = app.read_body(&parts, body).await?;
                visit.form = Fields::read(&held.bytes);
            }
            if self.need != Need::Nothing {
                match visit.sso().visitor(visit.ctx(), &visit.ust()).await {
                    Ok(visitor) => {
                        keep_alive(&visit, &visitor).await?;
                        visit.greet(visitor);
                    }
                    Err(Error::Refused { .. }) if is_form => {
                        let kept = draft::keep(&visit.jar, self.path, &visit.path, &visit.form);
                        return Ok(visit.to_login_with_form(kept));
                    }
                    Err(Error::Refused { .. }) => return Ok(visit.to_login()),
                    Err(other) => return Err(other.into()),
                }
            }
            if is_form && !visit.has_form_token() {
                return Ok(refused(&visit, "old-form"));
            }
            if let Some(part) = self.need.console_part() {
                match visit.sso().enter_console(visit.ctx(), visit.actor(), part).await? {
                    ConsoleEntry::Open => {}
                    ConsoleEntry::SecondFactorNeeded => {
                        return Ok(Answer::to(visit.target("account/two-factor?done=second-factor")));
                    }
                    ConsoleEntry::StepUpNeeded => return Ok(visit.to_step_up()),
                }
            }
            if !is_form {
                show_draft(&mut visit);
            }
            visit.onward = registered_target(&visit).await?;
            visit.form_action = onward_origin(&visit).await;
            handler(&mut visit).await
        }
        .await;
        let mut answer = outcome.unwrap_or_else(|failure| told(&visit, failure));
        if let Kind::SeeOther(target) = &answer.kind
            && parts.method == Method::POST
            && is_by_a_page(&parts)
            && leads_away(target)
        {
            answer.kind = onward(target);
        }
        let mut response = written(&visit, answer);
        let policy = if self.has_token { "no-referrer" } else { "same-origin" };
        let onward = visit.onward.as_ref().map(|onward| &*onward.origin);
        protect(&mut response, look, policy, visit.form_action.as_deref().or(onward));
        response.extensions_mut().insert(route);
        response
    }
}

/// Whether this is an address of another web site.
fn leads_away(target: &str) -> bool {
    target.starts_with("https://") || target.starts_with("http://")
}

/// A page that goes on to another web site by itself. Browsers hold all that a form leads to against `form-action` of its page
/// (Content Security Policy 3, section 6.4.1), also where that web site redirects to: it ends here.
fn onward(target: &str) -> Kind {
    let host = url::Url::parse(target).ok().and_then(|url| url.host_str().map(str::to_owned));
    Kind::Page {
        status: StatusCode::OK,
        template: "onward.html",
        shown: context! { target, host },
        failure: None,
    }
}

/// The same as a response; None for what is no address of another web site.
pub(in crate::http) fn show_onward(visit: &Visit, target: &str) -> Option<Response> {
    if !leads_away(target) {
        return None;
    }
    let mut response = written(visit, Answer::of(onward(target)));
    protect(&mut response, &visit.look, "no-referrer", Some("'self'"));
    Some(response)
}

/// Where a form's target leads to who only looks at it.
async fn elsewhere(visit: &mut Visit) -> Outcome {
    Ok(Answer::to(visit.target(&visit.back)))
}

/// Renews a session that is used, once half of its time is over.
async fn keep_alive(visit: &Visit, visitor: &Visitor) -> Result<(), Failure> {
    let (sso, session) = (visit.sso(), &visitor.session);
    let half = Duration::from_secs(u64::from(sso.config().session.expiry).saturating_mul(30));
    if session.expiration_time.since(sso.now()) >= half {
        return Ok(());
    }
    match sso.renew_session(visit.ctx(), &visitor.actor, visit.call.user_agent.as_deref()).await {
        // It is valid for now all the same.
        Ok(_) | Err(Error::Refused { .. }) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// The picture of the site, which is the same for everybody.
pub(in crate::http) fn logo(look: &Arc<Look>) -> MethodRouter<Arc<App>> {
    let look = Arc::clone(look);
    get(async move || {
        let Some(picture) = &look.logo else { return Failure::NotFound.into_response() };
        let headers = [
            (header::CONTENT_TYPE, picture.kind),
            (header::CACHE_CONTROL, "public, max-age=3600"),
            // A picture may hold a script, which must not run where it is opened by itself.
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ];
        (headers, picture.bytes.clone()).into_response()
    })
}

/// A form that was not sent by a page of ours, or not for this browser.
fn refused(visit: &Visit, why: &str) -> Answer {
    let again = &*visit.back;
    let shown = context! { title => format!("{why}-title"), text => format!("{why}-text"), again };
    let code = crate::domain::Code::AuthNotAllowed;
    let failure = Failure::Refused { code, detail: None };
    Answer::of(Kind::Page {
        status: StatusCode::FORBIDDEN,
        template: "message.html",
        shown,
        failure: Some(failure),
    })
}

/// What went wrong beside the rules.
fn told(visit: &Visit, failure: Failure) -> Answer {
    let id = match failure {
        Failure::Overloaded | Failure::Unavailable | Failure::RateLimited { .. } => "busy",
        Failure::BadRequest(_)
        | Failure::NotFound
        | Failure::MethodNotAllowed
        | Failure::TooLarge
        | Failure::TooSlow
        | Failure::Unauthorized { .. }
        | Failure::Refused { .. } => "refused",
        Failure::Internal => "fault",
    };
    let shown = context! {
        title => format!("{id}-title"),
        text => format!("{id}-text"),
        cid => visit.ctx().cid.as_str(),
        again => &*visit.back,
    };
    Answer::of(Kind::Page {
        status: failure.status(),
        template: "message.html",
        shown,
        failure: Some(failure),
    })
}

fn written(visit: &Visit, answer: Answer) -> Response {
    let Answer { kind, cookies } = answer;
    let mut response = match kind {
        Kind::SeeOther(target) => (StatusCode::SEE_OTHER, [(header::LOCATION, target)]).into_response(),
        Kind::Json(body) => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
        Kind::File { name, body } => {
            let disposition = format!("attachment; filename=\"{name}\"");
            let headers = [
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (header::CONTENT_DISPOSITION, disposition),
            ];
            (headers, body).into_response()
        }
        Kind::Page { status, template, shown, failure } => page(visit, status, template, shown, failure),
    };
    let headers = response.headers_mut();
    for cookie in visit.cookies.iter().chain(&cookies) {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    response
}

fn page(
    visit: &Visit,
    status: StatusCode,
    template: &'static str,
    shown: minijinja::Value,
    failure: Option<Failure>,
) -> Response {
    let rendered = visit.shown(shown).and_then(|shown| {
        visit.look.render(template, &shown).map_err(|error| {
            let line = error.line().unwrap_or_default();
            let text = format!("the template {template}, line {line}: {}", error.kind());
            visit.sso().log().say(
                crate::config::LogLevel::Error,
                "page.template",
                &text,
                Some(&visit.ctx().cid),
            );
            Failure::Internal
        })
    });
    let html = match rendered {
        Ok(html) => html,
        Err(failure) => return failure.into_response(),
    };
    let html_type = HeaderValue::from_static("text/html; charset=utf-8");
    let mut response = (status, Body::from(html)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, html_type);
    if let Some(failure) = failure {
        if let Some(wait) = failure.retry_after() {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(failure);
        response.extensions_mut().insert(Told);
    }
    response
}

/// The address on another host that a sign-in leads to, if it is a registered one.
async fn registered_target(visit: &Visit) -> Result<Option<RegisteredTarget>, Failure> {
    if !["login", "signup"].contains(&visit.path.split('/').next().unwrap_or_default()) {
        return Ok(None);
    }
    let sent = [visit.form.get("next"), visit.query.get("next")];
    let sent = sent.into_iter().find(|next| !next.is_empty()).filter(|next| target::safe(next).is_none());
    match sent {
        Some(next) => Ok(visit.sso().registered_target(next).await?),
        None => Ok(None),
    }
}

/// Shows a form that was kept until its sender has signed in again. It is shown once.
fn show_draft(visit: &mut Visit) {
    let Some(user) = &visit.user else { return };
    if !["form-kept", "form-waits"].contains(&visit.query.get("done")) {
        return;
    }
    if let Some(form) = draft::read(&visit.jar, &visit.path, &user.user.username) {
        (visit.form, visit.is_draft) = (form, true);
    }
    let cleared = visit.jar.clear(Name::Draft);
    visit.cookies.push(cleared);
}

/// Where a form may lead to beside this host.
async fn onward_origin(visit: &Visit) -> Option<String> {
    let (query, is_logout) = visit.onward_request()?;
    let parameters = Parameters::read(query.as_bytes()).ok()?;
    visit.sso().onward_origin(visit.ctx(), parameters, is_logout).await
}

/// What is wrong with a request that a client has sent the browser with, for the person in front of it.
pub(in crate::http) fn client_problem(visit: &Visit, error: Error) -> Answer {
    let named = OAuthError::of(&error).map(|(_, why)| why.to_owned());
    let detail = match (&named, &error) {
        (Some(why), _) => why.clone(),
        (None, Error::Refused { code: Code::ClientNoSuchClient, detail: Some(detail) }) => detail.to_string(),
        (None, _) => return told(visit, Failure::from(error)),
    };
    let cid = visit.ctx().cid.as_str();
    let shown = context! { title => "client-problem-title", text => "client-problem-text", detail, cid };
    // Of a form it is as any other wrong input.
    let is_form = visit.path == "consent";
    Answer::of(Kind::Page {
        status: if is_form { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST },
        template: "message.html",
        shown,
        failure: Some(Failure::from(error)),
    })
}

/// The same as a response.
pub(in crate::http) fn show_problem(visit: &Visit, error: Error) -> Response {
    let mut response = written(visit, client_problem(visit, error));
    protect(&mut response, &visit.look, "no-referrer", None);
    response
}

/// `form_action` is an origin that forms may lead to beside this one: browsers look at the policy of the page whose form it is, for
/// all that the answer leads to (Content Security Policy 3, section 6.4.1).
fn protect(response: &mut Response, look: &Look, referrer_policy: &'static str, form_action: Option<&str>) {
    let headers = response.headers_mut();
    let policy = match form_action {
        Some(origin) => look.policy.replace("form-action 'self'", &format!("form-action 'self' {origin}")),
        None => look.policy.clone(),
    };
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // A client may have opened the page in a window of its own, which is to come back to it.
    if form_action.is_none() {
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    }
    for (name, value) in [
        (header::REFERRER_POLICY, referrer_policy),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "Cookie, Accept-Language"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
