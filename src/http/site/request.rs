//! Requests of the sessions API: who sends one, and what it says in its query string and its body.

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
use crate::http::site::value::Number;
use crate::ops::Actor;

/// What ends the path of a resource; it may be left out.
pub(in crate::http) const SUFFIX: &str = ".json";

/// How many entries a page has if the request does not say.
const ENTRIES_PER_PAGE: i64 = 250;

/// A request of a site that has proved who it is.
pub(in crate::http) struct SiteCall {
    /// On whose behalf, and from where.
    pub call: Call,
    /// The site.
    pub site: Actor,
    /// The token that ends the path, if one does.
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

/// An object that a request can be about.
pub(in crate::http) trait Subject: DeserializeOwned + JsonSchema + Send + 'static {
    /// What it is called: it stands under `request` and this.
    const NAME: &'static str;
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
pub(in crate::http) async fn read(app: Arc<App>, request: Request) -> Result<(SiteCall, Sent), Failure> {
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
    let body = app.bodies.read(body).await?;
    let no_json = || Failure::bad("The body is not JSON: send a JSON object");
    let text = body.text().map_err(|_| no_json())?;
    let body = if text.is_empty() {
        Value::Null
    } else if is_within_budget(text) {
        serde_json::from_str(text).map_err(|_| no_json())?
    } else {
        return Err(Failure::bad("The body is nested too deeply, or has too many values: send less"));
    };
    let query = parse_query(parts.uri.query().unwrap_or_default())
        .ok_or_else(|| Failure::bad("The query string is not encoded as it should be"))?;
    let path = parts.uri.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    let token = last.strip_suffix(SUFFIX).unwrap_or(last).to_owned();
    Ok((SiteCall { call, site, token }, Sent { query, body }))
}

/// The pairs of a query string; of a name that stands there more than once the last one counts, as in JSON.
fn parse_query(query: &str) -> Option<Map<String, Value>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| decode_pair(pair).map(|(name, value)| (name, Value::String(value)))).collect()
}

/// The object of a body that a request is about; an empty one where there is none.
fn subject(body: Value, name: &'static str) -> Result<Map<String, Value>, Failure> {
    let expected =
        || Failure::bad(format!("The body is not as expected: {{\"request\":{{\"{name}\":{{…}}}}}}"));
    let object = |value: Value| match value {
        Value::Null => Ok(Map::new()),
        Value::Object(object) => Ok(object),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(expected()),
    };
    let mut request = object(object(body)?.remove("request").unwrap_or_default())?;
    object(request.remove(name).unwrap_or_default())
}

/// Reads elements. What is wrong with one is said behind its name.
fn from_elements<T: DeserializeOwned>(given: Map<String, Value>) -> Result<T, Failure> {
    let mut name = String::new();
    let elements = Elements { rest: given.into_iter(), value: Value::Null, name: &mut name };
    let read: serde_json::Result<T> = T::deserialize(MapAccessDeserializer::new(elements));
    read.map_err(|wrong| Failure::bad(format!("{name} {wrong}")))
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
        match String::deserialize(deserializer)?.as_str() {
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
    confirm_deletion: Option<String>,
}

impl Confirmation {
    /// Refuses what is not confirmed.
    pub fn check(&self) -> Result<(), Failure> {
        if self.confirm_deletion.as_deref() == Some("true") {
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
            ("page=1&entries_per_page=", "entries_per_page is not a whole number: leave it out or mend it"),
            ("order_direction=ASC", "order_direction is neither asc nor desc: send one of these"),
        ] {
            assert_eq!(paging(query).unwrap_err(), Failure::bad(expected), "{query}");
        }
    }

    #[test]
    fn a_page_has_defaults_for_what_is_left_out() {
        let direction = Direction::Descending;
        assert_eq!(paging("").unwrap(), PageRequest { page: 1, entries_per_page: 250, direction });
        let direction = Direction::Ascending;
        let given = paging("page=2&entries_per_page=3&order_direction=asc&unknown=1").unwrap();
        assert_eq!(given, PageRequest { page: 2, entries_per_page: 3, direction });
    }

    #[test]
    fn the_subject_of_a_body_is_an_object_or_left_out() {
        let read = |body: Value| subject(body, "user");
        for empty in [json!(null), json!({}), json!({"request": null}), json!({"request": {"user": null}})] {
            assert_eq!(read(empty.clone()).unwrap(), Map::new(), "{empty}");
        }
        let user = read(json!({"request": {"user": {"login": "ann"}, "other": 1}})).unwrap();
        assert_eq!(Value::Object(user), json!({"login": "ann"}));
        for wrong in [json!([]), json!("a"), json!({"request": 1}), json!({"request": {"user": []}})] {
            let expected = "The body is not as expected: {\"request\":{\"user\":{…}}}";
            assert_eq!(read(wrong.clone()).unwrap_err(), Failure::bad(expected), "{wrong}");
        }
    }
}
