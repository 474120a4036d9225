//! What browsers come for, on their way between the web sites: a script for pages, and two addresses that send the browser
//! on. None of it may be framed.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use minijinja::context;
use url::Url;

use crate::crypto::token;
use crate::domain::Password;
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::metrics::Route;
use crate::http::reply::html;
use crate::http::request::extract;
use crate::http::request::json::Elements;
use crate::http::site::connection::PLUGIN;
use crate::ops::{BrowserCheck, Checked, Registration};

/// The script of the pages. Its second path is the one that OneAll documents.
const LIBRARY: &str = include_str!("library.js");
const LIBRARY_PATHS: [&str; 2] = ["/sso/library.js", "/socialize/library.js"];

const REGISTER_PATH: &str = "/sso/register";
const CHECK_PATH: &str = "/sso/check";

/// The cookie: of this host alone, over TLS alone, for no script (RFC 6265bis, section 4.1.3.2).
const COOKIE: &str = "__Host-zato_sso";

/// What a form that sends itself is sent by.
const SUBMIT: &str = "document.forms[0].submit()";

/// The page that sends a recognised browser to the callback.
const SIGNING_IN: &str = include_str!("templates/signing_in.html");

/// What browsers come for. No part of the description of the API, which is for programs.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&token::digest(LIBRARY)));
    let library = get(async move |headers: HeaderMap| script(&headers, &tag));
    LIBRARY_PATHS
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, library.clone()))
        .route(REGISTER_PATH, post(register))
        .route(CHECK_PATH, get(check))
}

/// The script, which is the same for everybody, for an hour. Pages of other origins use it.
fn script(headers: &HeaderMap, tag: &str) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_known =
        known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
    let (status, body) = if is_known { (StatusCode::NOT_MODIFIED, "") } else { (StatusCode::OK, LIBRARY) };
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::ETAG, tag),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    let mut response = (status, headers, Bytes::from_static(body.as_bytes())).into_response();
    response.extensions_mut().insert(Route::new(&Method::GET, "/sso/library.js"));
    response
}

/// A page that a browser shows, if only for a moment. It must not be framed.
fn shown(route: Route, answer: Result<Response, Failure>) -> Response {
    let mut response = answer.unwrap_or_else(told);
    let headers = response.headers_mut();
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'",
        BASE64.encode(&token::digest(SUBMIT))
    );
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Where it came from is told as an origin: callbacks can look at it. Never what it was asked for.
        (header::REFERRER_POLICY, "strict-origin"),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response.extensions_mut().insert(route);
    response
}

/// Why a browser is sent nowhere, for the person in front of it. What has nothing to do with the browser is rendered like
/// any other failure.
fn told(failure: Failure) -> Response {
    let (status, text) = match failure {
        Failure::BadRequest(Some(detail)) | Failure::Refused { detail: Some(detail), .. } => {
            (StatusCode::BAD_REQUEST, format!("The request cannot be served: {detail}\n"))
        }
        Failure::Refused { detail: None, .. } => (
            StatusCode::FORBIDDEN,
            "No web site of that origin is known here: its callback URI must be on the list of a site\n"
                .to_owned(),
        ),
        Failure::BadRequest(None)
        | Failure::NotFound
        | Failure::MethodNotAllowed
        | Failure::TooLarge
        | Failure::Unauthorized { .. }
        | Failure::RateLimited { .. }
        | Failure::TooSlow
        | Failure::Overloaded
        | Failure::Unavailable
        | Failure::Internal => return failure.into_response(),
    };
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

async fn register(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = async {
        let (parts, body) = request.into_parts();
        let call = extract::caller(&app, &parts, &app.sso.config().apps.default)?;
        let origin =
            parts.headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = app.read_body(&parts, body).await?;
        let field = |wanted: &str| {
            let mut fields = url::form_urlencoded::parse(&body.bytes);
            fields.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let sso_session_token = Password::from(field("sso_session_token"));
        let return_uri = field("return_uri");
        drop(body);
        let Registration { cookie, return_uri } =
            call.sso.register_browser(&call.ctx, origin, &sso_session_token, &return_uri).await?;
        let cookie = cookie.map(|cookie| {
            let (value, lifetime) = (cookie.value.expose(), cookie.lifetime);
            let text =
                format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={lifetime}");
            (header::SET_COOKIE, text)
        });
        Ok((AppendHeaders(cookie), see_other(return_uri)).into_response())
    };
    shown(Route::new(&Method::POST, REGISTER_PATH), answer.await)
}

async fn check(State(app): State<Arc<App>>, request: Request) -> Response {
    let answer = async {
        let (parts, _) = request.into_parts();
        let call = extract::caller(&app, &parts, &app.sso.config().apps.default)?;
        let known = ["callback_uri", "return_uri", "state", "top_realm", "sub_realm"];
        let mut query = Elements::read(parts.uri.query(), "", &known)
            .map_err(|_| Failure::bad("its query string is not encoded as it should be"))?;
        let mut element = |name: &str| query.take(name).and_then(|given| given.text(name).ok());
        let state = element("state");
        let check = BrowserCheck {
            callback_uri: element("callback_uri").unwrap_or_default(),
            return_uri: element("return_uri"),
            state: state.clone(),
            top_realm: element("top_realm"),
            sub_realm: element("sub_realm"),
        };
        let cookie = cookie(&parts.headers);
        let checked = call.sso.check_browser(&call.ctx, cookie.as_ref(), check).await?;
        Ok(sent_on(&checked, state.as_deref()))
    };
    shown(Route::new(&Method::GET, CHECK_PATH), answer.await)
}

/// The cookie that a browser has from here.
fn cookie(headers: &HeaderMap) -> Option<Password> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| Password::from(value))
}

fn see_other(target: String) -> (StatusCode, [(HeaderName, String); 1]) {
    (StatusCode::SEE_OTHER, [(header::LOCATION, target)])
}

/// Sends a browser that was recognised to the callback, with the code in a form: it then stands in no URL, log or history.
/// Any other goes back to its page, or to the callback, which is told.
fn sent_on(checked: &Checked, state: Option<&str>) -> Response {
    if let Some(connection_token) = &checked.connection_token {
        let fields = [
            ("oa_action", Some(PLUGIN)),
            ("connection_token", Some(connection_token.expose())),
            ("state", state),
            ("return_uri", checked.return_uri.as_deref()),
        ];
        return match form(&checked.target, &fields) {
            Ok(page) => Html(page).into_response(),
            Err(_) => Failure::Internal.into_response(),
        };
    }
    let mut target = checked.target.clone();
    if checked.return_uri.is_none()
        && let Ok(mut url) = Url::parse(&target)
    {
        url.query_pairs_mut().append_pair("oa_action", PLUGIN).append_pair("sso_status", "none");
        if let Some(state) = state {
            url.query_pairs_mut().append_pair("state", state);
        }
        target = url.into();
    }
    see_other(target).into_response()
}

/// A page that sends a form immediately; without scripts there is a button.
fn form(target: &str, fields: &[(&'static str, Option<&str>)]) -> Result<String, minijinja::Error> {
    let given = |(name, value): &(&'static str, Option<&str>)| value.map(|value| (*name, value.to_owned()));
    let fields: Vec<(&str, String)> = fields.iter().filter_map(given).collect();
    let script = minijinja::Value::from_safe_string(SUBMIT.to_owned());
    html::render(SIGNING_IN, context! { target, fields, script })
}
