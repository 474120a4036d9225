//! One request to a page: who comes, in which language, and what they have sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use minijinja::value::Kwargs;
use minijinja::{Value, context};

use crate::crypto::form_token;
use crate::crypto::token::{self, TokenBits};
use crate::domain::{Code, Context, Error, Language, Password, Session, UserView, Ust};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::page::answer::{Answer, Kind, Outcome};
use crate::http::page::cookie::{Jar, Name, YEAR};
use crate::http::page::draft;
use crate::http::page::form::Fields;
use crate::http::page::look::Look;
use crate::http::page::text::{Chosen, accepted};
use crate::http::request::extract;
use crate::http::request::extract::Call;
use crate::ops::{Actor, LoginLack, RegisteredTarget, Sso, Visitor};

/// The field of every form that shows that a page of ours has made it.
const FORM_TOKEN: &str = "form_token";

/// One request to a page.
pub(in crate::http) struct Visit {
    /// What is called, on whose behalf.
    pub call: Call,
    /// What pages look like.
    pub look: Arc<Look>,
    /// The cookies.
    pub jar: Jar,
    /// The query string.
    pub query: Fields,
    /// The form; empty where none was sent.
    pub form: Fields,
    /// The page, as the table of pages names it.
    pub page: &'static str,
    /// The path below `pages.prefix`, without the slash at its beginning.
    pub path: String,
    /// The page that a browser comes back to after it has signed in: this one, or the one whose form it takes.
    pub back: String,
    /// Whose session it is, where the page asks for one.
    pub user: Option<UserView>,
    visitor: Option<Visitor>,
    language: Chosen,
    form_secret: String,
    /// What the answer sets in any case.
    pub cookies: Vec<String>,
    /// The address on another host, and its origin, that the sign-in leads to, if it is a registered one.
    pub onward: Option<RegisteredTarget>,
    /// Whether the form is one that was kept until its sender has signed in again.
    pub is_draft: bool,
    /// Where a form may lead to beside this host: the origin of the client that the browser comes from.
    pub form_action: Option<String>,
}

impl Visit {
    pub fn new(app: &App, look: &Arc<Look>, parts: &Parts) -> Result<Self, Failure> {
        let mut call = extract::caller(app, parts, &app.sso.config().apps.default)?;
        let jar = Jar::read(parts, &app.sso.config().pages.url);
        let query = Fields::read(parts.uri.query().unwrap_or_default().as_bytes());
        let mut cookies = Vec::new();
        let language = language(look, parts, &jar, &query);
        call.ctx.language = Language::of_tag(look.texts.of(language).0);
        if !query.get("ui_locales").is_empty() {
            cookies.push(jar.set(Name::Language, look.texts.of(language).0, Some(YEAR)));
        }
        let form_secret = match jar.get(Name::Form) {
            Some(secret) => secret.to_owned(),
            None => {
                let secret = token::new_token(app.sso.random(), TokenBits::Bits256)?;
                cookies.push(jar.set(Name::Form, secret.expose(), None));
                secret.expose().to_owned()
            }
        };
        let prefix = app.sso.config().pages.prefix.as_str();
        let path = parts.uri.path();
        let path = path.strip_prefix(prefix).unwrap_or(path).trim_start_matches('/').to_owned();
        let back = match query.without(&["ui_locales", "done"]) {
            kept if kept.is_empty() => path.clone(),
            kept => format!("{path}?{kept}"),
        };
        let (look, form) = (Arc::clone(look), Fields::default());
        Ok(Self {
            call,
            look,
            jar,
            query,
            form,
            page: "",
            path,
            back,
            user: None,
            visitor: None,
            language,
            form_secret,
            cookies,
            onward: None,
            is_draft: false,
            form_action: None,
        })
    }

    /// What is called.
    pub const fn sso(&self) -> &Sso {
        &self.call.sso
    }

    /// On whose behalf.
    pub const fn ctx(&self) -> &Context {
        &self.call.ctx
    }

    /// Keeps who comes.
    pub fn greet(&mut self, visitor: Visitor) {
        self.user = Some(visitor.view.clone());
        self.visitor = Some(visitor);
    }

    /// Who acts: the user whose session was found at the beginning, where the page asks for one.
    pub fn actor(&self) -> Actor {
        match &self.visitor {
            Some(visitor) => visitor.actor.clone(),
            None => self.ust().into(),
        }
    }

    /// The session that acts; where there is none, no operation takes it.
    pub fn ust(&self) -> Ust {
        self.jar.ust().unwrap_or_else(|| Ust::from(""))
    }

    /// The last part of the path.
    pub fn last(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The way from this page to where all pages are.
    pub fn root(&self) -> String {
        match self.path.matches('/').count() {
            0 => "./".to_owned(),
            depth => "../".repeat(depth),
        }
    }

    /// Where the browser is sent on to: another page of ours, an address on this host, or the registered one elsewhere.
    pub fn target(&self, target: &str) -> String {
        let is_onward = self.onward.as_ref().is_some_and(|onward| onward.url == target);
        if target.starts_with('/') || is_onward {
            target.to_owned()
        } else {
            format!("{}{target}", self.root())
        }
    }

    /// Whether the form that was sent was made for this browser: for its session where a page asks for one.
    pub fn has_form_token(&self) -> bool {
        let given = self.form.get(FORM_TOKEN);
        // A new secret is nobody's yet.
        self.jar.get(Name::Form).is_some() && form_token::is_form_token(&self.secret(), given)
    }

    /// The secret that tokens of forms are made of. A session has its own: who has another session has other tokens.
    fn secret(&self) -> String {
        match (&self.user, self.jar.ust()) {
            (Some(_), Some(ust)) => format!("{}{}", self.form_secret, ust.expose()),
            _ => self.form_secret.clone(),
        }
    }

    /// A text in the language of the page.
    pub fn say(&self, id: &str) -> Option<String> {
        self.look.texts.say(self.language, id, None)
    }

    /// The same with values.
    pub fn say_with(&self, id: &str, values: &[(&'static str, &str)]) -> Option<String> {
        let mut given = fluent_bundle::FluentArgs::new();
        for (name, value) in values {
            given.set(*name, *value);
        }
        self.look.texts.say(self.language, id, Some(&given))
    }

    /// What a template shows, with all that every page shows.
    pub fn shown(&self, shown: Value) -> Result<Value, Failure> {
        let (tag, is_right_to_left) = self.look.texts.of(self.language);
        let form_token = form_token::new_form_token(&self.secret(), self.sso().random())?;
        let values: BTreeMap<String, Value> =
            self.form.shown().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        let user = self.user.as_ref().map(|view| {
            context! {
                username => &*view.user.username,
                name => view.user.display_name.as_deref().unwrap_or(&view.user.username),
                is_super_user => view.is_current_super_user,
                may_read_audit => self.visitor.as_ref().is_some_and(|visitor| visitor.may_read_audit),
                may_manage_users => self.visitor.as_ref().is_some_and(|visitor| visitor.may_manage_users),
            }
        });
        let done = self.query.get("done");
        let is_id = done.len() < 40 && done.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let notice = if is_id && !done.is_empty() { self.say(&format!("done-{done}")) } else { None };
        let common = context! {
            lang => tag,
            dir => if is_right_to_left { "rtl" } else { "ltr" },
            root => self.root(),
            path => &*self.path,
            form_token,
            values,
            query => self.query.without(&["ui_locales", "done"]),
            user,
            notice,
            is_draft => self.is_draft,
            t => translator(&self.look, self.language),
        };
        Ok(context! { ..shown, ..context! { ..common, ..self.look.common.clone() } })
    }

    /// The page once more, with what was wrong beside its fields. What proves who somebody is, and was proved too long ago, is
    /// asked for first.
    pub fn again(&self, template: &'static str, shown: Value, error: Error) -> Outcome {
        let failure = Failure::from(error);
        let problem = match &failure {
            Failure::Refused { code: Code::AuthFreshLoginNeeded, detail } => {
                return Ok(self.to_login_again_with_form(LoginLack::of_refusal(detail.as_deref())));
            }
            Failure::Refused { code, detail } => {
                let id = code.as_str();
                let place = template.split('.').next().unwrap_or_default().replace('_', "-");
                let ids = [format!("{place}-{id}"), format!("error-{id}"), "error-other".to_owned()];
                let text = ids.iter().find_map(|id| self.say(id)).unwrap_or_default();
                // What is wrong with which field is said at the beginning of a detail, or by the group of the code.
                let named = detail.as_deref().and_then(|detail| detail.split_once(':')).map(|(name, _)| name);
                let named = named.filter(|name| !name.contains(' '));
                let field = named.unwrap_or_else(|| code.group());
                let targets = [field, if field == "password" { "new_password" } else { "" }];
                let target = targets.into_iter().find(|name| self.form.has(name));
                // What would be right for a client is said by who has looked at it.
                let said = (*code == Code::ClientInvalid).then(|| detail.as_deref().unwrap_or_default());
                let said = said.map(|said| said.split_once(": ").map_or(said, |(_, said)| said).to_owned());
                context! { text, field, target, said }
            }
            Failure::RateLimited { retry_after } => {
                let seconds = retry_after.as_secs().saturating_add(1);
                let (id, count) = if seconds < 90 {
                    ("wait-seconds", seconds)
                } else {
                    ("wait-minutes", seconds.div_ceil(60))
                };
                let mut values = fluent_bundle::FluentArgs::new();
                values.set("count", count);
                let text = self.look.texts.say(self.language, id, Some(&values)).unwrap_or_default();
                context! { text, field => "" }
            }
            Failure::BadRequest(_)
            | Failure::NotFound
            | Failure::MethodNotAllowed
            | Failure::TooLarge
            | Failure::TooSlow
            | Failure::Unauthorized { .. }
            | Failure::Overloaded
            | Failure::Unavailable
            | Failure::Internal => return Err(failure),
        };
        Ok(self.with_problem(template, shown, problem, failure))
    }

    fn with_problem(&self, template: &'static str, shown: Value, problem: Value, failure: Failure) -> Answer {
        let status = match failure {
            Failure::Refused { .. } => axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            _ => failure.status(),
        };
        let shown = context! { problem, ..shown };
        Answer::of(Kind::Page { status, template, shown, failure: Some(failure) })
    }

    /// Sends the browser to the sign-in page, and from there back to this one.
    pub fn to_login(&self) -> Answer {
        // Who wants to sign out has nothing to come back for.
        let target = match self.path.as_str() {
            "logout" => "login?done=logout".to_owned(),
            _ => format!("login?next={}", encoded(&self.back)),
        };
        Answer::to(self.target(&target)).and(self.jar.clear(Name::Session))
    }

    /// The same of who has sent a form: the page that they come back to says what has become of it.
    pub fn to_login_with_form(&self, kept: Option<String>) -> Answer {
        if self.path == "logout" {
            return self.to_login();
        }
        let sign = if self.back.contains('?') { '&' } else { '?' };
        let done = if kept.is_some() { "form-kept" } else { "form-lost" };
        let next = encoded(&format!("{}{sign}done={done}", self.back));
        let answer =
            Answer::to(self.target(&format!("login?next={next}"))).and(self.jar.clear(Name::Session));
        match kept {
            Some(cookie) => answer.and(cookie),
            None => answer,
        }
    }

    /// The same for who has a session, and is to prove once more who they are.
    fn to_login_again(&self, lack: LoginLack) -> Answer {
        let again = again(lack);
        Answer::to(self.target(&format!("login?again={again}&next={}", encoded(&self.back))))
    }

    /// The same for who has a session that was opened without the second factor which the page asks for.
    pub fn to_step_up(&self) -> Answer {
        self.to_login_again(LoginLack::SecondFactor)
    }

    /// The same of who has sent a form: what they have typed is shown again.
    fn to_login_again_with_form(&self, lack: LoginLack) -> Answer {
        let Some(kept) = draft::keep(&self.jar, self.page, &self.path, &self.form) else {
            return self.to_login_again(lack);
        };
        let sign = if self.back.contains('?') { '&' } else { '?' };
        let next = encoded(&format!("{}{sign}done=form-waits", self.back));
        let again = again(lack);
        Answer::to(self.target(&format!("login?again={again}&next={next}"))).and(kept)
    }

    /// The query string of a client's request that goes on where a form of this page leads to, if it does; and whether that is one to
    /// log out. Browsers look at the policy of the page whose form it is (Content Security Policy 3, section 6.4.1).
    pub fn onward_request(&self) -> Option<(&str, bool)> {
        let sent = |name: &str| {
            [self.form.get(name), self.query.get(name)].into_iter().find(|text| !text.is_empty())
        };
        let oidc = &self.sso().config().oidc;
        match self.path.as_str() {
            _ if !oidc.is_active() => None,
            "consent" => Some((sent("request")?, false)),
            "logout" => Some((sent("request")?, true)),
            path if path.starts_with("login") => {
                let query = sent("next")?.strip_prefix(&oidc.path())?.strip_prefix("/oauth2/authorize?")?;
                Some((query, false))
            }
            _ => None,
        }
    }

    /// Asks for that before a page whose form would be refused without.
    pub async fn to_fresh_login(&self) -> Result<Option<Answer>, Failure> {
        let session = self.session().await?;
        Ok((!self.sso().is_fresh(&session)).then(|| self.to_login_again(LoginLack::Freshness)))
    }

    /// The same before a page that changes what proves who the visitor is: who has a second factor is asked for it.
    pub async fn to_own_login(&self) -> Result<Option<Answer>, Failure> {
        let lack = self.sso().login_lack(&self.session().await?).await?;
        Ok(lack.map(|lack| self.to_login_again(lack)))
    }

    async fn session(&self) -> Result<Session, Failure> {
        Ok(match &self.visitor {
            Some(visitor) => visitor.session.clone(),
            None => self.sso().get_current_session(self.ctx(), self.ust()).await?.session,
        })
    }

    /// The token that came by email: alone, or in the link that people have copied.
    pub fn token(&self) -> Password {
        let given = self.form.get("token").trim();
        Password::from(given.rsplit_once("token=").map_or(given, |(_, token)| token))
    }
}

/// What the sign-in page is told of a login that lacks something.
const fn again(lack: LoginLack) -> char {
    match lack {
        LoginLack::Freshness => '1',
        LoginLack::SecondFactor => '2',
    }
}

/// Where the browser comes back to, as a value in an address.
fn encoded(back: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
    encoded.replace("%2F", "/")
}

/// What templates call `t`: a text by its id, with values by name.
fn translator(look: &Arc<Look>, language: Chosen) -> Value {
    let look = Arc::clone(look);
    Value::from_function(move |id: String, given: Kwargs| -> Result<String, minijinja::Error> {
        let mut values = fluent_bundle::FluentArgs::new();
        let names: Vec<String> = given.args().map(str::to_owned).collect();
        for name in names {
            let value: Value = given.get(&name)?;
            match value.as_i64() {
                Some(number) => values.set(name, number),
                None => values.set(name, value.to_string()),
            }
        }
        Ok(look.texts.say(language, &id, Some(&values)).unwrap_or(id))
    })
}

/// The language of a page: what the address asks for, what was chosen before, what the browser wants.
fn language(look: &Look, parts: &Parts, jar: &Jar, query: &Fields) -> Chosen {
    let header = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let wanted = query.get("ui_locales").split(' ').filter(|tag| !tag.is_empty());
    look.texts.choose(wanted.chain(jar.get(Name::Language)).chain(accepted(header.unwrap_or_default())))
}
