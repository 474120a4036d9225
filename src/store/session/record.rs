//! Sessions, and what a check of one needs to know of its user.

use sqlx::FromRow;
use uuid::Uuid;

use crate::domain::{
    ApprovalStatus, AuthType, ChangeSource, Error, Result, Session, SessionId, SignUpStatus, StateChange,
    Timestamp, UserId,
};
use crate::store::Conn;

/// How many interactions of a session are kept.
pub const HISTORY_LENGTH: i64 = 100;

macro_rules! columns {
    () => {
        "s.session_id, s.user_id, s.creation_time, s.expiration_time, s.remote_addr, s.user_agent, s.auth_type, \
         s.auth_principal, s.ext_session_id, s.state_change_count"
    };
}

sql! {
    INSERT = "INSERT INTO sso_session (session_id, ust_digest, user_id, creation_time, expiration_time, remote_addr, \
        user_agent, auth_type, auth_principal, ext_session_id, state_change_count) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    /// Sessions and the states of their users, in one look-up by the digests of tokens: one, or two. No token acts as a
    /// session that a site has started.
    CHECK = concat!(
        "SELECT ", columns!(), ", u.username, u.is_super_user, u.is_locked, u.sign_up_status, u.approval_status, \
         u.password_expiry, u.is_rate_limit_active, u.rate_limit_def, s.ust_digest \
         FROM sso_session s JOIN sso_user u ON u.user_id = s.user_id WHERE s.ust_digest IN ($1, $2) AND s.site_id IS NULL"
    );
    BY_USER = concat!(
        "SELECT ", columns!(), " FROM sso_session s WHERE s.user_id = $1 AND s.expiration_time > $2 \
         ORDER BY s.creation_time, s.session_id"
    );
    CHANGES_BY_USER = "SELECT c.session_id, c.idx, c.change_time, c.ctx_source, c.remote_addr, c.user_agent \
        FROM sso_session_change c JOIN sso_session s ON s.session_id = c.session_id \
        WHERE s.user_id = $1 AND s.expiration_time > $2 ORDER BY c.session_id, c.idx";
    BY_EXT_ID = concat!("SELECT ", columns!(), ", s.ust_digest FROM sso_session s WHERE s.ext_session_id = $1");
    SET_DIGEST = "UPDATE sso_session SET ust_digest = $2 WHERE session_id = $1 RETURNING user_id";
    DELETE_OF_DEFINITION = "DELETE FROM sso_session \
        WHERE ext_session_id = $1 OR (ext_session_id > $2 AND ext_session_id < $3) RETURNING user_id";
    DELETE = "DELETE FROM sso_session WHERE session_id = $1 RETURNING user_id";
    DELETE_OF_USER = "DELETE FROM sso_session WHERE user_id = $1";
    DELETE_OTHERS_OF_USER = "DELETE FROM sso_session WHERE user_id = $1 AND session_id <> $2";
}

#[derive(FromRow)]
struct SessionRow {
    session_id: Uuid,
    user_id: String,
    creation_time: i64,
    expiration_time: i64,
    remote_addr: String,
    user_agent: Option<String>,
    auth_type: String,
    auth_principal: String,
    ext_session_id: Option<String>,
    state_change_count: i64,
}

impl SessionRow {
    fn into_session(self) -> Result<Session> {
        Ok(Session {
            session_id: SessionId(self.session_id),
            user_id: UserId::from_stored(self.user_id),
            creation_time: Timestamp::from_micros(self.creation_time),
            expiration_time: Timestamp::from_micros(self.expiration_time),
            remote_addr: self.remote_addr,
            user_agent: self.user_agent,
            auth_type: AuthType::parse(&self.auth_type)
                .ok_or_else(|| Error::internal("sso_session.auth_type holds an unknown value"))?,
            auth_principal: self.auth_principal,
            ext_session_id: self.ext_session_id,
            state_change_count: self.state_change_count,
        })
    }
}

#[derive(FromRow)]
struct CheckRow {
    #[sqlx(flatten)]
    session: SessionRow,
    #[sqlx(flatten)]
    user: UserStateRow,
    ust_digest: Vec<u8>,
}

#[derive(FromRow)]
struct ExternalRow {
    #[sqlx(flatten)]
    session: SessionRow,
    ust_digest: Vec<u8>,
}

#[derive(FromRow)]
struct UserStateRow {
    username: String,
    is_super_user: bool,
    is_locked: bool,
    sign_up_status: String,
    approval_status: String,
    password_expiry: Option<i64>,
    is_rate_limit_active: bool,
    rate_limit_def: Option<String>,
}

/// What every check of a session needs to know of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct UserState {
    pub username: String,
    pub is_super_user: bool,
    pub is_locked: bool,
    pub sign_up_status: SignUpStatus,
    pub approval_status: ApprovalStatus,
    pub password_expiry: Option<Timestamp>,
    pub is_rate_limit_active: bool,
    pub rate_limit_def: Option<String>,
}

impl UserStateRow {
    fn into_state(self) -> Result<UserState> {
        let unknown = |column: &str| Error::internal(format!("sso_user.{column} holds an unknown value"));
        Ok(UserState {
            username: self.username,
            is_super_user: self.is_super_user,
            is_locked: self.is_locked,
            sign_up_status: SignUpStatus::parse(&self.sign_up_status)
                .ok_or_else(|| unknown("sign_up_status"))?,
            approval_status: ApprovalStatus::parse(&self.approval_status)
                .ok_or_else(|| unknown("approval_status"))?,
            password_expiry: self.password_expiry.map(Timestamp::from_micros),
            is_rate_limit_active: self.is_rate_limit_active,
            rate_limit_def: self.rate_limit_def,
        })
    }
}

/// The digest of a session's token.
pub type UstDigest = [u8; 32];

/// Opens a session.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(conn: &mut Conn, session: &Session, ust_digest: &[u8]) -> Result<()> {
    execute!(
        conn,
        INSERT,
        session.session_id.0,
        ust_digest,
        session.user_id.as_str(),
        session.creation_time.as_micros(),
        session.expiration_time.as_micros(),
        &session.remote_addr,
        session.user_agent.as_deref(),
        session.auth_type.as_str(),
        &session.auth_principal,
        session.ext_session_id.as_deref(),
        session.state_change_count,
    )?;
    Ok(())
}

/// A session, found by the digest of its token, and the state of its user.
#[derive(Debug)]
pub struct Found {
    /// The digest that it was found by.
    pub digest: UstDigest,
    /// The session, expired or not.
    pub session: Session,
    /// Its user.
    pub user: UserState,
}

/// The sessions with these tokens, or with this one, given twice.
///
/// # Errors
/// When the database cannot answer.
pub async fn check(conn: &mut Conn, [one, other]: [&UstDigest; 2]) -> Result<Vec<Found>> {
    let rows = fetch_all!(conn, CheckRow, CHECK, one.as_slice(), other.as_slice())?;
    let found = |row: CheckRow| {
        let digest = row.ust_digest.as_slice().try_into().map_err(Error::internal)?;
        Ok(Found { digest, session: row.session.into_session()?, user: row.user.into_state()? })
    };
    rows.into_iter().map(found).collect()
}

/// The session that a linked definition opened, expired or not, and the digest of its token.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_ext_id(conn: &mut Conn, ext_session_id: &str) -> Result<Option<(Session, Vec<u8>)>> {
    let row: Option<ExternalRow> = fetch_optional!(conn, ExternalRow, BY_EXT_ID, ext_session_id)?;
    row.map(|row| Ok((row.session.into_session()?, row.ust_digest))).transpose()
}

/// Gives a session another token: the one it had acts as nothing from now on.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_digest(conn: &mut Conn, session_id: SessionId, ust_digest: &[u8]) -> Result<()> {
    let owner = fetch_optional!(conn, (String,), SET_DIGEST, session_id.0, ust_digest)?;
    conn.touch_all(owner.as_slice());
    Ok(())
}

/// Ends the sessions of a linked definition: the one whose id is that of the definition, and those whose id is that and
/// more behind a dot. How many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_definition(conn: &mut Conn, ext_session_id: &str) -> Result<u64> {
    // Text compares by code point, and a slash is what comes after a dot.
    let (first, last) = (format!("{ext_session_id}."), format!("{ext_session_id}/"));
    let owners = fetch_all!(conn, (String,), DELETE_OF_DEFINITION, ext_session_id, first, last)?;
    conn.touch_all(&owners);
    Ok(owners.len() as u64)
}

/// A user's sessions that have not expired, oldest first, each with its history.
///
/// # Errors
/// When the database cannot answer.
pub async fn list_of_user(
    conn: &mut Conn,
    user_id: &UserId,
    now: Timestamp,
) -> Result<Vec<(Session, Vec<StateChange>)>> {
    let now = now.as_micros();
    let rows = fetch_all!(conn, SessionRow, BY_USER, user_id.as_str(), now)?;
    type ChangeRow = (Uuid, i64, i64, String, String, Option<String>);
    let changes = fetch_all!(conn, ChangeRow, CHANGES_BY_USER, user_id.as_str(), now)?;
    let mut histories = std::collections::HashMap::<Uuid, Vec<StateChange>>::new();
    for (session_id, idx, time, source, remote_addr, user_agent) in changes {
        let ctx_source = if source == "login" { ChangeSource::Login } else { ChangeSource::Renew };
        let timestamp_utc = Timestamp::from_micros(time);
        let change = StateChange { idx, timestamp_utc, ctx_source, remote_addr, user_agent };
        histories.entry(session_id).or_default().push(change);
    }
    rows.into_iter()
        .map(|row| {
            let session = row.into_session()?;
            let renewals = histories.remove(&session.session_id.0).unwrap_or_default();
            let history = with_login(&session, renewals);
            Ok((session, history))
        })
        .collect()
}

/// The history of a session: its first entry, the login, stands in the session itself.
fn with_login(session: &Session, renewals: Vec<StateChange>) -> Vec<StateChange> {
    if session.state_change_count > HISTORY_LENGTH {
        return renewals;
    }
    let login = StateChange {
        idx: 1,
        timestamp_utc: session.creation_time,
        ctx_source: ChangeSource::Login,
        remote_addr: session.remote_addr.clone(),
        user_agent: session.user_agent.clone(),
    };
    std::iter::once(login).chain(renewals).collect()
}

/// Ends one session; false if it was gone already.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(conn: &mut Conn, session_id: SessionId) -> Result<bool> {
    let owner = fetch_optional!(conn, (String,), DELETE, session_id.0)?;
    conn.touch_all(owner.as_slice());
    Ok(owner.is_some())
}

/// Ends a user's sessions, all of them or all but one; how many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_user(conn: &mut Conn, user_id: &UserId, keep: Option<SessionId>) -> Result<u64> {
    conn.touch(user_id.as_str());
    match keep {
        Some(keep) => execute!(conn, DELETE_OTHERS_OF_USER, user_id.as_str(), keep.0),
        None => execute!(conn, DELETE_OF_USER, user_id.as_str()),
    }
}
