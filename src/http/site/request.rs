//! Requests of the sessions API: who sends one, and what it says in its query string and its body.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::Request;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess};
use serde_json::{Map, Value};

use crate::domain::{Direction, PageRequest, Password};
use crate::http::app::App;
use crate::http::failure::Failure;
use crate::http::request::authorization::basic_credentials;
use crate::http::request::budget::is_within_budget;
use crate::http::request::extract;
use crate::http::request::extract::Call;
use crate::http::request::json::decode_pair;
use crate::http::site::value::{Flag, Number, object};
use crate::ops::Actor;

/// What ends the path of a resource; it may be left out.
pub(in crate::http) const SUFFIX: &str = ".json";

/// The part of a pattern of paths that stands for a token.
pub(in crate::http) const TOKEN: &str = "{token}";

/// How many entries a page has if the request does not say.
const ENTRIES_PER_PAGE: i64 = 250;

/// A request of a site that has proved who it is.
pub(in crate::http) struct SiteCall {
    /// On whose behalf, and from where.
    pub call: Call,
    /// The site.
    pub site: Actor,
    /// The token in the path, if there is one.
    pub token: String,
}

/// What a request says beside its path.
pub(in crate::http) struct Sent {
    query: Map<String, Value>,
    body: Value,
}

/// What an endpoint takes, how it is read, and its schemas.
pub(in crate::http) trait Input: Sized + Send + 'static {
    fn read(sent: Sent) -> Result<Self, Failure>;

    /// Describes the elements of the query string.
    fn query(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    /// Describes the body.
    fn body(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }
}

/// For endpoints that take nothing but the token in their path.
pub(in crate::http) struct NoInput;

/// Elements of the query string.
pub(in crate::http) struct Query<T>(pub T);

/// The object in the body that a request is about.
pub(in crate::http) struct Body<T>(pub T);

/// An object within another one.
pub(in crate::http) struct Part<T>(pub T);

/// An object that a request can be about.
pub(in crate::http) trait Subject: DeserializeOwned + JsonSchema + Send + 'static {
    /// What it is called: it stands under `request` and this.
    const NAME: &'static str;
}

/// An element of an object that may stand beside it instead.
const UPDATE_MODE: &str = "update_mode";

/// Elements that say something although they are empty: data, which is any JSON; a password, which sites pass on as a visitor
/// typed it; and the token of a device, which asks for one. Of any other an empty string is the same as none.
const MAY_BE_EMPTY: [&str; 3] = ["data", "password", "device_token"];

impl<T: JsonSchema> JsonSchema for Part<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Part<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = <D::Error as serde::de::Error>::custom::<String>;
        let object = object(Value::deserialize(deserializer)?)
            .ok_or_else(|| wrong("is not an object: send one, or leave it out".to_owned()))?;
        elements(object).map(Self).map_err(wrong)
    }
}

impl Input for NoInput {
    fn read(_: Sent) -> Result<Self, Failure> {
        Ok(Self)
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Input for Query<T> {
    fn read(sent: Sent) -> Result<Self, Failure> {
        from_elements(sent.query).map(Self)
    }

    fn query(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(T::json_schema(generator))
    }
}

impl<T: Subject> Input for Body<T> {
    fn read(sent: Sent) -> Result<Self, Failure> {
        from_elements(subject(sent.body, T::NAME)?).map(Self)
    }

    fn body(generator: &mut SchemaGenerator) -> Option<Schema> {
        let subject = generator.subschema_for::<T>();
        let request = json_schema!({"type": "object", "properties": {T::NAME: subject}});
        Some(json_schema!({"type": "object", "properties": {"request": request}}))
    }
}

/// Reads a request and authenticates its sender first: strangers are not told what is wrong with it.
pub(in crate::http) async fn read(
    app: Arc<App>,
    request: Request,
    pattern: &str,
) -> Result<(SiteCall, Sent), Failure> {
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
    let body = app.read_body(&parts, body).await?;
    let no_json = || Failure::bad("The body is not JSON: send a JSON object");
    let text = body.text().map_err(|_| no_json())?;
    let body = if text.trim_ascii().is_empty() {
        Value::Null
    } else if is_within_budget(text) {
        serde_json::from_str(text).map_err(|_| no_json())?
    } else {
        return Err(Failure::bad("The body is nested too deeply, or has too many values: send less"));
    };
    let query = parse_query(parts.uri.query().unwrap_or_default())
        .ok_or_else(|| Failure::bad("The query string is not encoded as it should be"))?;
    let token = token_in(pattern, parts.uri.path());
    Ok((SiteCall { call, site, token }, Sent { query, body }))
}

/// The part of a path where its pattern has the token.
fn token_in(pattern: &str, path: &str) -> String {
    let mut parts = pattern.split('/').zip(path.split('/'));
    let token = parts.find(|(pattern, _)| *pattern == TOKEN).map_or("", |(_, part)| part);
    token.strip_suffix(SUFFIX).unwrap_or(token).to_owned()
}

/// The pairs of a query string; of a name that stands there more than once the last one counts, as in JSON.
fn parse_query(query: &str) -> Option<Map<String, Value>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| decode_pair(pair).map(|(name, value)| (name, Value::String(value)))).collect()
}

/// The object of a body that a request is about; an empty one where there is none.
fn subject(body: Value, name: &'static str) -> Result<Map<String, Value>, Failure> {
    let read = |value: Option<Value>| object(value.unwrap_or_default());
    let subject = read(Some(body)).and_then(|mut body| {
        let mut request = read(body.remove("request"))?;
        let mut subject = read(request.remove(name))?;
        if let Some(mode) = request.remove(UPDATE_MODE) {
            subject.entry(UPDATE_MODE).or_insert(mode);
        }
        Some(subject)
    });
    subject.ok_or_else(|| {
        Failure::bad(format!("The body is not as expected: {{\"request\":{{\"{name}\":{{…}}}}}}"))
    })
}

/// Reads elements. What is wrong with one is said behind its name.
fn from_elements<T: DeserializeOwned>(given: Map<String, Value>) -> Result<T, Failure> {
    elements(given).map_err(Failure::bad)
}

/// The same, with what is wrong in words. What is empty is left out.
fn elements<T: DeserializeOwned>(mut given: Map<String, Value>) -> Result<T, String> {
    given.retain(|name, value| {
        !value.is_null() && (value.as_str() != Some("") || MAY_BE_EMPTY.contains(&name.as_str()))
    });
    let mut name = String::new();
    let elements = Elements { rest: given.into_iter(), value: Value::Null, name: &mut name };
    let read: serde_json::Result<T> = T::deserialize(MapAccessDeserializer::new(elements));
    read.map_err(|wrong| format!("{name} {wrong}"))
}

/// Elements, of which the name of the last one is kept.
struct Elements<'a> {
    rest: serde_json::map::IntoIter,
    value: Value,
    name: &'a mut String,
}

impl<'de> MapAccess<'de> for Elements<'_> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> serde_json::Result<Option<K::Value>> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        self.name.clone_from(&name);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> serde_json::Result<V::Value> {
        seed.deserialize(self.value.take())
    }
}

/// Which part of a list is wanted.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub(in crate::http) struct Paging {
    #[schemars(with = "Number", range(min = 1), extend("default" = 1))]
    page: Option<Number>,
    #[schemars(with = "Number", range(min = 1, max = 500), extend("default" = ENTRIES_PER_PAGE))]
    entries_per_page: Option<Number>,
    #[schemars(with = "Order")]
    order_direction: Option<Order>,
}

/// In which order a list is.
#[derive(Clone, Copy, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(in crate::http) enum Order {
    Asc,
    Desc,
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.to_ascii_lowercase().as_str() {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(serde::de::Error::custom("is neither asc nor desc: send one of these")),
        }
    }
}

impl From<Direction> for Order {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Ascending => Self::Asc,
            Direction::Descending => Self::Desc,
        }
    }
}

impl Paging {
    /// The page, in this order unless the request says otherwise.
    pub fn or_in_order(self, direction: Direction) -> PageRequest {
        PageRequest {
            page: self.page.map_or(1, |number| number.0),
            entries_per_page: self.entries_per_page.map_or(ENTRIES_PER_PAGE, |number| number.0),
            direction: match self.order_direction {
                None => direction,
                Some(Order::Asc) => Direction::Ascending,
                Some(Order::Desc) => Direction::Descending,
            },
        }
    }
}

/// That a deletion is meant.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub(in crate::http) struct Confirmation {
    #[schemars(with = "String", extend("enum" = ["true"]))]
    confirm_deletion: Option<Value>,
}

impl Confirmation {
    /// Refuses what is not confirmed.
    pub fn check(&self) -> Result<(), Failure> {
        let flag = self.confirm_deletion.clone().and_then(|value| serde_json::from_value::<Flag>(value).ok());
        if flag.is_some_and(|flag| flag.0) {
            return Ok(());
        }
        let unconfirmed =
            "Nothing was deleted: add confirm_deletion=true to the query string to confirm the deletion";
        Err(Failure::bad(unconfirmed))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paging(query: &str) -> Result<PageRequest, Failure> {
        let query = parse_query(query).unwrap();
        from_elements::<Paging>(query).map(|paging| paging.or_in_order(Direction::Descending))
    }

    #[test]
    fn what_is_wrong_with_an_element_is_said_behind_its_name() {
        for (query, expected) in [
            ("a=1&page=x&order_direction=asc", "page is not a whole number: leave it out or mend it"),
            (
                "page=1&entries_per_page=1.5",
                "entries_per_page is not a whole number: leave it out or mend it",
            ),
            ("order_direction=up", "order_direction is neither asc nor desc: send one of these"),
        ] {
            assert_eq!(paging(query).unwrap_err(), Failure::bad(expected), "{query}");
        }
    }

    #[test]
    fn a_page_has_defaults_for_what_is_left_out() {
        let direction = Direction::Descending;
        for empty in ["", "page=&entries_per_page=&order_direction=", "order_direction=DESC"] {
            assert_eq!(paging(empty).unwrap(), PageRequest { page: 1, entries_per_page: 250, direction });
        }
        let direction = Direction::Ascending;
        let given = paging("page=2&entries_per_page=3&order_direction=asc&unknown=1").unwrap();
        assert_eq!(given, PageRequest { page: 2, entries_per_page: 3, direction });
    }

    #[test]
    fn the_subject_of_a_body_is_an_object_or_left_out() {
        let read = |body: Value| subject(body, "user");
        for empty in [
            json!(null),
            json!({}),
            json!([]),
            json!({"request": null}),
            json!({"request": []}),
            json!({"request": {"user": null}}),
            json!({"request": {"user": []}}),
        ] {
            assert_eq!(read(empty.clone()).unwrap(), Map::new(), "{empty}");
        }
        let user = read(json!({"request": {"user": {"login": "ann"}, "other": 1}})).unwrap();
        assert_eq!(Value::Object(user), json!({"login": "ann"}));
        let beside = read(json!({"request": {"user": {"login": "ann"}, "update_mode": "append"}})).unwrap();
        assert_eq!(Value::Object(beside), json!({"login": "ann", "update_mode": "append"}));
        for wrong in [json!([1]), json!("a"), json!({"request": 1}), json!({"request": {"user": [1]}})] {
            let expected = "The body is not as expected: {\"request\":{\"user\":{…}}}";
            assert_eq!(read(wrong.clone()).unwrap_err(), Failure::bad(expected), "{wrong}");
        }
    }

    #[test]
    fn the_token_is_where_the_pattern_has_it() {
        for (pattern, path, token) in [
            ("/users/{token}", "/users/x.json", "x"),
            ("/users/{token}", "/users/x", "x"),
            ("/identities/{token}/link", "/identities/x/link.json", "x"),
            ("/users", "/users.json", ""),
        ] {
            assert_eq!(token_in(pattern, path), token, "{path}");
        }
    }

    #[test]
    fn what_is_empty_says_nothing_but_for_what_may_be_empty() {
        let read = |given: Value| elements::<Map<String, Value>>(object(given).unwrap()).unwrap();
        let given =
            json!({"login": "", "externalid": null, "password": "", "data": "", "a": "b", "identity": []});
        let expected = json!({"password": "", "data": "", "a": "b", "identity": []});
        assert_eq!(Value::Object(read(given)), expected);
    }
}
