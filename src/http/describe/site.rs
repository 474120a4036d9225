//! The description of the sessions API, as part of the OpenAPI document.

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::http::site::envelope as oneall;
use crate::http::site::envelope::SiteEndpoint;

/// The name of its security scheme.
const SCHEME: &str = "site";

/// The name of its tag.
pub(in crate::http) const TAG: &str = "Sessions API for sites";

/// Adds the paths of this API to those of the document.
pub(in crate::http) fn add_paths(paths: &mut Map<String, Value>) {
    for endpoint in oneall::endpoints() {
        let path = paths.entry(format!("{}.json", endpoint.path)).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(endpoint.method.as_str().to_ascii_lowercase(), operation(&endpoint));
        }
    }
}

/// How sites prove who they are.
pub(in crate::http) fn security_scheme() -> (String, Value) {
    let description = "The public key of a site as the username, its private key as the password.";
    (SCHEME.to_owned(), json!({"type": "http", "scheme": "basic", "description": description}))
}

fn operation(endpoint: &SiteEndpoint) -> Value {
    let method = endpoint.method.as_str().to_ascii_lowercase();
    let name = endpoint.path.trim_start_matches('/').replace(['/', '{', '}'], "_");
    let mut responses = Map::new();
    let success = json!({"description": "It worked.", "content": {"application/json": {"schema": envelope(result(endpoint))}}});
    responses.insert(endpoint.status.as_str().to_owned(), success);
    for (status, description) in FAILURES {
        let schema = json!({"$ref": "#/components/schemas/SiteRefusal"});
        let mut failure =
            json!({"description": description, "content": {"application/json": {"schema": schema}}});
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
        "parameters": parameters(endpoint),
        "responses": responses,
    });
    if let (Some(body), Value::Object(operation)) = (body(endpoint), &mut operation) {
        operation
            .insert("requestBody".to_owned(), json!({"content": {"application/json": {"schema": body}}}));
    }
    operation
}

const FAILURES: [(&str, &str); 9] = [
    ("400", "The request could not be understood, or a value is not acceptable."),
    ("401", "No site has these keys, or nobody these credentials."),
    ("403", "The rules say no."),
    ("404", "There is no such session, identity or user."),
    ("409", "Somebody else has that login or name."),
    ("413", "The body is over the limit."),
    ("429", "Too many failed attempts."),
    ("500", "Something went wrong on this side."),
    ("503", "Something is away for the moment."),
];

fn parameters(endpoint: &SiteEndpoint) -> Vec<Value> {
    let query =
        |name: &str, schema: Value| json!({"name": name, "in": "query", "required": false, "schema": schema});
    if endpoint.path.ends_with("{token}") {
        let schema = json!({"type": "string", "minLength": 1});
        let mut parameters = vec![json!({"name": "token", "in": "path", "required": true, "schema": schema})];
        if endpoint.method == Method::DELETE {
            parameters.push(query("confirm_deletion", json!({"type": "string", "enum": ["true"]})));
        }
        return parameters;
    }
    if endpoint.method != Method::GET {
        return Vec::new();
    }
    vec![
        query("page", json!({"type": "integer", "minimum": 1, "default": 1})),
        query("entries_per_page", json!({"type": "integer", "minimum": 1, "maximum": 500, "default": 250})),
        query("order_direction", json!({"type": "string", "enum": ["asc", "desc"]})),
    ]
}

fn body(endpoint: &SiteEndpoint) -> Option<Value> {
    let (name, properties) = match (endpoint.path, endpoint.method == Method::GET) {
        ("/sso/sessions/identities/{token}", false) if endpoint.method == Method::PUT => {
            let lifetime =
                json!({"type": ["integer", "string"], "description": "In seconds.", "default": 86400});
            let realm = json!({"type": "string", "maxLength": 256});
            let data = json!({"description": "Any JSON."});
            (
                "sso_session",
                json!({"top_realm": realm, "sub_realm": realm, "lifetime": lifetime, "data": data}),
            )
        }
        ("/storage/users" | "/storage/users/{token}", false) => {
            let identity = json!({"type": "object", "description": "The profile."});
            let password = json!({"type": "string", "format": "password"});
            let text = json!({"type": "string"});
            ("user", json!({"login": text, "password": password, "externalid": text, "identity": identity}))
        }
        ("/storage/users/user/lookup", false) => {
            let secret = json!({"type": "string", "format": "password"});
            ("user", json!({"login": {"type": "string"}, "password": secret, "totp_code": secret}))
        }
        _ => return None,
    };
    let object = json!({"type": "object", "properties": properties});
    Some(
        json!({"type": "object", "properties": {"request": {"type": "object", "properties": {name: object}}}}),
    )
}

/// What a success tells: schemas, by what it is called.
fn result(endpoint: &SiteEndpoint) -> Option<Value> {
    let schema = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let list = |entry: &str| json!({"allOf": [schema("SiteList"), {"properties": {"entries": {"items": schema(entry)}}}]});
    match (endpoint.path, &endpoint.method) {
        (_, &Method::DELETE) => None,
        ("/sso/sessions", _) => Some(json!({"sso_sessions": list("SiteSession")})),
        ("/users", _) => Some(json!({"users": list("SiteUser")})),
        ("/identities/{token}", _) => Some(json!({"identity": schema("SiteIdentity")})),
        ("/connections/{token}", _) => Some(json!({
            "connection": schema("SiteConnection"),
            "user": schema("SiteRecognisedUser"),
            "sso_session": schema("SiteRecognisedSession"),
        })),
        (path, _) if path.starts_with("/sso/") => Some(json!({"sso_session": schema("SiteSession")})),
        _ => Some(json!({"user": schema("SiteUser")})),
    }
}

fn envelope(result: Option<Value>) -> Value {
    let mut response = json!({"request": {"$ref": "#/components/schemas/SiteRequest"}});
    let mut required = vec!["request"];
    if let (Some(Value::Object(told)), Value::Object(response)) = (result, &mut response) {
        let names: Vec<&String> = told.keys().collect();
        let data = json!({"type": "object", "properties": told, "required": names});
        let result = json!({"type": "object", "properties": {"data": data}, "required": ["data"]});
        response.insert("result".to_owned(), result);
        required.push("result");
    }
    let response = json!({"type": "object", "properties": response, "required": required});
    json!({"type": "object", "properties": {"response": response}, "required": ["response"]})
}

/// The schemas of what is shown.
pub(in crate::http) fn schemas() -> Value {
    let (text, any, count) = (json!({"type": "string"}), json!({}), json!({"type": "integer", "minimum": 0}));
    let nullable = json!({"type": ["string", "null"]});
    let date = json!({"type": "string", "description": "RFC 2822."});
    let token = json!({"type": "string", "format": "uuid"});
    let order = json!({"type": "object", "properties": {"field": text, "direction": {"enum": ["asc", "desc"]}},
        "required": ["field", "direction"]});
    let request = json!({
        "type": "object",
        "properties": {
            "date": date,
            "resource": {"type": "string", "description": "Path and query as requested."},
            "status": {
                "type": "object",
                "properties": {"flag": {"enum": ["success", "error"]}, "code": {"type": "integer"}, "info": text},
                "required": ["flag", "code", "info"],
            },
        },
        "required": ["date", "resource", "status"],
    });
    json!({
        "SiteRequest": request,
        "SiteRefusal": envelope(None),
        "SiteList": {
            "type": "object",
            "properties": {
                "pagination": {
                    "type": "object",
                    "properties": {"current_page": count, "total_pages": count, "entries_per_page": count,
                        "total_entries": count, "order": order},
                    "required": ["current_page", "total_pages", "entries_per_page", "total_entries", "order"],
                },
                "count": count,
                "entries": {"type": "array"},
            },
            "required": ["pagination", "count", "entries"],
        },
        "SiteSession": {
            "type": "object",
            "properties": {"sso_session_token": token, "user_token": token, "identity_token": token,
                "top_realm": nullable, "sub_realm": nullable, "data": any, "num_cookies_set": count,
                "date_update": date, "date_creation": date, "date_expiration": date},
            "required": ["sso_session_token", "user_token", "identity_token", "top_realm", "sub_realm", "data",
                "date_update", "date_creation", "date_expiration"],
        },
        "SiteRecognisedSession": {
            "type": "object",
            "description": "Its token only if the site has started it.",
            "properties": {"sso_session_token": token, "user_token": token, "identity_token": token,
                "top_realm": nullable, "sub_realm": nullable, "data": any, "num_cookies_set": count,
                "date_update": date, "date_creation": date, "date_expiration": date},
            "required": ["user_token", "identity_token", "top_realm", "sub_realm", "data", "date_update",
                "date_creation", "date_expiration"],
        },
        "SiteConnection": {
            "type": "object",
            "properties": {"connection_token": token, "date": date, "plugin": {"enum": ["single_sign_on"]}},
            "required": ["connection_token", "date", "plugin"],
        },
        "SiteRecognisedUser": {
            "type": "object",
            "properties": {"user_token": token, "identity": {"$ref": "#/components/schemas/SiteIdentity"}},
            "required": ["user_token", "identity"],
        },
        "SiteIdentity": {
            "type": "object",
            "properties": {"identity_token": token, "user_token": token, "provider": text, "externalid": nullable,
                "date_creation": date, "date_last_update": date},
            "required": ["identity_token", "provider", "externalid", "date_creation", "date_last_update"],
        },
        "SiteUser": {
            "type": "object",
            "properties": {"user_token": token, "login": text, "date_creation": date,
                "identity": {"$ref": "#/components/schemas/SiteIdentity"},
                "identities": {"type": "array", "items": {"$ref": "#/components/schemas/SiteIdentity"}}},
            "required": ["user_token", "login", "date_creation"],
        },
    })
}
