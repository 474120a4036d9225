//! The description of the API as a page to read: plain HTML, without scripts.

use minijinja::value::Serde;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::reply::html;

/// What a browser may do with the page: nothing but show it.
pub(in crate::http) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const TEMPLATE: &str = include_str!("templates/reference.html");

/// What the template shows.
#[derive(Debug, Serialize)]
struct Page<'a> {
    title: &'a str,
    version: &'a str,
    about: Vec<Vec<Part<'a>>>,
    tags: Vec<Tag<'a>>,
}

/// Text, some of it code.
#[derive(Debug, Serialize)]
struct Part<'a> {
    text: &'a str,
    is_code: bool,
}

#[derive(Debug, Serialize)]
struct Tag<'a> {
    name: &'a str,
    operations: Vec<Operation<'a>>,
}

#[derive(Debug, Serialize)]
struct Operation<'a> {
    id: &'a str,
    method: String,
    path: &'a str,
    summary: &'a str,
    tables: [Table<'a>; 2],
}

#[derive(Debug, Serialize)]
struct Table<'a> {
    heading: &'static str,
    rows: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    kind: String,
    is_required: bool,
}

/// The page of an OpenAPI document.
pub(in crate::http) fn page(document: &Value) -> String {
    let info = document.get("info");
    let page = Page {
        title: text(info, "title"),
        version: text(info, "version"),
        about: text(info, "description").split("\n\n").map(parts).collect(),
        tags: list(document.get("tags")).iter().map(|tag| with_operations(document, tag)).collect(),
    };
    // The template is part of the program, and the tests render it.
    html::render(TEMPLATE, Serde(&page)).unwrap_or_default()
}

/// What stands between backquotes is code.
fn parts(paragraph: &str) -> Vec<Part<'_>> {
    let parts = paragraph.split('`').enumerate();
    parts.map(|(i, text)| Part { text, is_code: i % 2 == 1 }).collect()
}

fn with_operations<'a>(document: &'a Value, tag: &'a Value) -> Tag<'a> {
    let name = text(Some(tag), "name");
    let all = object(document.get("paths")).flat_map(|(path, methods)| {
        object(Some(methods)).map(move |(method, operation)| (path.as_str(), method, operation))
    });
    let of_tag = all.filter(|(_, _, operation)| {
        list(operation.get("tags")).first().and_then(Value::as_str) == Some(name)
    });
    let operations = of_tag.map(|(path, method, operation)| Operation {
        id: text(Some(operation), "operationId"),
        method: method.to_ascii_uppercase(),
        path,
        summary: text(Some(operation), "summary"),
        tables: [
            Table { heading: "Element", rows: input(operation) },
            Table { heading: "Answer", rows: output(document, operation) },
        ],
    });
    Tag { name, operations: operations.collect() }
}

/// What an operation answers with.
fn output<'a>(document: &'a Value, operation: &'a Value) -> Vec<Row<'a>> {
    let answer = operation.pointer("/responses/200/content/application~1json/schema/allOf/1");
    let found = answer.map(|schema| properties(document, schema)).unwrap_or_default();
    found.into_iter().map(|(name, schema)| Row { name, kind: kind(schema), is_required: false }).collect()
}

/// What an operation takes, from the query or from the body.
fn input(operation: &Value) -> Vec<Row<'_>> {
    let parameters = list(operation.get("parameters")).iter().filter_map(|parameter| {
        let name = parameter.get("name")?.as_str()?;
        let schema = parameter.get("schema").or(parameter.pointer("/content/application~1json/schema"))?;
        Some((name, schema, parameter.get("required") == Some(&Value::Bool(true))))
    });
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    let required = list(body.and_then(|body| body.get("required")));
    let elements = object(body.and_then(|body| body.get("properties")));
    let elements =
        elements.map(|(name, schema)| (name.as_str(), schema, required.iter().any(|one| one == name)));
    let rows = parameters.chain(elements);
    rows.map(|(name, schema, is_required)| Row { name, kind: kind(schema), is_required }).collect()
}

/// The properties of a schema, and of those that it refers to or is one of.
fn properties<'a>(document: &'a Value, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let schema = resolved(document, schema);
    let own = object(schema.get("properties")).map(|(name, schema)| (name.as_str(), schema));
    let choices = ["anyOf", "oneOf"].into_iter().flat_map(|name| list(schema.get(name)));
    let mut found: Vec<_> = own.chain(choices.flat_map(|choice| properties(document, choice))).collect();
    let mut seen = Vec::new();
    found.retain(|(name, _)| {
        !seen.contains(name) && {
            seen.push(name);
            true
        }
    });
    found
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    target.unwrap_or(schema)
}

/// A schema in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return name.rsplit('/').next().unwrap_or(name).to_owned();
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    }
    let choices = list(schema.get("anyOf"));
    if !choices.is_empty() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => return "any".to_owned(),
    };
    match (schema.get("items"), schema.get("additionalProperties")) {
        (Some(items), _) => format!("{name} of {}", kind(items)),
        (None, Some(values)) if values.is_object() => format!("{name} of {}", kind(values)),
        _ => name,
    }
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: Option<&'a Value>, name: &str) -> &'a str {
    value.and_then(|value| value.get(name)).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{document, endpoints};

    #[test]
    fn every_endpoint_is_on_the_page() {
        let page = page(&document("/p"));
        // A slash is escaped, as the quotes are.
        let escaped = |path: &str| path.replace('/', "&#x2f;");
        for endpoint in endpoints() {
            let heading =
                format!("<b>{}</b> <code>&#x2f;p{}</code>", endpoint.method, escaped(endpoint.path));
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
        assert!(page.contains("<td><code>old_password</code></td><td>string</td><td></td>"));
        assert!(page.contains("<td><code>new_password</code></td><td>string</td><td>required</td>"));
        assert!(page.contains("<td><code>result</code></td><td>array of User</td>"));
        assert!(page.contains("<td><code>found</code></td>"), "an answer of several forms");
    }

    #[test]
    fn what_a_document_says_is_shown_and_not_run() {
        let page =
            page(&json!({"info": {"title": "<script>", "version": "\"1\""}, "tags": [{"name": "a&b"}]}));
        assert!(page.contains("<h1>&lt;script&gt; &quot;1&quot;</h1>") && page.contains("<h2>a&amp;b</h2>"));
    }

    #[test]
    fn an_empty_document_is_an_empty_page() {
        assert!(page(&Value::Null).ends_with("</html>\n"));
    }
}
