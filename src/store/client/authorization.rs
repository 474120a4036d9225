//! Sign-ins at clients: their codes, their refresh tokens, and whether they still hold.
//!
//! What decides that, the user's state and the session, is read in the same statement: a session that ends, or a user who is
//! locked, on whatever node, is noticed by the next call.

use uuid::Uuid;

use crate::domain::{ApprovalStatus, Result, SessionId, SignUpStatus, Timestamp, UserId};
use crate::store::db::error::is_dangling;
use crate::store::{Conn, Tx};

/// Of how many sign-ins of one user at one client the tokens are kept; and of how many where all were used within the last minutes.
const KEPT: i64 = 100;
const KEPT_IN_USE: i64 = 1_000;

/// For how many minutes a sign-in counts as in use after its tokens were refreshed.
const IN_USE_MINUTES: i64 = 10;

/// How many of those beyond are deleted at a time.
const DELETED: i64 = 100;

/// The columns of [`Held`].
macro_rules! held {
    ($more:literal, $from:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $more,
            "a.authorization_id, a.grant_id, a.client_id AS holder, a.user_id, a.session_id, a.sid, a.scopes AS granted_scopes, \
             a.claims, a.audiences AS granted_audiences, a.auth_time, a.auth_methods, a.thumbprint AS bound_to, a.redirect_uri AS sent_to, \
             a.act, \
             a.creation_time AS begin_time, a.expiration_time AS end_time, \
             u.username, u.is_locked, u.sign_up_status, u.approval_status, u.password_expiry, \
             s.creation_time AS session_creation, s.expiration_time AS session_expiration, \
             COALESCE(s.last_use, s.creation_time) AS session_last_use FROM ",
            $from,
            " JOIN sso_user u ON u.user_id = a.user_id LEFT JOIN sso_session s ON s.session_id = a.session_id WHERE ",
            $rest
        )
    };
}
pub(in crate::store) use held;

sql! {
    INSERT = "INSERT INTO sso_authorization (authorization_id, grant_id, client_id, user_id, session_id, sid, scopes, claims, \
        audiences, auth_time, auth_methods, thumbprint, redirect_uri, creation_time, expiration_time) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    /// One for each client and what it has exchanged, however often it does.
    EXCHANGE = "INSERT INTO sso_authorization (authorization_id, grant_id, client_id, user_id, session_id, sid, scopes, audiences, \
        auth_time, auth_methods, parent_id, exchange_key, act, creation_time, expiration_time) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
        ON CONFLICT (exchange_key) WHERE exchange_key IS NOT NULL DO UPDATE SET scopes = excluded.scopes, \
        audiences = excluded.audiences, rotation_time = excluded.creation_time, expiration_time = CASE \
        WHEN sso_authorization.expiration_time > excluded.expiration_time THEN sso_authorization.expiration_time \
        ELSE excluded.expiration_time END RETURNING authorization_id";
    /// Those that are over go first, and then those that were not used for longest, but for those that were used a moment ago.
    DELETE_LEAST_USED = "DELETE FROM sso_authorization WHERE authorization_id IN (SELECT authorization_id FROM (\
        SELECT a.authorization_id, COALESCE(a.rotation_time, a.creation_time) AS used, (a.expiration_time > $4 \
        AND (a.idle_end IS NULL OR a.idle_end > $4) AND (a.session_id IS NULL OR s.expiration_time > $4)) AS is_alive \
        FROM sso_authorization a LEFT JOIN sso_session s ON s.session_id = a.session_id WHERE a.grant_id = $1 \
        ORDER BY is_alive DESC, used DESC, a.authorization_id DESC LIMIT $3 OFFSET $2) AS beyond \
        WHERE NOT is_alive OR used < $5)";
    HOLD_SESSION_SQLITE = "SELECT 1 FROM sso_session WHERE session_id = $1";
    HOLD_SESSION_POSTGRES = "SELECT 1 FROM sso_session WHERE session_id = $1 FOR KEY SHARE";
    INSERT_CODE = "INSERT INTO sso_authorization_code (code_digest, authorization_id, redirect_uri, code_challenge, nonce, \
        good_until, expiration_time) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    BY_CODE_SQLITE = held!(
        "c.redirect_uri, c.code_challenge, c.nonce, c.good_until, c.use_time, ",
        "sso_authorization_code c JOIN sso_authorization a ON a.authorization_id = c.authorization_id",
        "c.code_digest = $1"
    );
    BY_CODE_POSTGRES = held!(
        "c.redirect_uri, c.code_challenge, c.nonce, c.good_until, c.use_time, ",
        "sso_authorization_code c JOIN sso_authorization a ON a.authorization_id = c.authorization_id",
        "c.code_digest = $1 FOR UPDATE OF c"
    );
    USE_CODE = "UPDATE sso_authorization_code SET use_time = $2, expiration_time = $3 \
        WHERE code_digest = $1 AND use_time IS NULL";
    BEGIN = "UPDATE sso_authorization SET thumbprint = $2, expiration_time = $3, refresh_key = $4, refresh_digest = $5, \
        idle_end = $6 WHERE authorization_id = $1";
    BY_REFRESH_KEY_SQLITE = held!(
        "a.refresh_digest, a.former_digest, a.successor, a.rotation_time, a.idle_end, ", "sso_authorization a",
        "a.refresh_key = $1"
    );
    BY_REFRESH_KEY_POSTGRES = held!(
        "a.refresh_digest, a.former_digest, a.successor, a.rotation_time, a.idle_end, ", "sso_authorization a",
        "a.refresh_key = $1 FOR UPDATE OF a"
    );
    ROTATE = "UPDATE sso_authorization SET refresh_digest = $2, former_digest = $3, successor = $4, rotation_time = $5, \
        idle_end = $6 WHERE authorization_id = $1 AND refresh_digest = $3";
    BY_ID = held!("", "sso_authorization a", "a.authorization_id = $1");
    END = "DELETE FROM sso_authorization WHERE authorization_id = $1";
}

row! {
    /// A sign-in at a client, with the states of its user and its session.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Held {
        pub authorization_id: Uuid,
        pub grant_id: Uuid,
        /// The client.
        pub holder: String,
        pub user_id: UserId,
        /// None where it goes on when the session ends.
        pub session_id: Option<SessionId>,
        pub sid: SessionId,
        /// Between blanks.
        pub granted_scopes: String,
        pub claims: Option<String>,
        /// A line each.
        pub granted_audiences: String,
        pub auth_time: Timestamp,
        pub auth_methods: String,
        /// The thumbprint of the key that its tokens are bound to.
        pub bound_to: Option<String>,
        /// Where its browser was sent back to; None where there was none.
        pub sent_to: Option<String>,
        /// Who has exchanged a token for those of this one (RFC 8693, section 4.1), as JSON.
        pub act: Option<String>,
        pub begin_time: Timestamp,
        pub end_time: Timestamp,
        pub username: String,
        pub is_locked: bool,
        pub sign_up_status: SignUpStatus,
        pub approval_status: ApprovalStatus,
        pub password_expiry: Option<Timestamp>,
        pub session_creation: Option<Timestamp>,
        pub session_expiration: Option<Timestamp>,
        pub session_last_use: Option<Timestamp>,
    }
}

row! {
    /// A code, used or not.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct CodeRow {
        pub redirect_uri: String,
        pub code_challenge: Option<String>,
        pub nonce: Option<String>,
        pub good_until: Timestamp,
        pub use_time: Option<Timestamp>,
    } with {
        pub held: Held,
    }
}

row! {
    /// The refresh token of a sign-in, as far as it is kept.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct RefreshRow {
        pub refresh_digest: Option<Vec<u8>>,
        pub former_digest: Option<Vec<u8>>,
        /// The token that took the place of the former one: sealed.
        pub successor: Option<Vec<u8>>,
        pub rotation_time: Option<Timestamp>,
        pub idle_end: Option<Timestamp>,
    } with {
        pub held: Held,
    }
}

/// A new sign-in.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewAuthorization<'a> {
    pub authorization_id: Uuid,
    pub grant_id: Uuid,
    pub client_id: &'a str,
    pub user_id: &'a UserId,
    /// None where it goes on when the session ends.
    pub session_id: Option<SessionId>,
    pub sid: SessionId,
    /// Between blanks.
    pub scopes: &'a str,
    pub claims: Option<&'a str>,
    /// A line each.
    pub audiences: &'a str,
    pub auth_time: Timestamp,
    pub auth_methods: &'a str,
    pub thumbprint: Option<&'a str>,
    /// Where the browser is sent back to.
    pub redirect_uri: Option<&'a str>,
    pub creation_time: Timestamp,
    pub expiration_time: Timestamp,
}

/// Keeps a session from being deleted until the transaction ends; false if it is gone.
///
/// # Errors
/// When the database cannot answer.
pub async fn hold_session(tx: &mut Tx, session_id: SessionId) -> Result<bool> {
    let sql = tx.choose(HOLD_SESSION_SQLITE, HOLD_SESSION_POSTGRES);
    Ok(fetch_optional!(tx, (i32,), sql, session_id)?.is_some())
}

/// Adds a sign-in, for which the ones beyond a hundred of the same user at the same client go that are over, or else that were not
/// used for longest; false if the session is gone. The transaction is good for nothing but its end then.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, new: &NewAuthorization<'_>) -> Result<bool> {
    let inserted = execute!(
        tx,
        INSERT,
        new.authorization_id,
        new.grant_id,
        new.client_id,
        new.user_id,
        new.session_id,
        new.sid,
        new.scopes,
        new.claims,
        new.audiences,
        new.auth_time,
        new.auth_methods,
        new.thumbprint,
        new.redirect_uri,
        new.creation_time,
        new.expiration_time,
    );
    match inserted {
        Ok(_) => {}
        Err(error) if is_dangling(&error) => return Ok(false),
        Err(error) => return Err(error),
    }
    let now = new.creation_time;
    let in_use = now.plus_minutes(-IN_USE_MINUTES);
    execute!(tx, DELETE_LEAST_USED, new.grant_id, KEPT, DELETED, now, in_use)?;
    execute!(tx, DELETE_LEAST_USED, new.grant_id, KEPT_IN_USE, DELETED, now, now.plus_minutes(1))?;
    Ok(true)
}

/// What came of a token that a client exchanges.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewExchange<'a> {
    pub authorization_id: Uuid,
    pub grant_id: Uuid,
    pub client_id: &'a str,
    pub user_id: &'a UserId,
    pub session_id: Option<SessionId>,
    pub sid: SessionId,
    /// Between blanks.
    pub scopes: &'a str,
    /// A line each.
    pub audiences: &'a str,
    pub auth_time: Timestamp,
    pub auth_methods: &'a str,
    /// The sign-in that it ends with.
    pub parent_id: Option<Uuid>,
    /// What was exchanged, and by whom.
    pub exchange_key: &'a [u8],
    /// As JSON.
    pub act: &'a str,
    pub creation_time: Timestamp,
    pub expiration_time: Timestamp,
}

/// Adds what came of a token that was exchanged, or finds what came of it before; None if the session or the sign-in that it comes of
/// is gone: the transaction is good for nothing but its end then.
///
/// # Errors
/// When the database cannot answer.
pub async fn exchange(tx: &mut Tx, new: &NewExchange<'_>) -> Result<Option<Uuid>> {
    let found = fetch_optional!(
        tx,
        (Uuid,),
        EXCHANGE,
        new.authorization_id,
        new.grant_id,
        new.client_id,
        new.user_id,
        new.session_id,
        new.sid,
        new.scopes,
        new.audiences,
        new.auth_time,
        new.auth_methods,
        new.parent_id,
        new.exchange_key,
        new.act,
        new.creation_time,
        new.expiration_time,
    );
    match found {
        Ok(row) => {
            execute!(
                tx,
                DELETE_LEAST_USED,
                new.grant_id,
                KEPT_IN_USE,
                DELETED,
                new.creation_time,
                new.creation_time.plus_minutes(1)
            )?;
            Ok(row.map(|(id,)| id))
        }
        Err(error) if is_dangling(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A new code.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct NewCode<'a> {
    pub digest: &'a [u8],
    pub authorization_id: Uuid,
    pub redirect_uri: &'a str,
    pub code_challenge: Option<&'a str>,
    pub nonce: Option<&'a str>,
    pub good_until: Timestamp,
    pub expiration_time: Timestamp,
}

/// Adds a code.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert_code(tx: &mut Tx, new: &NewCode<'_>) -> Result<()> {
    execute!(
        tx,
        INSERT_CODE,
        new.digest,
        new.authorization_id,
        new.redirect_uri,
        new.code_challenge,
        new.nonce,
        new.good_until,
        new.expiration_time,
    )
    .map(drop)
}

/// The code with this digest, used or not, which nobody else uses until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_code(tx: &mut Tx, digest: &[u8]) -> Result<Option<CodeRow>> {
    let sql = tx.choose(BY_CODE_SQLITE, BY_CODE_POSTGRES);
    fetch_optional!(tx, CodeRow, sql, digest)
}

/// Uses a code up; false if it was used before. Until `kept_until` a second use is noticed.
///
/// # Errors
/// When the database cannot answer.
pub async fn use_code(tx: &mut Tx, digest: &[u8], now: Timestamp, kept_until: Timestamp) -> Result<bool> {
    Ok(execute!(tx, USE_CODE, digest, now, kept_until)? == 1)
}

/// A refresh token, as far as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct NewRefresh<'a> {
    /// By which it is found: the digest of its first part.
    pub key: &'a [u8],
    /// The digest of all of it.
    pub digest: &'a [u8],
    /// When it ends if it is not used.
    pub idle_end: Timestamp,
}

/// Notes what comes of a sign-in: the key that tokens are bound to, when the last of them ends, and the refresh token, if it has one.
///
/// # Errors
/// When the database cannot answer.
pub async fn begin(
    tx: &mut Tx,
    authorization_id: Uuid,
    thumbprint: Option<&str>,
    expiration_time: Timestamp,
    refresh: Option<NewRefresh<'_>>,
) -> Result<()> {
    execute!(
        tx,
        BEGIN,
        authorization_id,
        thumbprint,
        expiration_time,
        refresh.map(|refresh| refresh.key),
        refresh.map(|refresh| refresh.digest),
        refresh.map(|refresh| refresh.idle_end),
    )
    .map(drop)
}

/// The sign-in whose refresh token is found by this, which nobody else refreshes until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_refresh_key(tx: &mut Tx, key: &[u8]) -> Result<Option<RefreshRow>> {
    let sql = tx.choose(BY_REFRESH_KEY_SQLITE, BY_REFRESH_KEY_POSTGRES);
    fetch_optional!(tx, RefreshRow, sql, key)
}

/// The successor of a refresh token.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct Rotation<'a> {
    pub authorization_id: Uuid,
    pub new_digest: &'a [u8],
    pub former_digest: &'a [u8],
    /// Sealed.
    pub successor: &'a [u8],
    pub rotation_time: Timestamp,
    pub idle_end: Timestamp,
}

/// Gives a sign-in another refresh token; false if somebody else has meanwhile.
///
/// # Errors
/// When the database cannot answer.
pub async fn rotate(tx: &mut Tx, rotation: &Rotation<'_>) -> Result<bool> {
    let rotated = execute!(
        tx,
        ROTATE,
        rotation.authorization_id,
        rotation.new_digest,
        rotation.former_digest,
        rotation.successor,
        rotation.rotation_time,
        rotation.idle_end,
    )?;
    Ok(rotated == 1)
}

/// A sign-in.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_id(conn: &mut Conn, authorization_id: Uuid) -> Result<Option<Held>> {
    fetch_optional!(conn, Held, BY_ID, authorization_id)
}

/// Ends a sign-in, and all tokens that came of it; false if it had ended.
///
/// # Errors
/// When the database cannot answer.
pub async fn end(tx: &mut Tx, authorization_id: Uuid) -> Result<bool> {
    Ok(execute!(tx, END, authorization_id)? > 0)
}
