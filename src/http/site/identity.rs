//! Identities, as sites see them.

use std::borrow::Cow;

use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::domain::{self, Direction};
use crate::http::failure::Failure;
use crate::http::site::endpoint::{Answer, SiteEndpoint};
use crate::http::site::reply::{Done, List, Nothing};
use crate::http::site::request::{Body, Confirmation, NoInput, Paging, Query, SiteCall, Subject};
use crate::http::site::value::{Date, Flag, Text, Token};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let (all, one) = ("/identities", "/identities/{token}");
    let ok = StatusCode::OK;
    vec![
        SiteEndpoint::new(Method::GET, all, ok, "Lists the identities that the site has made", list),
        SiteEndpoint::new(Method::GET, one, ok, "Reads an identity that the site has made", get),
        SiteEndpoint::new(Method::DELETE, one, ok, "Deletes an identity that the site has made", delete),
        SiteEndpoint::new(
            Method::PUT,
            "/identities/{token}/link",
            ok,
            "Has an identity be another user's; the site has made both",
            link,
        ),
        SiteEndpoint::new(
            Method::PUT,
            "/identities/{token}/synchronize",
            ok,
            "Gives the user of an identity what its profile has and the user has not",
            synchronize,
        ),
    ]
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Identities {
    identities: List<OwnedFacts>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct One {
    identity: WithProfile<OwnedFacts>,
}

/// An identity, and its user.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Linked {
    user: Owner,
    identity: WithProfile<OwnedFacts>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Owner {
    user_token: Token,
}

/// An identity: what it was given, and what is known of it.
pub(in crate::http) type Identity = WithProfile<Facts>;

/// What is known of an identity.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "SiteIdentity")]
pub(in crate::http) struct Facts {
    identity_token: Token,
    provider: String,
    externalid: Option<String>,
    date_creation: Date,
    date_last_update: Date,
}

/// The same, and whose it is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteIdentityOfUser")]
struct OwnedFacts {
    #[serde(flatten)]
    facts: Facts,
    user_token: Token,
}

/// Facts among the elements of a profile. Where both have one, the fact counts.
#[derive(Clone)]
pub(in crate::http) struct WithProfile<F> {
    profile: Map<String, Value>,
    facts: F,
}

impl<F: Serialize> Serialize for WithProfile<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = self.profile.clone();
        if let Value::Object(facts) = serde_json::to_value(&self.facts).map_err(S::Error::custom)? {
            object.extend(facts);
        }
        object.serialize(serializer)
    }
}

impl<F: JsonSchema> JsonSchema for WithProfile<F> {
    fn schema_name() -> Cow<'static, str> {
        F::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = F::json_schema(generator);
        schema.insert("description".to_owned(), "The profile, and what is known of the identity.".into());
        schema
    }
}

impl From<domain::Identity> for Identity {
    fn from(identity: domain::Identity) -> Self {
        let facts = Facts {
            identity_token: Token(identity.identity_token),
            provider: identity.provider,
            externalid: identity.external_id,
            date_creation: Date(identity.creation_time),
            date_last_update: Date(identity.last_modified),
        };
        let profile = match identity.profile {
            Some(Value::Object(profile)) => profile,
            _ => Map::new(),
        };
        Self { profile, facts }
    }
}

impl From<domain::Identity> for One {
    fn from(identity: domain::Identity) -> Self {
        let user_token = Token(identity.user_token);
        let Identity { profile, facts } = identity.into();
        Self { identity: WithProfile { profile, facts: OwnedFacts { facts, user_token } } }
    }
}

async fn list(request: SiteCall, Query(paging): Query<Paging>) -> Answer<Identities> {
    let wanted = paging.or_in_order(Direction::Descending);
    let call = &request.call;
    let page = call.sso.list_site_identities(&call.ctx, &request.site, wanted).await?;
    let entry = |identity: domain::Identity| One::from(identity).identity.facts;
    Ok(Done::with(Identities { identities: List::of(wanted, "date_creation", page, entry) }))
}

async fn get(request: SiteCall, _: NoInput) -> Answer<One> {
    let call = &request.call;
    let found = call.sso.get_site_identity(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::with(found.into()))
}

async fn delete(request: SiteCall, Query(confirmation): Query<Confirmation>) -> Answer<Nothing> {
    confirmation.check()?;
    let call = &request.call;
    call.sso.delete_site_identity(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::saying("The identity has been deleted successfully", Nothing))
}

/// Whose an identity is to be.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Target {
    user_token: Option<Text>,
}

impl Subject for Target {
    const NAME: &'static str = "user";
}

async fn link(request: SiteCall, Body(given): Body<Target>) -> Answer<Linked> {
    let missing = "user_token is missing: send that of the user whose the identity is to be";
    let user_token = given.user_token.ok_or_else(|| Failure::bad(missing))?.0;
    let call = &request.call;
    let linked = call.sso.link_site_identity(&call.ctx, &request.site, &request.token, &user_token).await?;
    let user = Owner { user_token: Token(linked.user_token) };
    let data = Linked { user, identity: One::from(linked).identity };
    Ok(Done::saying("The identity has been linked successfully", data))
}

/// What is to be brought up to date.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Synchronize {
    /// Whether the user is; the default is true.
    update_user_data: Option<Flag>,
}

impl Subject for Synchronize {
    const NAME: &'static str = "synchronize";
}

async fn synchronize(request: SiteCall, Body(given): Body<Synchronize>) -> Answer<One> {
    let updates_user = given.update_user_data.is_none_or(|flag| flag.0);
    let call = &request.call;
    let identity =
        call.sso.synchronize_site_identity(&call.ctx, &request.site, &request.token, updates_user).await?;
    Ok(Done::saying("The identity has been synchronized successfully", identity.into()))
}
