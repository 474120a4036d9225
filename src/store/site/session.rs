//! Sessions that sites have started. One is open as long as it has not come to its end and its user may log in.

use sqlx::FromRow;
use uuid::Uuid;

use crate::domain::{Direction, PageRequest, Result, SessionId, Timestamp, UserId};
use crate::store::{Conn, Tx};

/// What is read of a session, and the token of its user.
macro_rules! session {
    () => {
        "SELECT s.session_id, s.site_token, s.user_id, u.user_token, s.identity_token, s.top_realm, s.sub_realm, \
         s.data, s.num_cookies_set, s.creation_time, s.update_time, s.expiration_time \
         FROM sso_session s JOIN sso_user u ON u.user_id = s.user_id"
    };
}

/// The same conditions that every other call of a user must meet; the second argument is the time.
macro_rules! valid {
    () => {
        "s.expiration_time > $2 AND NOT u.is_locked AND u.sign_up_status = 'final' \
         AND u.approval_status = 'approved' AND (u.password_expiry IS NULL OR u.password_expiry > $2)"
    };
}
pub(in crate::store) use {session, valid};

/// These, for a site, which is the first argument.
macro_rules! open {
    () => {
        concat!("s.site_id = $1 AND ", valid!())
    };
}

macro_rules! page {
    ($order:literal) => {
        concat!(
            session!(),
            " WHERE ",
            open!(),
            " ORDER BY s.creation_time ",
            $order,
            ", s.session_id ",
            $order,
            " LIMIT $3 OFFSET $4"
        )
    };
}

sql! {
    INSERT = "INSERT INTO sso_session (session_id, ust_digest, user_id, creation_time, expiration_time, remote_addr, \
        user_agent, auth_type, auth_principal, state_change_count, site_id, identity_token, top_realm, sub_realm, data, \
        site_token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12, $13, $14, $15)";
    BY_DIGEST = concat!(session!(), " WHERE ", open!(), " AND s.ust_digest = $3");
    BY_IDENTITY = concat!(
        session!(), " WHERE ", open!(), " AND s.identity_token = $3 ORDER BY s.creation_time DESC LIMIT 1"
    );
    COUNT = concat!("SELECT COUNT(*) FROM sso_session s JOIN sso_user u ON u.user_id = s.user_id WHERE ", open!());
    UPWARDS = page!("ASC");
    DOWNWARDS = page!("DESC");
    DELETE = "DELETE FROM sso_session WHERE session_id = $1 AND site_id = $2 RETURNING user_id";
    DELETE_OF_IDENTITY = "DELETE FROM sso_session WHERE site_id = $1 AND identity_token = $2 RETURNING user_id";
}

/// A session of a site: `site_token` is an envelope, `data` JSON.
#[derive(Clone, Debug, FromRow)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct SiteSessionRow {
    pub session_id: Uuid,
    pub site_token: Option<Vec<u8>>,
    pub user_id: String,
    pub user_token: Uuid,
    pub identity_token: Option<Uuid>,
    pub top_realm: Option<String>,
    pub sub_realm: Option<String>,
    pub data: Option<String>,
    pub num_cookies_set: i64,
    pub creation_time: i64,
    pub update_time: Option<i64>,
    pub expiration_time: i64,
}

/// A session that a site starts.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewRow<'a> {
    pub session_id: SessionId,
    pub digest: &'a [u8],
    pub user_id: &'a UserId,
    pub creation_time: Timestamp,
    pub expiration_time: Timestamp,
    pub remote_addr: &'a str,
    pub user_agent: Option<&'a str>,
    pub auth_principal: &'a str,
    pub site_id: Uuid,
    pub identity_token: Uuid,
    pub top_realm: Option<&'a str>,
    pub sub_realm: Option<&'a str>,
    pub data: Option<&'a str>,
    pub site_token: &'a [u8],
}

/// Starts a session.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewRow<'_>) -> Result<()> {
    execute!(
        tx,
        INSERT,
        new.session_id.0,
        new.digest,
        new.user_id.as_str(),
        new.creation_time.as_micros(),
        new.expiration_time.as_micros(),
        new.remote_addr,
        new.user_agent,
        crate::domain::AuthType::Site.as_str(),
        new.auth_principal,
        new.site_id,
        new.identity_token,
        new.top_realm,
        new.sub_realm,
        new.data,
        new.site_token,
    )?;
    Ok(())
}

/// The open session of a site whose token has this digest.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_digest(
    conn: &mut Conn,
    site_id: Uuid,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<SiteSessionRow>> {
    fetch_optional!(conn, SiteSessionRow, BY_DIGEST, site_id, now.as_micros(), digest)
}

/// The open session that a site has started for an identity.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_identity(
    conn: &mut Conn,
    site_id: Uuid,
    identity_token: Uuid,
    now: Timestamp,
) -> Result<Option<SiteSessionRow>> {
    fetch_optional!(conn, SiteSessionRow, BY_IDENTITY, site_id, now.as_micros(), identity_token)
}

/// How many open sessions a site has, and a page of them by the time they were started at.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(
    conn: &mut Conn,
    site_id: Uuid,
    now: Timestamp,
    request: PageRequest,
) -> Result<(i64, Vec<SiteSessionRow>)> {
    let now = now.as_micros();
    let total: Option<(i64,)> = fetch_optional!(conn, (i64,), COUNT, site_id, now)?;
    let sql = match request.direction {
        Direction::Ascending => UPWARDS,
        Direction::Descending => DOWNWARDS,
    };
    let (limit, offset) = (request.entries_per_page, request.offset());
    let rows = fetch_all!(conn, SiteSessionRow, sql, site_id, now, limit, offset)?;
    Ok((total.map_or(0, |(total,)| total), rows))
}

/// Ends a session of a site; false if it was gone already.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, site_id: Uuid, session_id: SessionId) -> Result<bool> {
    let owner = fetch_optional!(tx, (String,), DELETE, session_id.0, site_id)?;
    tx.touch_all(owner.as_slice());
    Ok(owner.is_some())
}

/// Ends the sessions that a site has started for an identity; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_identity(tx: &mut Tx, site_id: Uuid, identity_token: Uuid) -> Result<u64> {
    let owners = fetch_all!(tx, (String,), DELETE_OF_IDENTITY, site_id, identity_token)?;
    tx.touch_all(&owners);
    Ok(owners.len() as u64)
}
