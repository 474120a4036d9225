//! The description of the API, OpenAPI 3.1, made from the tables of endpoints.

use axum::http::Method;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::domain::Code;
use crate::http::api::endpoint::{Block, Endpoint};
use crate::http::api::table::blocks;
use crate::http::describe::health;
use crate::http::describe::site as site_openapi;
use crate::http::request::input::Element;
use crate::http::request::value::Kind;

const ABOUT: &str = "Single sign-on: users, sessions, attributes.\n\n\
Elements of a request come as JSON in its body, or in the query string, or both, with every method; the body wins. \
The Content-Type of a request is not looked at. Booleans and numbers may arrive as text. Unknown elements are ignored.\n\n\
The session that acts is named by `ust` (or `current_ust`), or by `Authorization: Bearer <ust>`. In its \
place a linked definition may authenticate a request, by Basic Auth or with a JWT as the bearer token. Every endpoint takes \
`current_app`, the application on whose behalf the call is made; without it a header names it, else configuration.\n\n\
Times are ISO 8601 in UTC, without an offset. What has no value is left out of answers.";

/// The document, for endpoints under this prefix.
#[must_use]
pub fn document(prefix: &str) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.clone().into_generator();
    let health = Block { name: "Health", endpoints: health::endpoints() };
    let mut paths = Map::new();
    let mut tags = Vec::new();
    for (prefix, block) in blocks().into_iter().map(|block| (prefix, block)).chain([("", health)]) {
        tags.push(json!({"name": block.name}));
        for endpoint in &block.endpoints {
            let operation = operation(endpoint, block.name, &mut generator);
            let path = paths.entry(format!("{prefix}{}", endpoint.path)).or_insert_with(|| json!({}));
            if let Value::Object(methods) = path {
                methods.insert(endpoint.method.as_str().to_ascii_lowercase(), operation);
            }
        }
    }
    tags.push(json!({"name": site_openapi::TAG}));
    let mut schemas = object(common_schemas());
    schemas.extend(site_openapi::add_paths(&mut paths, settings));
    schemas.extend(generator.take_definitions(true));
    let mut schemes = object(json!({
        "session": {"type": "http", "scheme": "bearer", "description": "A user session token, as a login returns it; or a JWT of a linked definition."},
        "definition": {"type": "http", "scheme": "basic", "description": "Username and secret of a linked definition."},
    }));
    schemes.extend([site_openapi::security_scheme()]);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "zato_sso",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": common_responses(),
            "securitySchemes": schemes,
        },
    })
}

fn operation(endpoint: &Endpoint, tag: &str, generator: &mut SchemaGenerator) -> Value {
    let output = (endpoint.output)(generator);
    let done = json!({"allOf": [{"$ref": "#/components/schemas/Done"}, output]});
    let mut responses = Map::new();
    let content = json!({"application/json": {"schema": done}});
    responses.insert("200".to_owned(), json!({"description": "It worked.", "content": content}));
    for (status, name) in FAILURES {
        responses.insert(status.to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
    // The header is one way to name the session that acts; an element is the other.
    let acts = endpoint.elements.iter().any(is_acting);
    let mut operation = Map::new();
    let mut insert = |name: &str, value| operation.insert(name.to_owned(), value);
    insert("operationId", operation_id(endpoint).into());
    insert("summary", endpoint.summary.into());
    insert("tags", json!([tag]));
    insert("security", if acts { json!([{"session": []}, {"definition": []}, {}]) } else { json!([]) });
    if endpoint.method == Method::GET {
        insert("parameters", endpoint.elements.iter().map(parameter).collect());
    } else {
        insert("requestBody", body(endpoint.elements));
    }
    insert("responses", responses.into());
    operation.into()
}

const FAILURES: [(&str, &str); 6] = [
    ("400", "BadRequest"),
    ("403", "Refused"),
    ("413", "TooLarge"),
    ("429", "RateLimited"),
    ("500", "Failed"),
    ("503", "Failed"),
];

/// Whether this names the session that acts, which a header may name just as well.
fn is_acting(element: &Element) -> bool {
    matches!(element.name, "ust" | "current_ust")
}

fn operation_id(endpoint: &Endpoint) -> String {
    let path = endpoint.path.trim_start_matches('/').replace('/', "_");
    format!("{}_{path}", endpoint.method.as_str().to_ascii_lowercase())
}

fn parameter(element: &Element) -> Value {
    let required = element.is_required && !is_acting(element);
    let schema = schema(element);
    match element.kind {
        // In a query string a list is its JSON text.
        Kind::Names | Kind::Items | Kind::Object => {
            let content = json!({"application/json": {"schema": schema}});
            json!({"name": element.name, "in": "query", "required": required, "content": content})
        }
        _ => json!({"name": element.name, "in": "query", "required": required, "schema": schema}),
    }
}

fn body(elements: &[Element]) -> Value {
    let properties: Map<String, Value> =
        elements.iter().map(|element| (element.name.to_owned(), schema(element))).collect();
    let is_required = |element: &&Element| element.is_required && !is_acting(element);
    let required: Vec<&str> = elements.iter().filter(is_required).map(|element| element.name).collect();
    let needs_body = !required.is_empty();
    let schema = json!({"type": "object", "properties": properties, "required": required});
    json!({"required": needs_body, "content": {"application/json": {"schema": schema}}})
}

fn schema(element: &Element) -> Value {
    let kind = |name: &str| {
        if element.is_clearable { json!([name, "null"]) } else { json!(name) }
    };
    let one_of = |names: &[&str]| {
        let null = element.is_clearable.then_some(Value::Null);
        let names: Vec<Value> = names.iter().map(|name| Value::from(*name)).chain(null).collect();
        json!({"type": kind("string"), "enum": names})
    };
    match element.kind {
        Kind::Text => json!({"type": kind("string")}),
        Kind::Secret => json!({"type": kind("string"), "format": "password"}),
        Kind::Token => json!({"type": kind("string"), "description": "A user session token."}),
        Kind::Flag => json!({"type": kind("boolean")}),
        Kind::Number => json!({"type": kind("integer"), "format": "int64"}),
        Kind::Time => {
            json!({"type": kind("string"), "description": "ISO 8601; UTC where there is no offset."})
        }
        Kind::SignUpStatus => one_of(&["before_confirmation", "to_approve", "final"]),
        Kind::ApprovalStatus => one_of(&["before_decision", "approved", "rejected"]),
        Kind::NameOp => one_of(&["and", "or"]),
        Kind::Names => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Object => json!({"type": "object"}),
        Kind::Items => json!({"type": "array", "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "value": {"type": "string"},
                "expiration": {"type": "integer", "description": "Seconds from now."},
                "encrypt": {"type": "boolean"},
                "user_id": {"type": "string"},
            },
            "required": ["name", "value"],
        }}),
    }
}

fn common_schemas() -> Value {
    let cid = json!({"type": "string", "description": "The correlation id, also in the header X-Zato-CID."});
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let sub_status = json!({"type": "array", "items": {"$ref": "#/components/schemas/Code"}});
    json!({
        "Code": {"type": "string", "enum": codes},
        "Done": {
            "type": "object",
            "properties": {
                "cid": cid,
                "status": {"type": "string", "enum": ["ok", "warning"]},
                "sub_status": sub_status,
            },
            "required": ["cid", "status"],
        },
        "Refusal": {
            "type": "object",
            "properties": {"cid": cid, "status": {"const": "error"}, "sub_status": sub_status, "details": {"type": "string"}},
            "required": ["cid", "status", "sub_status"],
        },
        "Misunderstanding": {
            "type": "object",
            "properties": {"result": {"const": "Error"}, "cid": cid, "details": {"type": "string"}},
            "required": ["result", "cid", "details"],
        },
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn common_responses() -> Value {
    let response = |description: &str, schema: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        json!({"description": description, "content": {"application/json": {"schema": schema}}})
    };
    let seconds = json!({"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}});
    let mut limited = response("Too many attempts or requests.", "Refusal");
    if let Value::Object(limited) = &mut limited {
        limited.insert("headers".to_owned(), json!({"Retry-After": seconds}));
    }
    json!({
        "BadRequest": response(
            "Not JSON, not an object, a required element missing, or a value of the wrong type.",
            "Misunderstanding",
        ),
        "Refused": response("The rules say no, and the code says which.", "Refusal"),
        "TooLarge": response("The body is over the limit.", "Misunderstanding"),
        "RateLimited": limited,
        "Failed": response("Something went wrong in the server, or is unavailable at the moment.", "Refusal"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

    fn written() -> String {
        format!("{}\n", serde_json::to_string_pretty(&document("/zato/sso")).unwrap())
    }

    #[test]
    fn the_document_in_docs_is_current() {
        if std::env::var_os("ZATO_SSO_UPDATE_OPENAPI").is_some() {
            fs::write(KEPT, written()).unwrap();
        }
        let is_current = fs::read_to_string(KEPT).is_ok_and(|kept| kept == written());
        assert!(is_current, "docs/openapi.json is not current: run make openapi");
    }

    #[test]
    fn every_endpoint_is_described() {
        let document = document("/p");
        for block in blocks() {
            for endpoint in block.endpoints {
                let method = endpoint.method.as_str().to_ascii_lowercase();
                let operation = &document["paths"][format!("/p{}", endpoint.path)][method];
                assert!(operation.is_object() && !endpoint.summary.is_empty(), "{}", endpoint.path);
            }
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let endpoints: Vec<Endpoint> = blocks().into_iter().flat_map(|block| block.endpoints).collect();
        let ids: BTreeSet<String> = endpoints.iter().map(operation_id).collect();
        assert_eq!(ids.len(), endpoints.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document("/p");
        let text = document.to_string();
        let mut found = 0;
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            found += 1;
        }
        assert!(found > 0);
    }

    #[test]
    fn a_header_may_take_the_place_of_the_acting_session_only() {
        let document = document("/p");
        let schema = &document["paths"]["/p/user/session"]["post"]["requestBody"]["content"]["application/json"]
            ["schema"];
        assert_eq!(schema["required"], json!(["target_ust"]));
        assert_eq!(document["paths"]["/p/user/login"]["post"]["security"], json!([]));
    }
}
