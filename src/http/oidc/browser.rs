//! Where browsers come: the authorization endpoint. A person sees it only where something is wrong.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use data_encoding::BASE64;
use minijinja::context;

use crate::crypto::token;
use crate::domain::{Error, Parameters, ResponseMode, with_query};
use crate::http::app::App;
use crate::http::metrics::Route;
use crate::http::oidc::answer::protect;
use crate::http::oidc::path::AUTHORIZE;
use crate::http::page::guard::is_by_a_page;
use crate::http::page::look::Look;
use crate::http::page::serve::{show_onward, show_problem};
use crate::http::page::target;
use crate::http::page::visit::Visit;
use crate::http::reply::html;
use crate::ops::{Authorized, Reply};

/// What a form that sends itself is sent by.
const SUBMIT: &str = "document.forms[0].submit()";

const GOING_BACK: &str = include_str!("templates/form_post.html");

/// What is shown of an address that leads nowhere.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

pub(super) async fn authorize(app: Arc<App>, look: Arc<Look>, request: Request) -> Response {
    let route = Route::new(request.method(), AUTHORIZE);
    let (parts, body) = request.into_parts();
    let visit = match Visit::new(&app, &look, &parts) {
        Ok(visit) => visit,
        Err(failure) => return failure.into_response(),
    };
    let mut response = if parts.method == Method::POST {
        // A browser sends no cookie along with a form of another site. With what it is sent to by this answer, it does.
        match app.read_body(&parts, body).await {
            Ok(held) => match Parameters::read(&held.bytes) {
                Ok(parameters) => {
                    see_other(&format!("{}?{}", parts.uri.path(), parameters.encoded_without(&[])))
                }
                Err(error) => show_problem(&visit, error),
            },
            Err(failure) => failure.into_response(),
        }
    } else {
        match Parameters::read(parts.uri.query().unwrap_or_default().as_bytes()) {
            Ok(parameters) => {
                let is_by_a_page = is_by_a_page(&parts);
                decide(&app, &visit, parts.uri.path(), parameters, is_by_a_page).await
            }
            Err(error) => show_problem(&visit, error),
        }
    };
    response.extensions_mut().insert(route);
    response
}

async fn decide(
    app: &App,
    visit: &Visit,
    path: &str,
    parameters: Parameters,
    is_by_a_page: bool,
) -> Response {
    let locales = parameters.first("ui_locales").map(str::to_owned);
    let authorized = match app.sso.authorize(visit.ctx(), parameters, visit.jar.ust()).await {
        Ok(authorized) => authorized,
        Err(error) => return show_problem(visit, error),
    };
    let page = |name: &str, pairs: &[(&str, Option<&str>)]| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs.iter().chain(&[("ui_locales", locales.as_deref())]) {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("{}/{name}?{}", app.sso.config().pages.prefix, query.finish())
    };
    let back = |query: &str| format!("{path}?{query}");
    let (query, to) = match &authorized {
        Authorized::Back(reply) => {
            let response = sent(reply);
            let target = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let target = target.filter(|_| is_by_a_page);
            return target.and_then(|target| show_onward(visit, target)).unwrap_or(response);
        }
        Authorized::LogIn { query, is_again, hint } => {
            let again = is_again.then_some("1");
            (
                query,
                page(
                    "login",
                    &[("again", again), ("login_hint", hint.as_deref()), ("next", Some(&back(query)))],
                ),
            )
        }
        Authorized::SignUp { query } => (query, page("signup", &[("next", Some(&back(query)))])),
        Authorized::Ask { query } => (query, page("consent", &[("request", Some(query))])),
    };
    if target::safe(&back(query)).is_none() {
        let why = "invalid_request: the request is too long for a browser to carry: push it to the server";
        return show_problem(visit, Error::refused(crate::domain::Code::ClientRequestRefused, why));
    }
    see_other(&to)
}

pub(super) fn see_other(to: &str) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to.to_owned())]).into_response();
    protect(&mut response, NOTHING);
    response
}

/// Sends the browser back to the client.
fn sent(reply: &Reply) -> Response {
    let Reply { redirect_uri, mode, pairs } = reply;
    match mode {
        ResponseMode::Query => see_other(&with_query(redirect_uri, &encoded(pairs))),
        ResponseMode::Fragment => see_other(&format!("{redirect_uri}#{}", encoded(pairs))),
        ResponseMode::FormPost => form(redirect_uri, pairs),
    }
}

fn encoded(pairs: &[(&'static str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A page that sends a form immediately; without scripts there is a button.
fn form(target: &str, fields: &[(&'static str, String)]) -> Response {
    let script = minijinja::Value::from_safe_string(SUBMIT.to_owned());
    let Ok(page) = html::render(GOING_BACK, context! { target, fields => fields.to_vec(), script }) else {
        return crate::http::failure::Failure::Internal.into_response();
    };
    // There is no `form-action`: the client may redirect what it gets to wherever it wants, and the one form here is ours.
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'",
        BASE64.encode(&token::digest(SUBMIT))
    );
    let mut response = Html(page).into_response();
    protect(&mut response, &policy);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(redirect_uri: &str, mode: ResponseMode) -> String {
        let reply = Reply {
            redirect_uri: redirect_uri.to_owned(),
            mode,
            pairs: vec![("code", "a b".to_owned()), ("iss", "https://a".to_owned())],
        };
        sent(&reply).headers()["location"].to_str().unwrap().to_owned()
    }

    #[test]
    fn an_answer_is_added_to_the_uri_as_it_is_registered() {
        let query = "code=a+b&iss=https%3A%2F%2Fa";
        for (uri, expected) in [
            ("https://a.example/cb", format!("https://a.example/cb?{query}")),
            ("https://a.example", format!("https://a.example?{query}")),
            ("https://A.example/cb?x=1", format!("https://A.example/cb?x=1&{query}")),
            ("com.example.app:/cb", format!("com.example.app:/cb?{query}")),
        ] {
            assert_eq!(location(uri, ResponseMode::Query), expected);
        }
        assert_eq!(
            location("https://a.example/cb?x", ResponseMode::Fragment),
            format!("https://a.example/cb?x#{query}")
        );
    }

    #[test]
    fn a_form_is_escaped_and_its_target_may_redirect() {
        let reply = Reply {
            redirect_uri: "https://a.example/cb?x=\"".to_owned(),
            mode: ResponseMode::FormPost,
            pairs: vec![("state", "\"><script>".to_owned())],
        };
        let response = sent(&reply);
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("form-action"), "{policy}");
    }
}
