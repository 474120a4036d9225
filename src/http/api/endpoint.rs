//! Endpoints: a method and a path, the operations behind them, and what they take.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::domain::Cid;
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::metrics::Route;
use crate::http::reply::success::{Answer, Reply};
use crate::http::request::extract;
use crate::http::request::extract::Call;
use crate::http::request::input::{Element, Input};

/// One endpoint of the API.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path: under `http.prefix` for [`blocks`], from the root for health.
    pub path: &'static str,
    /// Another path for the same.
    pub alias: Option<&'static str>,
    /// The operations that it calls, by the names that the audit trail knows them by; one or another, by input.
    pub operations: &'static [&'static str],
    /// The elements that it takes, beside `current_app`, which all take.
    pub elements: &'static [Element],
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Describes what it answers with, beside what all answers have.
    pub(in crate::http) output: fn(&mut SchemaGenerator) -> Schema,
    pub(in crate::http) handler: MethodRouter<Arc<App>>,
}

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
        operations: &'static [&'static str],
        handler: H,
    ) -> Self
    where
        I: Input,
        T: Serialize + JsonSchema,
        H: Fn(Call, I) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let route = Route::new(&method, path);
        let service = move |State(app): State<Arc<App>>, request: Request| {
            let handler = handler.clone();
            async move {
                let answer = async {
                    let (call, input) = extract::read::<I>(app, request).await?;
                    let cid = call.ctx.cid.clone();
                    let reply = handler(call, input).await?;
                    reply.render(&cid)
                };
                let mut response = answer.await.into_response();
                response.extensions_mut().insert(route);
                response
            }
        };
        // A method that the router does not know would come to no route at all.
        let handler = MethodFilter::try_from(method.clone())
            .map_or_else(|_| MethodRouter::new(), |filter| on(filter, service));
        let output = SchemaGenerator::subschema_for::<T>;
        Self { method, path, alias: None, operations, elements: I::ELEMENTS, summary: "", output, handler }
    }

    pub(in crate::http) const fn about(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Answers "ok" where the rules say no, be it to the operation or to whoever asks for it.
    pub(in crate::http) fn done_anyway(mut self) -> Self {
        self.handler = self.handler.route_layer(from_fn(done_anyway));
        self
    }

    pub(in crate::http) const fn or_at(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }
}

/// Answers in place of a refusal. All else that went wrong is told: then it may help to ask again.
async fn done_anyway(request: Request, next: Next) -> Response {
    let cid = request.extensions().get::<Cid>().cloned();
    let response = next.run(request).await;
    let extensions = response.extensions();
    let (Some(Failure::Refused { .. }), Some(cid)) = (extensions.get(), cid) else { return response };
    let route = extensions.get::<Route>().copied().unwrap_or_default();
    let mut done = Reply::done().render(&cid).into_response();
    done.extensions_mut().insert(route);
    done
}
