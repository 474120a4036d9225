//! The sessions API: a second face for sites, in the format that OneAll documents. Its requests, and its envelope.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::{Map, Value, json};

use crate::domain::{Direction, Page, PageRequest, Password, Timestamp};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::metrics::Route;
use crate::http::request::authorization::basic_credentials;
use crate::http::request::extract;
use crate::http::request::extract::Call;
use crate::http::site::{browser, session as site_session, user as site_user};
use crate::ops::Actor;

/// What ends the path of a resource; it may be left out.
const SUFFIX: &str = ".json";

/// What the paths of this API begin with.
const ROOTS: [&str; 5] = ["/sso/sessions", "/storage/", "/users", "/identities/", "/connections/"];

/// How many entries a page has if the request does not say.
const ENTRIES_PER_PAGE: i64 = 250;

/// One endpoint of this API.
#[derive(Debug)]
pub(in crate::http) struct SiteEndpoint {
    /// The method.
    pub method: Method,
    /// The path, without the suffix.
    pub path: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The status of a success.
    pub status: StatusCode,
    handler: MethodRouter<Arc<App>>,
}

/// A request of a site that has proved who it is.
pub(in crate::http) struct SiteCall {
    /// On whose behalf, and from where.
    pub call: Call,
    /// Who calls.
    pub site: Actor,
    /// The token that ends the path, if one does.
    pub token: String,
    query: Map<String, Value>,
    body: Value,
}

/// What a request came to.
pub(in crate::http) struct Done {
    pub info: &'static str,
    /// The result: an object of what is told, by what it is called.
    pub data: Option<Value>,
}

impl Done {
    /// A success with something to tell.
    pub fn with(name: &'static str, value: Value) -> Self {
        Self { info: "Your request has been processed successfully", data: Some(json!({name: value})) }
    }
}

/// The resource that a request is about, as it was requested, if it is one of this API.
pub(in crate::http) fn resource(uri: &Uri) -> Option<String> {
    let path = uri.path();
    let is_ours = ROOTS.iter().any(|root| path.starts_with(root));
    is_ours.then(|| uri.path_and_query().map_or(path, |resource| resource.as_str()).to_owned())
}

/// The envelope of an answer.
pub(in crate::http) fn envelope(
    resource: &str,
    now: Timestamp,
    flag: &str,
    status: StatusCode,
    info: &str,
    data: Option<Value>,
) -> Value {
    let mut response = json!({"request": {
        "date": now.to_rfc_2822(),
        "resource": resource,
        "status": {"flag": flag, "code": status.as_u16(), "info": info},
    }});
    if let (Some(data), Value::Object(response)) = (data, &mut response) {
        response.insert("result".to_owned(), json!({"data": data}));
    }
    json!({"response": response})
}

impl SiteEndpoint {
    pub fn new<H, F>(
        method: Method,
        path: &'static str,
        status: StatusCode,
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        H: Fn(SiteCall) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Done, Failure>> + Send + 'static,
    {
        let route = Route::new(&method, path);
        let service = move |State(app): State<Arc<App>>, request: Request| {
            let handler = handler.clone();
            async move {
                let resource = resource(request.uri()).unwrap_or_default();
                let now = app.sso.now();
                let answer = async {
                    let done = handler(read(app, request).await?).await?;
                    let envelope = envelope(&resource, now, "success", status, done.info, done.data);
                    let json = [(header::CONTENT_TYPE, "application/json")];
                    Ok::<_, Failure>((status, json, envelope.to_string()))
                };
                let mut response = answer.await.into_response();
                response.extensions_mut().insert(route);
                response
            }
        };
        // A method that the router does not know would come to no route at all.
        let handler = MethodFilter::try_from(method.clone())
            .map_or_else(|_| MethodRouter::new(), |filter| on(filter, service));
        Self { method, path, summary, status, handler }
    }

    /// The paths that it has, each with its handler. A token takes the suffix along.
    pub fn routes(&self) -> impl Iterator<Item = (String, MethodRouter<Arc<App>>)> {
        let suffixes: &[&str] = if self.path.ends_with('}') { &[""] } else { &["", SUFFIX] };
        suffixes.iter().map(|suffix| (format!("{}{suffix}", self.path), self.handler.clone()))
    }
}

/// Every endpoint of this API, in the order of the documentation.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    [site_session::endpoints(), site_user::endpoints(), browser::endpoints()].into_iter().flatten().collect()
}

/// Reads a request and finds out who sends it. That comes first: nobody else is told what is wrong with it.
async fn read(app: Arc<App>, request: Request) -> Result<SiteCall, Failure> {
    let (parts, body) = request.into_parts();
    let call = extract::caller(&app, &parts, &app.sso.config().apps.default)?;
    let wrong = "Authentication is needed: send the public key of a site as the username of Basic authentication, and its \
        private key as the password";
    // No keys are wrong ones: that takes as long.
    let (public_key, private_key) =
        basic_credentials(&parts.headers).unwrap_or_else(|| (String::new(), Password::from("")));
    let site = call.sso.authenticate_site(&call.ctx, &public_key, &private_key).await.map_err(|error| {
        match Failure::from(error) {
            Failure::Refused { code, .. } => Failure::Unauthorized { code, detail: wrong.into() },
            other => other,
        }
    })?;
    let body = extract::read_body(body, app.sso.config().http.max_body_bytes).await?;
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).map_err(|_| Failure::bad("The body is not JSON: send a JSON object"))?
    };
    let query = extract::parse_query(parts.uri.query().unwrap_or_default())
        .ok_or_else(|| Failure::bad("The query string is not encoded as it should be"))?;
    let path = parts.uri.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    let token = last.strip_suffix(SUFFIX).unwrap_or(last).to_owned();
    Ok(SiteCall { call, site, token, query, body })
}

impl SiteCall {
    /// The text of an element of the query string.
    fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    /// Which page is wanted, in this order unless the request says otherwise.
    pub fn page(&self, direction: Direction) -> Result<PageRequest, Failure> {
        let number = |name: &str, default: i64| match self.query(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| Failure::bad(format!("{name} is not a whole number: leave it out or mend it"))),
        };
        let direction = match self.query("order_direction") {
            None => direction,
            Some("asc") => Direction::Ascending,
            Some("desc") => Direction::Descending,
            Some(_) => {
                return Err(Failure::bad("order_direction is neither asc nor desc: send one of these"));
            }
        };
        let entries_per_page = number("entries_per_page", ENTRIES_PER_PAGE)?;
        Ok(PageRequest { page: number("page", 1)?, entries_per_page, direction })
    }

    /// Deletions are to be meant.
    pub fn check_confirmed(&self) -> Result<(), Failure> {
        match self.query("confirm_deletion") {
            Some("true") => Ok(()),
            _ => Err(Failure::bad(
                "Nothing was deleted: add confirm_deletion=true to the query string to confirm the deletion",
            )),
        }
    }

    /// The object of the body that a request is about; an empty one where there is none.
    pub fn object(&self, name: &'static str) -> Result<Map<String, Value>, Failure> {
        let expected =
            || Failure::bad(format!("The body is not as expected: {{\"request\":{{\"{name}\":{{…}}}}}}"));
        let inner = |value: &Value, key: &str| match value {
            Value::Null => Ok(Value::Null),
            Value::Object(object) => Ok(object.get(key).cloned().unwrap_or_default()),
            _ => Err(expected()),
        };
        match inner(&inner(&self.body, "request")?, name)? {
            Value::Null => Ok(Map::new()),
            Value::Object(object) => Ok(object),
            _ => Err(expected()),
        }
    }
}

/// The text of an element of a body.
pub(in crate::http) fn text(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Failure> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Failure::bad(format!("{name} is not a string: send one, or leave it out"))),
    }
}

/// A page of a list.
pub(in crate::http) fn listed(
    request: PageRequest,
    field: &str,
    page: &Page<impl Sized>,
    entries: Vec<Value>,
) -> Value {
    let direction = match request.direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    };
    json!({
        "pagination": {
            "current_page": page.cur_page,
            "total_pages": page.num_pages(),
            "entries_per_page": page.page_size,
            "total_entries": page.total,
            "order": {"field": field, "direction": direction},
        },
        "count": entries.len(),
        "entries": entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_paths_of_this_api_are_its_resources() {
        let resource = |text: &'static str| resource(&Uri::from_static(text));
        let listed = "/sso/sessions.json?page=1";
        assert_eq!(resource(listed).as_deref(), Some(listed));
        for ours in ["/sso/sessions/x", "/storage/users.json", "/users", "/users/x.json", "/identities/x"] {
            assert_eq!(resource(ours).as_deref(), Some(ours));
        }
        for other in ["/zato/sso/user", "/sso/check", "/sso/library.js", "/health", "/"] {
            assert_eq!(resource(other), None);
        }
    }
}
