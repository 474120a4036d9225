//! The description of the API as a page to read: plain HTML, without scripts.

use std::fmt::{self, Write};

use serde_json::{Map, Value};

/// What a browser may do with the page: nothing but show it.
pub(in crate::http) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}
h2{border-bottom:1px solid #ccc;margin-top:3rem}h3{margin:2rem 0 .2rem}code{font:.9em ui-monospace,monospace}
h3 b{display:inline-block;min-width:4.5rem;color:#0b57a4}table{border-collapse:collapse;margin:.5rem 0}
th,td{text-align:left;padding:.15rem 1rem .15rem 0;vertical-align:top}th{font-weight:600;color:#666}
@media(prefers-color-scheme:dark){body{background:#17171b;color:#e3e3e8}h2{border-color:#444}h3 b{color:#7db5f0}th{color:#999}}";

/// The page of an OpenAPI document.
pub(in crate::http) fn page(document: &Value) -> String {
    // Writing to a string does not fail.
    written(document).unwrap_or_default()
}

fn written(document: &Value) -> Result<String, fmt::Error> {
    let mut html = String::new();
    let info = document.get("info");
    let (title, version) = (text(info, "title"), text(info, "version"));
    write!(
        &mut html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} {version}</title>\
         <style>{STYLE}</style></head>\n<body><h1>{title} {version}</h1>\n"
    )?;
    for paragraph in text(info, "description").split("\n\n") {
        writeln!(&mut html, "<p>{}</p>", code(paragraph))?;
    }
    writeln!(&mut html, "<p>For programs: <a href=\"/openapi.json\">openapi.json</a></p>")?;
    for tag in list(document.get("tags")) {
        let tag = text(Some(tag), "name");
        writeln!(&mut html, "<h2>{tag}</h2>")?;
        for (path, methods) in object(document.get("paths")) {
            for (method, operation) in object(Some(methods)) {
                if list(operation.get("tags")).first().and_then(Value::as_str) == Some(tag.as_str()) {
                    write_operation(&mut html, document, path, method, operation)?;
                }
            }
        }
    }
    html.push_str("</body></html>\n");
    Ok(html)
}

fn write_operation(
    html: &mut String,
    document: &Value,
    path: &str,
    method: &str,
    operation: &Value,
) -> fmt::Result {
    let id = text(Some(operation), "operationId");
    let (method, path) = (method.to_ascii_uppercase(), escape(path));
    writeln!(html, "<h3 id=\"{id}\"><b>{method}</b> <code>{path}</code></h3>")?;
    writeln!(html, "<p>{}</p>", text(Some(operation), "summary"))?;
    let input = input(operation);
    if !input.is_empty() {
        html.push_str("<table><tr><th>Element</th><th>Type</th><th></th></tr>\n");
        for (name, schema, is_required) in input {
            let need = if is_required { "required" } else { "" };
            row(html, name, &kind(schema), need)?;
        }
        html.push_str("</table>\n");
    }
    let answer = operation.pointer("/responses/200/content/application~1json/schema/allOf/1");
    let output = answer.map(|schema| properties(document, schema)).unwrap_or_default();
    if !output.is_empty() {
        html.push_str("<table><tr><th>Answer</th><th>Type</th><th></th></tr>\n");
        for (name, schema) in output {
            row(html, name, &kind(schema), "")?;
        }
        html.push_str("</table>\n");
    }
    Ok(())
}

fn row(html: &mut String, name: &str, kind: &str, need: &str) -> fmt::Result {
    writeln!(html, "<tr><td><code>{}</code></td><td>{}</td><td>{need}</td></tr>", escape(name), escape(kind))
}

/// Name, schema and need of what an operation takes, from the query or from the body.
fn input(operation: &Value) -> Vec<(&str, &Value, bool)> {
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
    parameters.chain(elements).collect()
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

/// A text of an object, escaped.
fn text(value: Option<&Value>, name: &str) -> String {
    escape(value.and_then(|value| value.get(name)).and_then(Value::as_str).unwrap_or_default())
}

/// Text that stands in HTML, also within double quotes.
pub(in crate::http) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Makes `these` look like code.
fn code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(i, part)| if i % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{document, endpoints};

    #[test]
    fn every_endpoint_is_on_the_page() {
        let page = page(&document("/p"));
        for endpoint in endpoints() {
            let heading = format!("<b>{}</b> <code>/p{}</code>", endpoint.method, endpoint.path);
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
