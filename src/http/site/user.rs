//! Users, as sites see them.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::domain::{Code, Direction, Error};
use crate::http::failure::Failure;
use crate::http::site::endpoint::{Answer, SiteEndpoint};
use crate::http::site::identity::Identity;
use crate::http::site::reply::{Done, List, Nothing};
use crate::http::site::request::{Body, Confirmation, NoInput, Paging, Part, Query, SiteCall, Subject};
use crate::http::site::value::{Date, Profile, Secret, Text, Token};
use crate::ops::{NewSiteUser, SiteProof, SiteUser, SiteUserUpdate, UpdateMode, UserKey};

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<SiteEndpoint> {
    let (all, one, stored) = ("/users", "/users/{token}", "/storage/users/{token}");
    let (ok, created) = (StatusCode::OK, StatusCode::CREATED);
    vec![
        SiteEndpoint::new(Method::POST, "/storage/users", created, "Makes a user", create),
        SiteEndpoint::new(
            Method::POST,
            "/storage/users/user/lookup",
            ok,
            "Finds a user by login, user_token or externalid, and verifies the password if there is one",
            look_up,
        ),
        SiteEndpoint::new(
            Method::PUT,
            "/storage/users/user/synchronize",
            ok,
            "Changes the user that the site knows by this, or makes one",
            synchronize,
        )
        .or(created),
        SiteEndpoint::new(Method::PUT, stored, ok, "Changes a user that the site has made", update),
        SiteEndpoint::new(Method::POST, stored, ok, "Gives a user that the site has made an externalid", map),
        SiteEndpoint::new(Method::GET, all, ok, "Lists the users that the site has made", list),
        SiteEndpoint::new(Method::GET, one, ok, "Reads a user that the site has made", get),
        SiteEndpoint::new(Method::DELETE, one, ok, "Deletes a user that the site has made", delete),
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

/// A user in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteUserEntry")]
struct Entry {
    user_token: Token,
    /// Null for a user who was made without one.
    login: Option<String>,
    date_creation: Date,
}

/// A user alone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SiteUser")]
struct User {
    #[serde(flatten)]
    entry: Entry,
    /// The name that the site knows the user by.
    externalid: Option<String>,
    /// The one that the site would start sessions for.
    identity: Option<Identity>,
    /// All of them, oldest first.
    identities: Vec<Identity>,
}

impl From<SiteUser> for Entry {
    fn from(user: SiteUser) -> Self {
        Self {
            user_token: Token(user.user_token),
            login: user.login().map(str::to_owned),
            date_creation: Date(user.user.sign_up_time),
        }
    }
}

impl From<SiteUser> for One {
    fn from(mut user: SiteUser) -> Self {
        let identities: Vec<Identity> =
            std::mem::take(&mut user.identities).into_iter().map(Identity::from).collect();
        let identity = identities.first().cloned();
        let externalid = user.external_id.take();
        Self { user: User { entry: user.into(), externalid, identity, identities } }
    }
}

/// What a site says of a user.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(inline)]
struct Given {
    login: Option<Text>,
    password: Option<Secret>,
    externalid: Option<Text>,
    identity: Option<Profile>,
    /// What becomes of the former profile. It may also stand beside the user.
    #[schemars(with = "Option<Mode>")]
    update_mode: Option<Mode>,
}

impl Subject for Given {
    const NAME: &'static str = "user";
}

/// What becomes of a profile that is told anew.
#[derive(Clone, Copy, JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Mode {
    Replace,
    Append,
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)?.as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "replace" => Ok(Self::Replace),
            "append" => Ok(Self::Append),
            _ => Err(serde::de::Error::custom("is neither replace nor append: send one of these")),
        }
    }
}

impl From<Given> for SiteUserUpdate {
    fn from(given: Given) -> Self {
        Self {
            login: given.login.map(|text| text.0),
            password: given.password.map(|password| password.0),
            external_id: given.externalid.map(|text| text.0),
            // Who has nothing to say of the identity says so by an empty one.
            profile: given
                .identity
                .filter(|profile| !profile.0.is_empty())
                .map(|profile| Value::Object(profile.0)),
            mode: match given.update_mode {
                Some(Mode::Append) => UpdateMode::Append,
                Some(Mode::Replace) | None => UpdateMode::Replace,
            },
        }
    }
}

async fn create(request: SiteCall, Body(given): Body<Given>) -> Answer<One> {
    let SiteUserUpdate { login, password, external_id, profile, mode: _ } = given.into();
    if login.is_none() && external_id.is_none() && profile.is_none() {
        return Err(Failure::bad("Nothing is said of the user: send login, externalid or identity"));
    }
    let new = NewSiteUser { login, password, external_id, profile };
    let call = &request.call;
    let user = call.sso.create_site_user(&call.ctx, &request.site, new).await?;
    Ok(Done::saying("The user has been created successfully", user.into()))
}

/// A user who was looked up.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Found {
    #[serde(flatten)]
    one: One,
    /// For the next look-up from the visitor's device, where one was asked for and is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

/// What a user is found by: the first of these that is given.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Credentials {
    login: Option<Text>,
    user_token: Option<Text>,
    externalid: Option<Text>,
    /// Without it, the user must be one of the site's own.
    password: Option<Secret>,
    totp_code: Option<Secret>,
    /// What an earlier look-up from the visitor's device has answered with, or an empty text, which asks for one.
    device_token: Option<Secret>,
}

impl Subject for Credentials {
    const NAME: &'static str = "user";
}

impl Credentials {
    fn key(&mut self) -> Option<UserKey> {
        let mut taken = |text: fn(&mut Self) -> &mut Option<Text>| text(self).take().map(|text| text.0);
        taken(|given| &mut given.login)
            .map(UserKey::Login)
            .or_else(|| taken(|given| &mut given.user_token).map(UserKey::UserToken))
            .or_else(|| taken(|given| &mut given.externalid).map(UserKey::ExternalId))
    }
}

async fn look_up(request: SiteCall, Body(mut given): Body<Credentials>) -> Answer<Found> {
    let (key, call) = (given.key(), &request.call);
    // An empty password is a wrong one, and not none: sites pass on what a visitor has typed.
    let Some(password) = given.password else {
        let missing = "Nothing says which user: send login, user_token or externalid";
        let key = key.ok_or_else(|| Failure::bad(missing))?;
        let user = call.sso.find_site_user(&call.ctx, &request.site, key).await?;
        return Ok(Done::with(Found { one: user.into(), device_token: None }));
    };
    let key = key.unwrap_or_else(|| UserKey::Login(String::new()));
    let proof = SiteProof {
        password: password.0,
        totp_code: given.totp_code.map(|code| code.0),
        device_token: given.device_token.map(|token| token.0),
    };
    let found = call.sso.look_up_site_user(&call.ctx, &request.site, key, proof).await;
    let (user, device_token) = found.map_err(|error| match error {
        Error::Refused { code: code @ Code::AuthNotAllowed, .. } => Failure::Unauthorized {
            code,
            detail: "The credentials are not right: check login and password".into(),
        },
        other => other.into(),
    })?;
    let device_token = device_token.map(|token| token.expose().to_owned());
    Ok(Done::with(Found { one: user.into(), device_token }))
}

/// Which user is to be changed or made, and what is said of them.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Synchronize {
    identifier: Option<Part<Identifier>>,
    user: Option<Part<Given>>,
    #[schemars(with = "Option<Mode>")]
    update_mode: Option<Mode>,
}

impl Subject for Synchronize {
    const NAME: &'static str = "synchronize";
}

/// What a user is known by.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Identifier {
    #[schemars(with = "Option<String>", extend("enum" = ["user_token", "externalid", "login"]))]
    field: Option<Text>,
    value: Option<Text>,
}

impl Identifier {
    fn key(self) -> Option<UserKey> {
        let value = self.value?.0;
        match self.field?.0.to_ascii_lowercase().as_str() {
            "user_token" => Some(UserKey::UserToken(value)),
            "externalid" => Some(UserKey::ExternalId(value)),
            "login" => Some(UserKey::Login(value)),
            _ => None,
        }
    }
}

async fn synchronize(request: SiteCall, Body(given): Body<Synchronize>) -> Answer<One> {
    let key = given
        .identifier
        .and_then(|identifier| identifier.0.key())
        .ok_or_else(|| Failure::bad("identifier: send field (user_token, externalid or login), and value"))?;
    let mut told = given.user.map(|user| user.0).unwrap_or_default();
    // What stands in the user counts, as in other requests.
    told.update_mode = told.update_mode.or(given.update_mode);
    let call = &request.call;
    let (user, is_new) = call.sso.synchronize_site_user(&call.ctx, &request.site, key, told.into()).await?;
    let done = if is_new {
        let done = Done::saying("The user has been created successfully", user.into());
        Done { status: Some(StatusCode::CREATED), ..done }
    } else {
        Done::saying("The user has been updated successfully", user.into())
    };
    Ok(done)
}

async fn update(request: SiteCall, Body(given): Body<Given>) -> Answer<One> {
    let call = &request.call;
    let user = call.sso.update_site_user(&call.ctx, &request.site, &request.token, given.into()).await?;
    Ok(Done::saying("The user has been updated successfully", user.into()))
}

/// The name that a site gives a user.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Mapping {
    externalid: Option<Text>,
}

impl Subject for Mapping {
    const NAME: &'static str = "user";
}

async fn map(request: SiteCall, Body(given): Body<Mapping>) -> Answer<One> {
    let missing = "externalid is missing: send the name that the site knows the user by";
    let external_id = given.externalid.ok_or_else(|| Failure::bad(missing))?.0;
    let call = &request.call;
    let user = call.sso.map_site_user(&call.ctx, &request.site, &request.token, external_id).await?;
    Ok(Done::saying("The externalid has been mapped successfully", user.into()))
}

async fn delete(request: SiteCall, Query(confirmation): Query<Confirmation>) -> Answer<Nothing> {
    confirmation.check()?;
    let call = &request.call;
    call.sso.delete_site_user(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::saying("The user has been deleted successfully", Nothing))
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
