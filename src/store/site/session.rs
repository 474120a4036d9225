//! Sessions that sites have started. One is open as long as it has not come to its end and its user may log in.

use uuid::Uuid;

use crate::domain::{AuthType, Page, PageRequest, Result, SessionId, Timestamp, UserId};
use crate::store::{Conn, Tx};

/// What a site says about a session, and what is set when it is started.
macro_rules! columns {
    () => {
        "session_id, user_id, site_id, identity_token, top_realm, sub_realm, data, site_token, creation_time, \
         expiration_time"
    };
}

/// Sessions that are open: the same conditions that every other call of a user must meet. The second argument is the time.
macro_rules! open {
    ($columns:expr) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM sso_session JOIN sso_user USING (user_id) WHERE site_id IS NOT NULL AND expiration_time > $2 \
             AND NOT is_locked AND sign_up_status = 'final' AND approval_status = 'approved' \
             AND (password_expiry IS NULL OR password_expiry > $2) AND "
        )
    };
    () => {
        open!(concat!(columns!(), ", num_cookies_set, COALESCE(update_time, creation_time) AS update_time, user_token"))
    };
}
pub(in crate::store) use {columns, open};

macro_rules! page {
    ($order:literal) => {
        concat!(
            open!(),
            "site_id = $1 ORDER BY creation_time ",
            $order,
            ", session_id ",
            $order,
            " LIMIT $3 OFFSET $4"
        )
    };
}

sql! {
    INSERT = concat!(
        "INSERT INTO sso_session (", columns!(), ", ust_digest, remote_addr, user_agent, auth_type, auth_principal, \
         state_change_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1)"
    );
    BY_DIGEST = concat!(open!(), "site_id = $1 AND ust_digest = $3");
    BY_DIGEST_OF_ANY = concat!(open!(), "ust_digest = $1");
    BY_IDENTITY = concat!(
        open!(), "site_id = $1 AND identity_token = $3 ORDER BY creation_time DESC LIMIT 1"
    );
    COUNT = concat!(open!("COUNT(*)"), "site_id = $1");
    UPWARDS = page!("ASC");
    DOWNWARDS = page!("DESC");
    DELETE = "DELETE FROM sso_session WHERE session_id = $1 AND site_id = $2 RETURNING user_id";
    DELETE_ALL_OF_IDENTITY = "DELETE FROM sso_session WHERE identity_token = $1 RETURNING user_id";
    DELETE_OF_IDENTITY = "DELETE FROM sso_session WHERE site_id = $1 AND identity_token = $2 RETURNING user_id";
}

row! {
    /// A session of a site as the table holds it: `data` is JSON, `site_token` is an envelope.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct SiteSessionRow {
        pub session_id: SessionId,
        pub user_id: UserId,
        pub user_token: Uuid,
        pub site_id: Uuid,
        pub identity_token: Uuid,
        pub top_realm: Option<String>,
        pub sub_realm: Option<String>,
        pub data: Option<String>,
        pub site_token: Vec<u8>,
        pub num_cookies_set: i64,
        pub creation_time: Timestamp,
        pub update_time: Timestamp,
        pub expiration_time: Timestamp,
    }
}

/// A session that a site starts: the digest that it is found by, and from where and with what it was started.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewRow<'a> {
    pub session: &'a SiteSessionRow,
    pub digest: &'a [u8],
    pub remote_addr: &'a str,
    pub user_agent: Option<&'a str>,
    pub auth_principal: &'a str,
}

/// Starts a session.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewRow<'_>) -> Result<()> {
    let session = new.session;
    execute!(
        tx,
        INSERT,
        session.session_id,
        &session.user_id,
        session.site_id,
        session.identity_token,
        session.top_realm.as_deref(),
        session.sub_realm.as_deref(),
        session.data.as_deref(),
        session.site_token.as_slice(),
        session.creation_time,
        session.expiration_time,
        new.digest,
        new.remote_addr,
        new.user_agent,
        AuthType::Site,
        new.auth_principal,
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
    fetch_optional!(conn, SiteSessionRow, BY_DIGEST, site_id, now, digest)
}

/// The open session whose token has this digest, whichever site has started it.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_digest_of_any(
    conn: &mut Conn,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<SiteSessionRow>> {
    fetch_optional!(conn, SiteSessionRow, BY_DIGEST_OF_ANY, digest, now)
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
    fetch_optional!(conn, SiteSessionRow, BY_IDENTITY, site_id, now, identity_token)
}

/// A page of the open sessions of a site, by the time they were started at.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(
    conn: &mut Conn,
    site_id: Uuid,
    now: Timestamp,
    request: PageRequest,
) -> Result<Page<SiteSessionRow>> {
    Ok(fetch_page!(conn, SiteSessionRow, request, COUNT, [UPWARDS, DOWNWARDS], site_id, now))
}

/// Ends a session of a site; false if it was gone already.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, site_id: Uuid, session_id: SessionId) -> Result<bool> {
    let owner = fetch_optional!(tx, (String,), DELETE, session_id, site_id)?;
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

/// Ends the sessions of an identity, whichever site has started them; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_all_of_identity(tx: &mut Tx, identity_token: Uuid) -> Result<u64> {
    let owners = fetch_all!(tx, (String,), DELETE_ALL_OF_IDENTITY, identity_token)?;
    tx.touch_all(&owners);
    Ok(owners.len() as u64)
}
