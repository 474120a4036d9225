//! Endpoints of the sessions API: a method and a path, what they take, and what they answer.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{Schema, SchemaGenerator};

use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::metrics::Route;
use crate::http::site::envelope::{self, About, Flag, Resource};
use crate::http::site::reply::{Data, Done, Written};
use crate::http::site::request::{Input, SUFFIX, Sent, SiteCall, TOKEN, read};

/// What a handler comes to.
pub(in crate::http) type Answer<D> = Result<Done<D>, Failure>;

type Handled = Pin<Box<dyn Future<Output = Result<Written, Failure>> + Send>>;

/// A handler of any input and answer, erased, so that the code around handlers is compiled once.
type Handler = Arc<dyn Fn(SiteCall, Sent) -> Handled + Send + Sync>;

/// One endpoint.
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
    /// Another one that a success may have.
    pub other_status: Option<StatusCode>,
    /// Describes the elements of its query string.
    pub query: fn(&mut SchemaGenerator) -> Option<Schema>,
    /// Describes its body.
    pub body: fn(&mut SchemaGenerator) -> Option<Schema>,
    /// Describes the answer of a success.
    pub answer: fn(&mut SchemaGenerator) -> Schema,
    handler: MethodRouter<Arc<App>>,
}

impl SiteEndpoint {
    pub fn new<I, D, H, F>(
        method: Method,
        path: &'static str,
        status: StatusCode,
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        I: Input,
        D: Data,
        H: Fn(SiteCall, I) -> F + Send + Sync + 'static,
        F: Future<Output = Answer<D>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |call, sent| match I::read(sent) {
            Ok(input) => {
                let done = handler(call, input);
                Box::pin(async {
                    let Done { info, data, status } = done.await?;
                    Ok(Written { info, data: data.write()?, status })
                })
            }
            Err(failure) => Box::pin(ready(Err(failure))),
        });
        let route = Route::new(&method, path);
        let handler = router(&method, path, route, status, handler);
        Self {
            method,
            path,
            summary,
            status,
            other_status: None,
            query: I::query,
            body: I::body,
            answer: D::describe,
            handler,
        }
    }

    /// The same, of which a success may have another status.
    pub const fn or(mut self, status: StatusCode) -> Self {
        self.other_status = Some(status);
        self
    }

    /// The paths that it has, each with its handler. A token at the end takes the suffix along.
    pub fn routes(&self) -> impl Iterator<Item = (String, MethodRouter<Arc<App>>)> {
        let suffixes: &[&str] = if self.path.ends_with(TOKEN) { &[""] } else { &["", SUFFIX] };
        suffixes.iter().map(|suffix| (format!("{}{suffix}", self.path), self.handler.clone()))
    }

    /// Whether there is a token in the path.
    pub fn has_token(&self) -> bool {
        self.path.contains(TOKEN)
    }
}

fn router(
    method: &Method,
    path: &'static str,
    route: Route,
    status: StatusCode,
    handler: Handler,
) -> MethodRouter<Arc<App>> {
    let service = move |State(app): State<Arc<App>>, request: Request| {
        let handler = Arc::clone(&handler);
        async move {
            let answer = serve(app, request, path, status, &handler).await;
            let mut response = answer.unwrap_or_else(IntoResponse::into_response);
            response.extensions_mut().insert(route);
            response
        }
    };
    // A method that the router does not know would come to no route at all.
    MethodFilter::try_from(method.clone()).map_or_else(|_| MethodRouter::new(), |filter| on(filter, service))
}

async fn serve(
    app: Arc<App>,
    request: Request,
    path: &'static str,
    status: StatusCode,
    handler: &Handler,
) -> Result<Response, Failure> {
    let resource = request.extensions().get::<Resource>().cloned().ok_or(Failure::Internal)?;
    let now = app.sso.now();
    let (call, sent) = read(app, request, path).await?;
    let Written { info, data, status: other } = handler(call, sent).await?;
    let status = other.unwrap_or(status);
    let about = About { resource: &resource, now, flag: Flag::Success, status, info };
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, json, envelope::written(&about, data.as_deref())).into_response())
}
