//! The envelope of every answer of the sessions API, in the format that OneAll documents.

use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::Timestamp;
use crate::http::site::value::Date;

/// What the paths of this API begin with, as whole names.
const ROOTS: [&str; 6] = ["/sso/sessions", "/storage", "/users", "/identities", "/connections", "/site"];

/// The resource that a request is about: path and query as requested. Only requests of this API have one.
#[derive(Clone, Debug)]
pub(in crate::http) struct Resource(PathAndQuery);

impl Resource {
    /// That of a request. What stands under the prefix of the other API is not of this one.
    pub fn of(uri: &Uri, prefix: &str) -> Option<Self> {
        let begins_with = |root: &str, ends: &[char]| match uri.path().strip_prefix(root) {
            Some(rest) => rest.is_empty() || rest.starts_with(ends),
            None => false,
        };
        let is_others = !prefix.is_empty() && begins_with(prefix, &['/']);
        let is_ours = !is_others && ROOTS.iter().any(|root| begins_with(root, &['/', '.']));
        uri.path_and_query().filter(|_| is_ours).cloned().map(Self)
    }
}

/// What an answer says about its request.
pub(in crate::http) struct About<'a> {
    pub resource: &'a Resource,
    pub now: Timestamp,
    pub flag: Flag,
    pub status: StatusCode,
    /// How it went, in words.
    pub info: &'a str,
}

/// How a request went.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(in crate::http) enum Flag {
    Success,
    Error,
}

/// An answer without a result.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteEnvelope")]
struct Envelope<'a> {
    response: Response<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Response<'a> {
    request: Request<'a>,
}

/// An answer with a result.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct FullEnvelope<'a, D> {
    response: FullResponse<'a, D>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct FullResponse<'a, D> {
    request: Request<'a>,
    result: Outcome<D>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Outcome<D> {
    data: D,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteRequest")]
struct Request<'a> {
    date: Date,
    /// Path and query as requested.
    resource: &'a str,
    status: Status<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Status<'a> {
    flag: Flag,
    /// The status of the response.
    code: u16,
    info: &'a str,
}

/// The body of an answer, with the data that it has, if any.
pub(in crate::http) fn written(about: &About<'_>, data: Option<&RawValue>) -> String {
    let About { resource, now, flag, status, info } = *about;
    let status = Status { flag, code: status.as_u16(), info };
    let request = Request { date: Date(now), resource: resource.0.as_str(), status };
    let written = match data {
        None => serde_json::to_string(&Envelope { response: Response { request } }),
        Some(data) => {
            let response = FullResponse { request, result: Outcome { data } };
            serde_json::to_string(&FullEnvelope { response })
        }
    };
    // Writing to a string does not fail.
    written.unwrap_or_default()
}

/// Describes an answer with data of this type.
pub(in crate::http) fn describe_full<D: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<FullEnvelope<'static, D>>()
}

/// Describes an answer without a result: that of a deletion, and every refusal.
pub(in crate::http) fn describe(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Envelope<'static>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_paths_of_this_api_are_its_resources() {
        let resource = |text: &'static str| Resource::of(&Uri::from_static(text), "/zato/sso");
        for ours in [
            "/sso/sessions.json?page=1",
            "/sso/sessions/x",
            "/storage/users.json",
            "/users",
            "/users/x.json",
            "/identities/x",
            "/identities.json",
            "/connections.json?",
            "/site.json",
            "/site.xml",
            "/site/x",
            "/storage",
        ] {
            assert_eq!(resource(ours).unwrap().0.as_str(), ours);
        }
        for other in [
            "/zato/sso/user",
            "/usersx",
            "/sitemap.xml",
            "/sso/sessionsx",
            "/sso/check",
            "/sso/library.js",
            "/health",
            "/",
        ] {
            assert!(resource(other).is_none(), "{other}");
        }
        assert!(Resource::of(&Uri::from_static("/site/user"), "/site").is_none());
    }
}
