//! Logging out because a client asks for it (RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};

use crate::domain::Parameters;
use crate::http::app::App;
use crate::http::metrics::Route;
use crate::http::oidc::browser::see_other;
use crate::http::oidc::path::LOGOUT;
use crate::http::page::cookie::Name;
use crate::http::page::look::Look;
use crate::http::page::serve::show_problem;
use crate::http::page::visit::Visit;

pub(super) async fn end_session(app: Arc<App>, look: Arc<Look>, request: Request) -> Response {
    let route = Route::new(request.method(), LOGOUT);
    let (parts, body) = request.into_parts();
    let visit = match Visit::new(&app, &look, &parts) {
        Ok(visit) => visit,
        Err(failure) => return failure.into_response(),
    };
    let mut response = if parts.method == Method::POST {
        // As for authorization requests: then the cookie comes along.
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
            Ok(parameters) => decide(&app, &visit, &parameters).await,
            Err(error) => show_problem(&visit, error),
        }
    };
    response.extensions_mut().insert(route);
    response
}

async fn decide(app: &App, visit: &Visit, parameters: &Parameters) -> Response {
    let prefix = &app.sso.config().pages.prefix;
    match app.sso.end_session_for_client(visit.ctx(), parameters, visit.jar.ust()).await {
        Ok(ended) if ended.is_done => {
            let target = ended.target.unwrap_or_else(|| format!("{prefix}/login?done=logout"));
            let mut response = see_other(&target);
            if let Ok(cookie) = visit.jar.clear(Name::Session).parse() {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(_) => {
            let query = parameters.encoded_without(&[]);
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("request", &query).finish();
            see_other(&format!("{prefix}/logout?{query}"))
        }
        Err(error) => show_problem(visit, error),
    }
}
