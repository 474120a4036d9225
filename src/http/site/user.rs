//! Users and identities, as sites see them.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::domain::{Code, Direction, Error, Identity, Password};
use crate::http::failure::Failure;
use crate::http::site::envelope::{Done, SiteCall, SiteEndpoint, listed, text};
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
        SiteEndpoint::new(Method::GET, "/users", ok, "Lists all users", list),
        SiteEndpoint::new(Method::GET, "/users/{token}", ok, "Reads a user", get),
        SiteEndpoint::new(Method::GET, "/identities/{token}", ok, "Reads an identity", get_identity),
    ]
}

async fn create(request: SiteCall) -> Result<Done, Failure> {
    let mut given = request.object("user")?;
    let login = text(&mut given, "login")?;
    let new = NewSiteUser {
        login: login.ok_or_else(|| Failure::bad("login is missing: send the name to log in with"))?,
        password: text(&mut given, "password")?.map(Password::from),
        external_id: text(&mut given, "externalid")?,
        profile: profile(&mut given)?,
    };
    let call = &request.call;
    let user = call.sso.create_site_user(&call.ctx, &request.site, new).await?;
    Ok(Done { info: "The user has been created successfully", data: Some(json!({"user": object(&user)})) })
}

async fn look_up(request: SiteCall) -> Result<Done, Failure> {
    let mut given = request.object("user")?;
    let login = text(&mut given, "login")?.unwrap_or_default();
    let password = Password::from(text(&mut given, "password")?.unwrap_or_default());
    let totp_code = text(&mut given, "totp_code")?.map(Password::from);
    let call = &request.call;
    let found = call.sso.look_up_site_user(&call.ctx, &request.site, &login, password, totp_code).await;
    let user = found.map_err(|error| match error {
        Error::Refused { code: code @ Code::AuthNotAllowed, .. } => {
            let detail = "The credentials are not right: check login and password".into();
            Failure::Unauthorized { code, detail }
        }
        other => other.into(),
    })?;
    Ok(Done::with("user", object(&user)))
}

async fn update(request: SiteCall) -> Result<Done, Failure> {
    let mut given = request.object("user")?;
    let update = SiteUserUpdate {
        login: text(&mut given, "login")?,
        password: text(&mut given, "password")?.map(Password::from),
        external_id: text(&mut given, "externalid")?,
        profile: profile(&mut given)?,
    };
    let call = &request.call;
    let user = call.sso.update_site_user(&call.ctx, &request.site, &request.token, update).await?;
    Ok(Done { info: "The user has been updated successfully", data: Some(json!({"user": object(&user)})) })
}

async fn list(request: SiteCall) -> Result<Done, Failure> {
    let wanted = request.page(Direction::Ascending)?;
    let call = &request.call;
    let page = call.sso.list_site_users(&call.ctx, &request.site, wanted).await?;
    let entries = page.result.iter().map(|user| Value::Object(entry(user))).collect();
    Ok(Done::with("users", listed(wanted, "login", &page, entries)))
}

async fn get(request: SiteCall) -> Result<Done, Failure> {
    let call = &request.call;
    let user = call.sso.get_site_user(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::with("user", object(&user)))
}

async fn get_identity(request: SiteCall) -> Result<Done, Failure> {
    let call = &request.call;
    let identity = call.sso.get_site_identity(&call.ctx, &request.site, &request.token).await?;
    Ok(Done::with("identity", of_user(&identity)))
}

/// A profile is an object, or it is not given.
fn profile(given: &mut Map<String, Value>) -> Result<Option<Value>, Failure> {
    match given.remove("identity") {
        None | Some(Value::Null) => Ok(None),
        Some(profile @ Value::Object(_)) => Ok(Some(profile)),
        Some(_) => Err(Failure::bad("identity is not an object: send one, or leave it out")),
    }
}

/// A user in a list.
fn entry(user: &SiteUser) -> Map<String, Value> {
    let pairs = [
        ("user_token", json!(user.user_token.to_string())),
        ("login", json!(user.user.username)),
        ("date_creation", json!(user.user.sign_up_time.to_rfc_2822())),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A user alone: with the identity that the site would start sessions for, and all of them.
fn object(user: &SiteUser) -> Value {
    let mut object = entry(user);
    let identities: Vec<Value> = user.identities.iter().map(self::identity).collect();
    object.insert("identity".to_owned(), identities.first().cloned().unwrap_or_default());
    object.insert("identities".to_owned(), identities.into());
    Value::Object(object)
}

/// An identity: what it was given, and what is known of it.
pub(in crate::http) fn identity(identity: &Identity) -> Value {
    let mut object = match &identity.profile {
        Some(Value::Object(profile)) => profile.clone(),
        _ => Map::new(),
    };
    for (name, value) in [
        ("identity_token", json!(identity.identity_token.to_string())),
        ("provider", json!(identity.provider)),
        ("externalid", json!(identity.external_id)),
        ("date_creation", json!(identity.creation_time.to_rfc_2822())),
        ("date_last_update", json!(identity.last_modified.to_rfc_2822())),
    ] {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

/// The same, and whose it is.
fn of_user(identity: &Identity) -> Value {
    let mut object = self::identity(identity);
    if let Value::Object(object) = &mut object {
        object.insert("user_token".to_owned(), json!(identity.user_token.to_string()));
    }
    object
}
