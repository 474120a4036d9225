//! The description of the sessions API, as part of the OpenAPI document.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::http::site::endpoint::SiteEndpoint;
use crate::http::site::envelope;
use crate::http::site::table::endpoints;

/// The name of its security scheme.
const SCHEME: &str = "site";

/// The name of its tag.
pub(in crate::http) const TAG: &str = "Sessions API for sites";

/// What describes the types of requests and of answers: an option may be missing from a request, and is null in an answer.
struct Generators {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

/// Adds the paths of this API to those of the document; the schemas that they refer to.
pub(in crate::http) fn add_paths(
    paths: &mut Map<String, Value>,
    settings: SchemaSettings,
) -> Map<String, Value> {
    let requests = settings.clone().for_deserialize().into_generator();
    let mut generators = Generators { requests, answers: settings.for_serialize().into_generator() };
    for endpoint in endpoints() {
        let path = paths.entry(format!("{}.json", endpoint.path)).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            let method = endpoint.method.as_str().to_ascii_lowercase();
            methods.insert(method, operation(&endpoint, &mut generators));
        }
    }
    let Generators { mut requests, mut answers } = generators;
    let mut schemas = requests.take_definitions(true);
    schemas.extend(answers.take_definitions(true));
    schemas
}

/// How sites prove who they are.
pub(in crate::http) fn security_scheme() -> (String, Value) {
    let description = "The public key of a site as the username, its private key as the password.";
    (SCHEME.to_owned(), json!({"type": "http", "scheme": "basic", "description": description}))
}

fn operation(endpoint: &SiteEndpoint, Generators { requests, answers }: &mut Generators) -> Value {
    let method = endpoint.method.as_str().to_ascii_lowercase();
    let name = endpoint.path.trim_start_matches('/').replace(['/', '{', '}'], "_");
    let content = |schema: &Schema| json!({"application/json": {"schema": schema}});
    let mut responses = Map::new();
    let success = content(&(endpoint.answer)(answers));
    for status in std::iter::once(endpoint.status).chain(endpoint.other_status) {
        let response = json!({"description": "It worked.", "content": success});
        responses.insert(status.as_str().to_owned(), response);
    }
    let refusal = content(&envelope::describe(answers));
    for (status, description) in FAILURES {
        let mut failure = json!({"description": description, "content": refusal});
        let header = match status {
            "401" => Some(("WWW-Authenticate", json!({"schema": {"type": "string"}}))),
            "429" => Some(("Retry-After", json!({"schema": {"type": "integer", "minimum": 0}}))),
            _ => None,
        };
        if let (Some((name, described)), Value::Object(failure)) = (header, &mut failure) {
            failure.insert("headers".to_owned(), json!({name: described}));
        }
        responses.insert(status.to_owned(), failure);
    }
    let mut operation = json!({
        "operationId": format!("site_{method}_{}", name.trim_matches('_')),
        "summary": endpoint.summary,
        "tags": [TAG],
        "security": [{SCHEME: []}],
        "parameters": parameters(endpoint, requests),
        "responses": responses,
    });
    if let (Some(body), Value::Object(operation)) = ((endpoint.body)(requests), &mut operation) {
        operation.insert("requestBody".to_owned(), json!({"content": content(&body)}));
    }
    operation
}

const FAILURES: [(&str, &str); 9] = [
    ("400", "The request could not be understood, or a value is not acceptable."),
    ("401", "No site has these keys, or no user these credentials."),
    ("403", "The rules say no."),
    ("404", "There is no such session, identity or user."),
    ("409", "Another user has that login or name."),
    ("413", "The body is over the limit."),
    ("429", "Too many failed attempts."),
    ("500", "Something went wrong on this side."),
    ("503", "Something is unavailable at the moment."),
];

/// The token of the path, and the elements of the query string.
fn parameters(endpoint: &SiteEndpoint, generator: &mut SchemaGenerator) -> Vec<Value> {
    let schema = json!({"type": "string", "minLength": 1});
    let token = json!({"name": "token", "in": "path", "required": true, "schema": schema});
    let query = (endpoint.query)(generator);
    let elements = query.as_ref().and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let elements = elements
        .into_iter()
        .flatten()
        .map(|(name, schema)| json!({"name": name, "in": "query", "required": false, "schema": schema}));
    endpoint.has_token().then_some(token).into_iter().chain(elements).collect()
}
