//! Endpoints: a method and a path, the operations behind them, and what they take.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::domain::{Cid, Operation};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::metrics::Route;
use crate::http::reply::success::{Answer, Reply};
use crate::http::request::extract;
use crate::http::request::extract::Call;
use crate::http::request::input::{Element, Input, Sent};

/// One endpoint of the API.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path: under `http.prefix` for [`blocks`](crate::http::blocks), from the root for health.
    pub path: &'static str,
    /// Another path for the same.
    pub alias: Option<&'static str>,
    /// The operations that it calls: one or another, by input.
    pub operations: &'static [Operation],
    /// The elements that it takes, beside `current_app`, which all take.
    pub elements: &'static [Element],
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Describes what it answers with, beside what all answers have.
    pub(in crate::http) output: fn(&mut SchemaGenerator) -> Schema,
    hides_refusals: bool,
    handler: Box<Handler>,
}

/// Calls the operations. This is where the types of an endpoint's input and output end: all else is the same code for
/// every endpoint, and compiled once.
type Handler = dyn Fn(Call, Sent<'_>) -> Pin<Box<Running>> + Send + Sync;

/// A handler under way.
type Running = dyn Future<Output = Result<Response, Failure>> + Send;

/// The endpoints of one block.
#[derive(Debug)]
pub struct Block {
    /// What they are about.
    pub name: &'static str,
    /// The endpoints, in the order of the documentation.
    pub endpoints: Vec<Endpoint>,
}

impl Endpoint {
    pub(in crate::http) fn new<I, T, H, F>(
        method: Method,
        path: &'static str,
        operations: &'static [Operation],
        handler: H,
    ) -> Self
    where
        I: Input,
        T: Serialize + JsonSchema,
        H: Fn(Call, I) -> F + Send + Sync + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let handler = move |call: Call, mut sent: Sent<'_>| -> Pin<Box<Running>> {
            let cid = call.ctx.cid.clone();
            let running = I::read(&mut sent).map(|input| Box::pin(handler(call, input)));
            Box::pin(async move { running?.await?.render(&cid) })
        };
        Self {
            method,
            path,
            alias: None,
            operations,
            elements: I::ELEMENTS,
            summary: "",
            output: SchemaGenerator::subschema_for::<T>,
            hides_refusals: false,
            handler: Box::new(handler),
        }
    }

    pub(in crate::http) const fn about(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Answers "ok" where the rules say no, be it to the operation or to its caller. Every other failure is shown: then
    /// it may help to ask again.
    pub(in crate::http) const fn hiding_refusals(mut self) -> Self {
        self.hides_refusals = true;
        self
    }

    pub(in crate::http) const fn or_at(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// What the router calls, under each path of the endpoint.
    pub(in crate::http) fn into_service(self) -> MethodRouter<Arc<App>> {
        let filter = MethodFilter::try_from(self.method.clone());
        let endpoint = Arc::new(self);
        let service = move |State(app): State<Arc<App>>, request: Request| {
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.answer(&app, request).await }
        };
        // A method that the router does not know would come to no route at all.
        filter.map_or_else(|_| MethodRouter::new(), |filter| on(filter, service))
    }

    async fn answer(&self, app: &App, request: Request) -> Response {
        let cid = request.extensions().get::<Cid>().cloned();
        let answer = match (self.run(app, request).await, cid) {
            (Err(Failure::Refused { .. }), Some(cid)) if self.hides_refusals => Reply::done().render(&cid),
            (answer, _) => answer,
        };
        let mut response = answer.into_response();
        response.extensions_mut().insert(Route::new(&self.method, self.path));
        response
    }

    async fn run(&self, app: &App, request: Request) -> Result<Response, Failure> {
        let (parts, body) = request.into_parts();
        let body = app.read_body(&parts, body).await?;
        let (call, sent) =
            extract::read(app, &parts, body.text()?, self.elements, self.operations.is_empty()).await?;
        let running = (self.handler)(call, sent);
        // The input is read: what was sent need not be kept meanwhile.
        drop((parts, body));
        running.await
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
