//! Users and identities, as sites see them.

use std::borrow::Cow;

use axum::http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::domain::{Code, Direction, Error, Password};
use crate::http::failure::Failure;
use crate::http::site::endpoint::{Answer, SiteEndpoint};
use crate::http::site::reply::{Done, List};
use crate::http::site::request::{Body, NoInput, Paging, Query, SiteCall, Subject};
use crate::http::site::value::{Date, Profile, Secret, Text, Token};
use crate::ops::{NewSiteUser, SiteUser, SiteUserUpdate};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let ok = StatusCode::OK;
    vec![
        SiteEndpoint::new(Method::POST, "/storage/users", StatusCode::CREATED, "Makes a user", create),
        SiteEndpoint::new(
            Method::POST,
            "/storage/users/user/lookup",
            ok,
            "Finds the user who has this login and password",
            look_up,
        ),
        SiteEndpoint::new(
            Method::PUT,
            "/storage/users/{token}",
            ok,
            "Changes a user that the site has made",
            update,
        ),
        SiteEndpoint::new(Method::GET, "/users", ok, "Lists the users that the site has made", list),
        SiteEndpoint::new(Method::GET, "/users/{token}", ok, "Reads a user that the site has made", get),
        SiteEndpoint::new(
            Method::GET,
            "/identities/{token}",
            ok,
            "Reads an identity that the site has made",
            get_identity,
        ),
    ]
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Users {
    users: List<Entry>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct One {
    user: User,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct OneIdentity {
    identity: WithProfile<OwnedFacts>,
}

/// A user in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteUserEntry")]
struct Entry {
    user_token: Token,
    login: String,
    date_creation: Date,
}

/// A user alone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteUser")]
struct User {
    #[serde(flatten)]
    entry: Entry,
    /// The one that the site would start sessions for.
    identity: Option<Identity>,
    /// All of them, oldest first.
    identities: Vec<Identity>,
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

impl From<crate::domain::Identity> for Identity {
    fn from(identity: crate::domain::Identity) -> Self {
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

impl From<SiteUser> for Entry {
    fn from(user: SiteUser) -> Self {
        Self {
            user_token: Token(user.user_token),
            login: user.user.username,
            date_creation: Date(user.user.sign_up_time),
        }
    }
}

impl From<SiteUser> for One {
    fn from(mut user: SiteUser) -> Self {
        let identities: Vec<Identity> =
            std::mem::take(&mut user.identities).into_iter().map(Identity::from).collect();
        let identity = identities.first().cloned();
        Self { user: User { entry: user.into(), identity, identities } }
    }
}

/// What a site says of a user.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Given {
    login: Option<Text>,
    password: Option<Secret>,
    externalid: Option<Text>,
    identity: Option<Profile>,
}

impl Subject for Given {
    const NAME: &'static str = "user";
}

async fn create(request: SiteCall, Body(given): Body<Given>) -> Answer<One> {
    let new = NewSiteUser {
        login: given.login.ok_or_else(|| Failure::bad("login is missing: send the name to log in with"))?.0,
        password: given.password.map(|password| password.0),
        external_id: given.externalid.map(|text| text.0),
        profile: given.identity.map(|profile| Value::Object(profile.0)),
    };
    let call = &request.call;
    let user = call.sso.create_site_user(&call.ctx, &request.site, new).await?;
    Ok(Done { info: "The user has been created successfully", data: user.into() })
}

/// What a user is found by.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Credentials {
    login: Option<Text>,
    password: Option<Secret>,
    totp_code: Option<Secret>,
}

impl Subject for Credentials {
    const NAME: &'static str = "user";
}

async fn look_up(request: SiteCall, Body(given): Body<Credentials>) -> Answer<One> {
    let login = given.login.map_or_else(String::new, |text| text.0);
    let password = given.password.map_or_else(|| Password::from(""), |password| password.0);
    let totp_code = given.totp_code.map(|code| code.0);
    let call = &request.call;
    let found = call.sso.look_up_site_user(&call.ctx, &request.site, &login, password, totp_code).await;
    let user = found.map_err(|error| match error {
        Error::Refused { code: code @ Code::AuthNotAllowed, .. } => Failure::Unauthorized {
            code,
            detail: "The credentials are not right: check login and password".into(),
        },
        other => other.into(),
    })?;
    Ok(Done::with(user.into()))
}

async fn update(request: SiteCall, Body(given): Body<Given>) -> Answer<One> {
    let update = SiteUserUpdate {
        login: given.login.map(|text| text.0),
        password: given.password.map(|password| password.0),
        external_id: given.externalid.map(|text| text.0),
        profile: given.identity.map(|profile| Value::Object(profile.0)),
    };
    let call = &request.call;
    let user = call.sso.update_site_user(&call.ctx, &request.site, &request.token, update).await?;
    Ok(Done { info: "The user has been updated successfully", data: user.into() })
}

async fn list(request: SiteCall, Query(paging): Query<Paging>) -> Answer<Users> {
    let wanted = paging.or_in_order(Direction::Ascending);
    let call = &request.call;
    let page = call.sso.list_site_users(&call.ctx, &request.site, wanted).await?;
    Ok(Done::with(Users { users: List::of(wanted, "login", page, Entry::from) }))
}

async fn get(request: SiteCall, _: NoInput) -> Answer<One> {
    let call = &request.call;
    let user = call.sso.get_site_user(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::with(user.into()))
}

async fn get_identity(request: SiteCall, _: NoInput) -> Answer<OneIdentity> {
    let call = &request.call;
    let found = call.sso.get_site_identity(&call.ctx, &request.site, &request.token).await?;
    let user_token = Token(found.user_token);
    let Identity { profile, facts } = found.into();
    Ok(Done::with(OneIdentity { identity: WithProfile { profile, facts: OwnedFacts { facts, user_token } } }))
}
