//! Clients. Whoever caches one hears of its changes: the id of a client is touched as those of users are.

use crate::domain::{
    AccessTokenFormat, AuthMethod, Client, ClientId, ClientKind, Error, Grant, Result, SigningAlg, Timestamp,
};
use crate::store::{Conn, Tx};

macro_rules! columns {
    () => {
        "client_id, kind, creation_time, name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, scopes, \
         grants, auth_method, jwks, jwks_uri, id_token_alg, access_token_format, access_token_lifetime, \
         refresh_token_lifetime, refresh_token_idle, default_audience, audiences, is_trusted, require_pkce, app, logo_uri, \
         policy_uri, tos_uri, pairwise_sector, is_active, last_modified, own_audiences"
    };
}

macro_rules! clients {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM sso_client ", $rest)
    };
}

sql! {
    INSERT = concat!(
        "INSERT INTO sso_client (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
         $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)"
    );
    UPDATE = "UPDATE sso_client SET name = $4, redirect_uris = $5, post_logout_redirect_uris = $6, \
        backchannel_logout_uri = $7, scopes = $8, grants = $9, auth_method = $10, jwks = $11, jwks_uri = $12, \
        id_token_alg = $13, access_token_format = $14, access_token_lifetime = $15, refresh_token_lifetime = $16, \
        refresh_token_idle = $17, default_audience = $18, audiences = $19, is_trusted = $20, require_pkce = $21, app = $22, \
        logo_uri = $23, policy_uri = $24, tos_uri = $25, pairwise_sector = $26, is_active = $27, last_modified = $28, \
        own_audiences = $29 \
        WHERE client_id = $1 AND kind = $2 AND creation_time = $3";
    BY_ID = clients!("WHERE client_id = $1");
    BY_ID_FOR_UPDATE_POSTGRES = clients!("WHERE client_id = $1 FOR UPDATE");
    LIST = clients!("ORDER BY name, client_id LIMIT $1");
    COUNT = "SELECT COUNT(*) FROM sso_client";
    DELETE = "DELETE FROM sso_client WHERE client_id = $1";
    DELETE_ORIGINS = "DELETE FROM sso_client_origin WHERE client_id = $1";
    INSERT_ORIGIN = "INSERT INTO sso_client_origin (origin, client_id) VALUES ($1, $2)";
    IS_ORIGIN = "SELECT COUNT(*) FROM (SELECT o.origin FROM sso_client_origin o JOIN sso_client c ON c.client_id = o.client_id \
        WHERE o.origin = $1 AND c.is_active LIMIT 1) AS found";
    REGISTRATION = "SELECT registration_digest FROM sso_client WHERE client_id = $1";
}

row! {
    struct ClientRow {
        client_id: ClientId,
        kind: ClientKind,
        creation_time: Timestamp,
        name: String,
        redirect_uris: String,
        post_logout_redirect_uris: String,
        backchannel_logout_uri: Option<String>,
        scopes: String,
        grants: String,
        auth_method: AuthMethod,
        jwks: Option<String>,
        jwks_uri: Option<String>,
        id_token_alg: SigningAlg,
        access_token_format: AccessTokenFormat,
        access_token_lifetime: Option<i64>,
        refresh_token_lifetime: Option<i64>,
        refresh_token_idle: Option<i64>,
        default_audience: Option<String>,
        audiences: String,
        is_trusted: bool,
        require_pkce: bool,
        app: Option<String>,
        logo_uri: Option<String>,
        policy_uri: Option<String>,
        tos_uri: Option<String>,
        pairwise_sector: Option<String>,
        is_active: bool,
        last_modified: Timestamp,
        own_audiences: String,
    }
}

/// The lines of a list. None of its members has a line break in it.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

impl TryFrom<ClientRow> for Client {
    type Error = Error;

    fn try_from(row: ClientRow) -> Result<Self> {
        let grant = |name: &str| {
            Grant::parse(name).ok_or_else(|| Error::internal("sso_client.grants holds an unknown value"))
        };
        Ok(Self {
            client_id: row.client_id,
            name: row.name,
            kind: row.kind,
            redirect_uris: lines(&row.redirect_uris),
            post_logout_redirect_uris: lines(&row.post_logout_redirect_uris),
            backchannel_logout_uri: row.backchannel_logout_uri,
            scopes: lines(&row.scopes),
            grants: row.grants.lines().map(grant).collect::<Result<_>>()?,
            auth_method: row.auth_method,
            jwks: row.jwks,
            jwks_uri: row.jwks_uri,
            id_token_alg: row.id_token_alg,
            access_token_format: row.access_token_format,
            access_token_lifetime: row.access_token_lifetime,
            refresh_token_lifetime: row.refresh_token_lifetime,
            refresh_token_idle: row.refresh_token_idle,
            default_audience: row.default_audience,
            audiences: lines(&row.audiences),
            own_audiences: lines(&row.own_audiences),
            is_trusted: row.is_trusted,
            require_pkce: row.require_pkce,
            app: row.app,
            logo_uri: row.logo_uri,
            policy_uri: row.policy_uri,
            tos_uri: row.tos_uri,
            pairwise_sector: row.pairwise_sector,
            is_active: row.is_active,
            creation_time: row.creation_time,
            last_modified: row.last_modified,
        })
    }
}

/// Runs a statement whose arguments are the columns of a client, in their order.
macro_rules! write_client {
    ($tx:expr, $sql:expr, $client:expr) => {{
        let client: &Client = $client;
        let grants: Vec<&str> = client.grants.iter().map(|grant| grant.as_str()).collect();
        execute!(
            $tx,
            $sql,
            &client.client_id,
            client.kind,
            client.creation_time,
            &client.name,
            client.redirect_uris.join("\n"),
            client.post_logout_redirect_uris.join("\n"),
            client.backchannel_logout_uri.as_deref(),
            client.scopes.join("\n"),
            grants.join("\n"),
            client.auth_method,
            client.jwks.as_deref(),
            client.jwks_uri.as_deref(),
            client.id_token_alg,
            client.access_token_format,
            client.access_token_lifetime,
            client.refresh_token_lifetime,
            client.refresh_token_idle,
            client.default_audience.as_deref(),
            client.audiences.join("\n"),
            client.is_trusted,
            client.require_pkce,
            client.app.as_deref(),
            client.logo_uri.as_deref(),
            client.policy_uri.as_deref(),
            client.tos_uri.as_deref(),
            client.pairwise_sector.as_deref(),
            client.is_active,
            client.last_modified,
            client.own_audiences.join("\n"),
        )
    }};
}

/// Adds a client.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, client: &Client) -> Result<()> {
    write_client!(tx, INSERT, client)?;
    insert_origins(tx, client).await
}

/// Changes a client.
///
/// # Errors
/// When the database cannot answer.
pub async fn update(tx: &mut Tx, client: &Client) -> Result<()> {
    tx.touch(client.client_id.as_str());
    write_client!(tx, UPDATE, client)?;
    execute!(tx, DELETE_ORIGINS, &client.client_id)?;
    insert_origins(tx, client).await
}

async fn insert_origins(tx: &mut Tx, client: &Client) -> Result<()> {
    for origin in client.origins() {
        execute!(tx, INSERT_ORIGIN, origin, &client.client_id)?;
    }
    Ok(())
}

/// The client with this id.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_id(conn: &mut Conn, client_id: &ClientId) -> Result<Option<Client>> {
    fetch_optional!(conn, ClientRow, BY_ID, client_id)?.map(Client::try_from).transpose()
}

/// The same, to be changed: nobody else changes it until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_id_for_update(tx: &mut Tx, client_id: &ClientId) -> Result<Option<Client>> {
    let text = tx.choose(BY_ID, BY_ID_FOR_UPDATE_POSTGRES);
    fetch_optional!(tx, ClientRow, text, client_id)?.map(Client::try_from).transpose()
}

/// So many clients, by name.
///
/// # Errors
/// When the database cannot answer.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Client>> {
    fetch_all!(conn, ClientRow, LIST, limit)?.into_iter().map(Client::try_from).collect()
}

/// How many clients there are.
///
/// # Errors
/// When the database cannot answer.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    Ok(fetch_optional!(conn, (i64,), COUNT)?.map_or(0, |(count,)| count))
}

/// Deletes a client with all that is of it; false if it was gone already.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, client_id: &ClientId) -> Result<bool> {
    tx.touch(client_id.as_str());
    Ok(execute!(tx, DELETE, client_id)? == 1)
}

/// Whether an active public client has a redirect URI on this origin.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_public_origin(conn: &mut Conn, origin: &str) -> Result<bool> {
    if origin.contains('\0') {
        return Ok(false);
    }
    Ok(fetch_optional!(conn, (i64,), IS_ORIGIN, origin)?.is_some_and(|(count,)| count > 0))
}

/// The digest of the token by which a client that registered itself manages its registration (RFC 7592); None for a client that did not register itself.
///
/// # Errors
/// When the database cannot answer.
pub async fn registration_digest(conn: &mut Conn, client_id: &ClientId) -> Result<Option<Vec<u8>>> {
    Ok(fetch_optional!(conn, (Option<Vec<u8>>,), REGISTRATION, client_id)?.and_then(|(digest,)| digest))
}
