//! Clients of the OpenID Provider, for super-users.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Client, ClientUpdate, ClientWithSecret, Edit, Operation};
use crate::http::api::endpoint::Endpoint;
use crate::http::failure::Failure;
use crate::http::reply::success::{Answer, Nothing, Reply};
use crate::http::request::extract::Call;
use crate::http::request::value::Number;

/// For how many hours a secret that is replaced stays valid, unless a call says otherwise.
const KEEP_OLD_FOR: i64 = 24;

/// The endpoints of this block.
pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/client", &[Operation::ClientCreate], create)
            .about("Creates a client of the OpenID Provider, for super-users: its secret is told once"),
        Endpoint::new(Method::GET, "/client", &[Operation::ClientGet], get)
            .about("Returns a client, for super-users"),
        Endpoint::new(Method::GET, "/client/list", &[Operation::ClientGetList], list)
            .about("Lists all clients, for super-users"),
        Endpoint::new(Method::PATCH, "/client", &[Operation::ClientUpdate], update)
            .about("Changes a client, for super-users"),
        Endpoint::new(Method::DELETE, "/client", &[Operation::ClientDelete], delete)
            .about("Deletes a client, for super-users"),
        Endpoint::new(Method::POST, "/client/secret", &[Operation::ClientRotateSecret], rotate_secret)
            .about("Gives a client a new secret, for super-users; the one before stays valid for a while"),
    ]
}

input! {
    /// The session that acts, and a new client.
    New {
        required { ust: Acting, kind: Text }
        optional {}
        editable {
            name: Text, redirect_uris: Names, post_logout_redirect_uris: Names, backchannel_logout_uri: Text,
            scopes: Names, grants: Names, auth_method: Text, jwks: Text, jwks_uri: Text, id_token_alg: Text,
            access_token_format: Text, access_token_lifetime: Number, refresh_token_lifetime: Number,
            refresh_token_idle: Number, default_audience: Text, audiences: Names,
            own_audiences: Names, is_trusted: Flag,
            require_pkce: Flag, app: Text, logo_uri: Text, policy_uri: Text, tos_uri: Text,
            pairwise_sector: Text, is_active: Flag
        }
    }
}

input! {
    /// The session that acts.
    Own {
        required { ust: Acting }
        optional {}
    }
}

input! {
    /// The session that acts, and a client.
    On {
        required { ust: Acting, client_id: Text }
        optional {}
    }
}

input! {
    /// The session that acts, a client, and what becomes of it.
    Change {
        required { ust: Acting, client_id: Text }
        optional {}
        editable {
            name: Text, redirect_uris: Names, post_logout_redirect_uris: Names, backchannel_logout_uri: Text,
            scopes: Names, grants: Names, auth_method: Text, jwks: Text, jwks_uri: Text, id_token_alg: Text,
            access_token_format: Text, access_token_lifetime: Number, refresh_token_lifetime: Number,
            refresh_token_idle: Number, default_audience: Text, audiences: Names,
            own_audiences: Names, is_trusted: Flag,
            require_pkce: Flag, app: Text, logo_uri: Text, policy_uri: Text, tos_uri: Text,
            pairwise_sector: Text, is_active: Flag
        }
    }
}

input! {
    /// The session that acts, a client, and for how many hours the secret that it has stays valid.
    Rotation {
        required { ust: Acting, client_id: Text }
        optional { keep_old_for: Number }
    }
}

/// A client. What has no value is left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Client")]
struct Shown {
    client_id: String,
    name: String,
    kind: &'static str,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_uri: Option<String>,
    scopes: Vec<String>,
    grants: Vec<&'static str>,
    auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    id_token_alg: &'static str,
    access_token_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_lifetime: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_lifetime: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_idle: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_audience: Option<String>,
    audiences: Vec<String>,
    own_audiences: Vec<String>,
    is_trusted: bool,
    require_pkce: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pairwise_sector: Option<String>,
    is_active: bool,
    creation_time: String,
    last_modified: String,
}

impl From<Client> for Shown {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.client_id.as_str().to_owned(),
            name: client.name,
            kind: client.kind.as_str(),
            redirect_uris: client.redirect_uris,
            post_logout_redirect_uris: client.post_logout_redirect_uris,
            backchannel_logout_uri: client.backchannel_logout_uri,
            scopes: client.scopes,
            grants: client.grants.iter().map(|grant| grant.as_str()).collect(),
            auth_method: client.auth_method.as_str(),
            jwks: client.jwks,
            jwks_uri: client.jwks_uri,
            id_token_alg: client.id_token_alg.as_str(),
            access_token_format: client.access_token_format.as_str(),
            access_token_lifetime: client.access_token_lifetime,
            refresh_token_lifetime: client.refresh_token_lifetime,
            refresh_token_idle: client.refresh_token_idle,
            default_audience: client.default_audience,
            audiences: client.audiences,
            own_audiences: client.own_audiences,
            is_trusted: client.is_trusted,
            require_pkce: client.require_pkce,
            app: client.app,
            logo_uri: client.logo_uri,
            policy_uri: client.policy_uri,
            tos_uri: client.tos_uri,
            pairwise_sector: client.pairwise_sector,
            is_active: client.is_active,
            creation_time: client.creation_time.to_string(),
            last_modified: client.last_modified.to_string(),
        }
    }
}

/// A client with its new secret, where it has one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ClientWithSecret")]
struct ShownWithSecret {
    #[serde(flatten)]
    client: Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

impl From<ClientWithSecret> for ShownWithSecret {
    fn from(with_secret: ClientWithSecret) -> Self {
        let client_secret = with_secret.client_secret.map(|secret| secret.expose().to_owned());
        Self { client: with_secret.client.into(), client_secret }
    }
}

/// What is to be changed: both inputs have the same elements.
macro_rules! update_of {
    ($input:ident: $($field:ident),+) => {
        ClientUpdate { $($field: Edit::map($input.$field, |value| value.0)),+ }
    };
    ($input:ident) => {
        update_of!(
            $input: name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, scopes, grants,
                    auth_method, jwks, jwks_uri, id_token_alg, access_token_format, access_token_lifetime,
                    refresh_token_lifetime, refresh_token_idle, default_audience, audiences, own_audiences, is_trusted,
                    require_pkce, app, logo_uri, policy_uri, tos_uri, pairwise_sector, is_active
        )
    };
}

async fn create(call: Call, input: New) -> Answer<ShownWithSecret> {
    let new = update_of!(input);
    Ok(Reply::ok(call.sso.create_client(&call.ctx, input.ust.0, &input.kind.0, new).await?.into()))
}

async fn get(call: Call, input: On) -> Answer<Shown> {
    Ok(Reply::ok(call.sso.get_client(&call.ctx, input.ust.0, &input.client_id.0).await?.into()))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Listed {
    result: Vec<Shown>,
}

async fn list(call: Call, input: Own) -> Answer<Listed> {
    let clients = call.sso.list_clients(&call.ctx, input.ust.0).await?;
    Ok(Reply::ok(Listed { result: clients.into_iter().map(Shown::from).collect() }))
}

async fn update(call: Call, input: Change) -> Answer<Shown> {
    let update = update_of!(input);
    Ok(Reply::ok(call.sso.update_client(&call.ctx, input.ust.0, &input.client_id.0, update).await?.into()))
}

async fn delete(call: Call, input: On) -> Answer<Nothing> {
    call.sso.delete_client(&call.ctx, input.ust.0, &input.client_id.0).await?;
    Ok(Reply::done())
}

async fn rotate_secret(call: Call, input: Rotation) -> Answer<ShownWithSecret> {
    let hours = Number::given(input.keep_old_for).unwrap_or(KEEP_OLD_FOR);
    let hours = u32::try_from(hours).map_err(|_| Failure::mistyped("keep_old_for", "a number of hours"))?;
    let rotated = call.sso.rotate_client_secret(&call.ctx, input.ust.0, &input.client_id.0, hours).await?;
    Ok(Reply::ok(rotated.into()))
}
