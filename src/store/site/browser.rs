//! Browsers that are known: the cookies they have for sessions of sites, and the codes they carry from site to site.

use uuid::Uuid;

use crate::domain::{Page, PageRequest, Result, SessionId, Timestamp};
use crate::store::db::error::is_dangling;
use crate::store::site::session::{SiteSessionRow, columns, open};
use crate::store::{Conn, Tx};

/// Active sites with a callback URI that meets this.
macro_rules! sites {
    ($columns:literal, $and:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM sso_site JOIN sso_site_callback USING (site_id) WHERE is_active AND callback_uri ",
            $and
        )
    };
}

/// Codes for a site that it can still read, of sessions that are open.
macro_rules! waiting {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM sso_browser_code c JOIN sso_connection n ON n.code_digest = c.code_digest \
             JOIN sso_session s ON s.session_id = c.session_id JOIN sso_user u ON u.user_id = s.user_id \
             WHERE c.site_id = $1 AND c.expiration_time > $2 AND s.expiration_time > $2 AND NOT u.is_locked \
             AND u.sign_up_status = 'final' AND u.approval_status = 'approved' \
             AND (u.password_expiry IS NULL OR u.password_expiry > $2)",
            $rest
        )
    };
}

sql! {
    IS_ORIGIN = concat!("SELECT 1 WHERE EXISTS (", sites!("1", ">= $1 AND callback_uri < $2"), ")");
    SITE_OF_CALLBACK = sites!("site_id, subdomain", "= $1");
    AT_ORIGIN = concat!(
        open!(), "ust_digest = $3 AND site_id IN (", sites!("site_id", ">= $1 AND callback_uri < $4"), ")"
    );
    COUNT_COOKIE = "UPDATE sso_session SET num_cookies_set = num_cookies_set + 1, update_time = $2 WHERE session_id = $1";
    INSERT_COOKIE = "INSERT INTO sso_browser_session (cookie_digest, session_id, creation_time, expiration_time) \
        VALUES ($1, $2, $3, $4)";
    BY_COOKIE = concat!(
        open!(), "session_id = (SELECT b.session_id FROM sso_browser_session b WHERE b.cookie_digest = $1 \
        AND b.expiration_time > $2) AND site_id IN (SELECT t.site_id FROM sso_site t WHERE t.is_active)"
    );
    INSERT_CODE = "INSERT INTO sso_browser_code (code_digest, site_id, session_id, callback_uri, expiration_time) \
        VALUES ($1, $2, $3, $4, $5)";
    TAKE_CODE = "DELETE FROM sso_browser_code WHERE code_digest = $1 AND expiration_time > $2 AND site_id = $3 \
        RETURNING session_id, expiration_time";
    BY_ID = concat!(open!(), "session_id = $1");
    INSERT_TOKEN = "INSERT INTO sso_connection (code_digest, token) VALUES ($1, $2)";
    COUNT_CODES = waiting!("COUNT(*)", "");
    CODES_UPWARDS = waiting!(
        "n.code_digest, n.token, c.expiration_time, u.user_token", " ORDER BY c.expiration_time, n.code_digest LIMIT $3 OFFSET $4"
    );
    CODES_DOWNWARDS = waiting!(
        "n.code_digest, n.token, c.expiration_time, u.user_token",
        " ORDER BY c.expiration_time DESC, n.code_digest DESC LIMIT $3 OFFSET $4"
    );
}

row! {
    /// A code that its site has not read yet: `token` is an envelope.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct WaitingCode {
        pub code_digest: Vec<u8>,
        pub token: Vec<u8>,
        pub expiration_time: Timestamp,
        pub user_token: Uuid,
    }
}

row! {
    /// A code that was just used up.
    #[derive(Clone, Copy, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct UsedCode {
        pub session_id: SessionId,
        pub expiration_time: Timestamp,
    }
}

/// Between which texts the callback URIs of an origin are: each is a URL in its normal form, so that it begins with the origin
/// and a slash. The character after that is 0.
fn of_origin(origin: &str) -> (String, String) {
    (format!("{origin}/"), format!("{origin}0"))
}

/// Whether an active site has a callback URI on this origin.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_origin(conn: &mut Conn, origin: &str) -> Result<bool> {
    let (from, to) = of_origin(origin);
    Ok(fetch_optional!(conn, (i32,), IS_ORIGIN, &from, &to)?.is_some())
}

/// The active site that has this callback URI: its id and subdomain.
///
/// # Errors
/// When the database cannot answer.
pub async fn site_of_callback(conn: &mut Conn, callback_uri: &str) -> Result<Option<(Uuid, String)>> {
    fetch_optional!(conn, (Uuid, String), SITE_OF_CALLBACK, callback_uri)
}

/// The open session with this digest, if its site has a callback URI on this origin.
///
/// # Errors
/// When the database cannot answer.
pub async fn session_at_origin(
    conn: &mut Conn,
    origin: &str,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<SiteSessionRow>> {
    let (from, to) = of_origin(origin);
    fetch_optional!(conn, SiteSessionRow, AT_ORIGIN, &from, now, digest, &to)
}

/// Has a cookie stand for a session until that ends; false if it has ended meanwhile.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert_cookie(
    tx: &mut Tx,
    digest: &[u8],
    session: &SiteSessionRow,
    now: Timestamp,
) -> Result<bool> {
    // It holds the session, too, so that there is one to refer to.
    let session_id = session.session_id;
    if execute!(tx, COUNT_COOKIE, session_id, now)? == 0 {
        return Ok(false);
    }
    execute!(tx, INSERT_COOKIE, digest, session_id, now, session.expiration_time)?;
    Ok(true)
}

/// The open session that a cookie stands for.
///
/// # Errors
/// When the database cannot answer.
pub async fn session_of_cookie(
    conn: &mut Conn,
    digest: &[u8],
    now: Timestamp,
) -> Result<Option<SiteSessionRow>> {
    fetch_optional!(conn, SiteSessionRow, BY_COOKIE, digest, now)
}

/// A code that a site can find out about a session with.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewCode<'a> {
    pub digest: &'a [u8],
    /// An envelope.
    pub token: &'a [u8],
    pub site_id: Uuid,
    pub session_id: SessionId,
    pub callback_uri: &'a str,
    pub expiration_time: Timestamp,
}

/// Adds a code; false if the session or the site is gone. The transaction is good for nothing but its end then.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert_code(tx: &mut Tx, code: NewCode<'_>) -> Result<bool> {
    let NewCode { digest, token, site_id, session_id, callback_uri, expiration_time } = code;
    match execute!(tx, INSERT_CODE, digest, site_id, session_id, callback_uri, expiration_time) {
        Ok(_) => {}
        Err(error) if is_dangling(&error) => return Ok(false),
        Err(error) => return Err(error),
    }
    execute!(tx, INSERT_TOKEN, digest, token)?;
    Ok(true)
}

/// A page of the codes that a site can still read, by time.
///
/// # Errors
/// When the database cannot answer.
pub async fn page_of_codes(
    conn: &mut Conn,
    site_id: Uuid,
    now: Timestamp,
    request: PageRequest,
) -> Result<Page<WaitingCode>> {
    Ok(fetch_page!(conn, WaitingCode, request, COUNT_CODES, [CODES_UPWARDS, CODES_DOWNWARDS], site_id, now))
}

/// Uses up a code that was made for this site. Of several concurrent tries one succeeds.
///
/// # Errors
/// When the database cannot answer.
pub async fn take_code(
    tx: &mut Tx,
    digest: &[u8],
    now: Timestamp,
    site_id: Uuid,
) -> Result<Option<UsedCode>> {
    fetch_optional!(tx, UsedCode, TAKE_CODE, digest, now, site_id)
}

/// An open session, whichever site has started it.
///
/// # Errors
/// When the database cannot answer.
pub async fn session_by_id(
    conn: &mut Conn,
    session_id: SessionId,
    now: Timestamp,
) -> Result<Option<SiteSessionRow>> {
    fetch_optional!(conn, SiteSessionRow, BY_ID, session_id, now)
}
