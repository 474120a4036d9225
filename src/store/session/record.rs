//! Sessions, and what a check of one needs to know of its user.

use std::collections::HashMap;

use crate::domain::{
    ApprovalStatus, AuthType, ChangeSource, Error, Result, Session, SessionId, SignUpStatus, StateChange,
    Timestamp, UserId,
};
use crate::store::group::membership;
use crate::store::session::device::{self, NewDevice, put_device};
use crate::store::site;
use crate::store::user::account::UserRow;
use crate::store::{Conn, Tx};

/// How many interactions of a session are kept.
pub const HISTORY_LENGTH: i64 = 100;

/// How many sessions a list holds, and how many interactions with all of them.
const LISTED: (i64, i64) = (500, 20_000);

/// The columns of [`SessionRow`], behind what they are prefixed with.
macro_rules! columns {
    ($of:literal) => {
        concat!(
            $of,
            "session_id, ",
            $of,
            "user_id, ",
            $of,
            "creation_time, ",
            $of,
            "expiration_time, ",
            $of,
            "remote_addr, ",
            $of,
            "user_agent, ",
            $of,
            "auth_type, ",
            $of,
            "auth_principal, ",
            $of,
            "ext_session_id, ",
            $of,
            "state_change_count, ",
            $of,
            "auth_time, ",
            $of,
            "last_use, ",
            $of,
            "auth_methods"
        )
    };
}

/// Sessions that were used after a time. Who has those of sites says how long they last, and uses them without telling.
macro_rules! used_since {
    ($time:literal) => {
        concat!(" AND (site_id IS NOT NULL OR COALESCE(last_use, creation_time) > ", $time, ")")
    };
}

macro_rules! insert {
    () => {
        concat!(
            "INSERT INTO sso_session (",
            columns!(""),
            ", ust_digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        )
    };
}

sql! {
    INSERT = insert!();
    /// The same, and the device that the user has logged in with for the first time: two statements, one after the other.
    INSERT_WITH_DEVICE_SQLITE = concat!(insert!(), "; ", put_device!("$2", "$15", "$3", "$16"));
    INSERT_WITH_DEVICE_POSTGRES = concat!(
        "WITH device AS (", put_device!("$2", "$15", "$3", "$16"), ") ", insert!()
    );
    /// Sessions and the states of their users, in one look-up by the digests of tokens: one, or two. No token acts as a
    /// session that a site has started.
    CHECK = concat!(
        "SELECT ", columns!("s."), ", u.username, u.is_super_user, u.is_locked, u.sign_up_status, u.approval_status, \
         u.password_expiry, u.is_rate_limit_active, u.rate_limit_def, s.ust_digest, ", membership!("u.user_id"), " AS membership \
         FROM sso_session s JOIN sso_user u ON u.user_id = s.user_id WHERE s.ust_digest IN ($1, $2) AND s.site_id IS NULL"
    );
    BY_USER = concat!(
        "SELECT ", columns!(""), " FROM sso_session WHERE user_id = $1 AND expiration_time > $2", used_since!("$4"),
        " ORDER BY creation_time DESC, session_id DESC LIMIT $3"
    );
    CHANGES_BY_USER = "SELECT c.session_id, c.idx, c.change_time, c.ctx_source, c.remote_addr, c.user_agent \
        FROM sso_session_change c JOIN sso_session s ON s.session_id = c.session_id \
        WHERE s.user_id = $1 AND s.expiration_time > $2 ORDER BY c.change_time DESC, c.idx DESC LIMIT $3";
    BY_EXT_ID = concat!("SELECT ", columns!(""), ", ust_digest FROM sso_session WHERE ext_session_id = $1");
    SET_DIGEST = "UPDATE sso_session SET ust_digest = $2 WHERE session_id = $1 RETURNING user_id";
    NOTE_USE = "UPDATE sso_session SET last_use = $2 WHERE session_id = $1 AND COALESCE(last_use, creation_time) <= $3";
    LAST_USE = "SELECT COALESCE(last_use, creation_time) FROM sso_session WHERE session_id = $1";
    SET_AUTH_TIME = "UPDATE sso_session SET auth_time = $2 WHERE session_id = $1 RETURNING user_id";
    DELETE_OF_DEFINITION = "DELETE FROM sso_session \
        WHERE ext_session_id = $1 OR (ext_session_id > $2 AND ext_session_id < $3) RETURNING user_id";
    OWNER = "SELECT user_id FROM sso_session WHERE session_id = $1";
    BY_ID = concat!(
        "SELECT ", columns!(""), " FROM sso_session WHERE session_id = $1 AND expiration_time > $2", used_since!("$3")
    );
    CHANGES = "SELECT session_id, idx, change_time, ctx_source, remote_addr, user_agent FROM sso_session_change \
        WHERE session_id = $1 ORDER BY idx";
    COUNT_OPEN = concat!(
        "SELECT COUNT(*) FROM sso_session WHERE user_id = $1 AND expiration_time > $2", used_since!("$3")
    );
    COUNT_ALL_OPEN = concat!("SELECT COUNT(*) FROM sso_session WHERE expiration_time > $1", used_since!("$2"));
    DELETE_OLDEST = "DELETE FROM sso_session WHERE session_id IN (SELECT session_id FROM sso_session WHERE user_id = $1 \
        ORDER BY expiration_time DESC, creation_time DESC, session_id DESC LIMIT $3 OFFSET $2) RETURNING session_id";
    DELETE = "DELETE FROM sso_session WHERE session_id = $1 RETURNING user_id";
    DELETE_OF_USER = "DELETE FROM sso_session WHERE user_id = $1";
    DELETE_OTHERS_OF_USER = "DELETE FROM sso_session WHERE user_id = $1 AND session_id <> $2";
    END_SIGN_INS_OF_USER = "DELETE FROM sso_authorization WHERE user_id = $1";
    END_OTHER_SIGN_INS_OF_USER = "DELETE FROM sso_authorization WHERE user_id = $1 AND sid <> $2";
}

row! {
    struct SessionRow {
        session_id: SessionId,
        user_id: UserId,
        creation_time: Timestamp,
        expiration_time: Timestamp,
        remote_addr: String,
        user_agent: Option<String>,
        auth_type: AuthType,
        auth_principal: String,
        ext_session_id: Option<String>,
        state_change_count: i64,
        auth_time: Option<Timestamp>,
        last_use: Option<Timestamp>,
        auth_methods: Option<String>,
    }
}

impl SessionRow {
    fn into_session(self) -> Session {
        Session {
            session_id: self.session_id,
            user_id: self.user_id,
            creation_time: self.creation_time,
            expiration_time: self.expiration_time,
            remote_addr: self.remote_addr,
            user_agent: self.user_agent,
            auth_type: self.auth_type,
            auth_principal: self.auth_principal,
            ext_session_id: self.ext_session_id,
            state_change_count: self.state_change_count,
            auth_time: self.auth_time.unwrap_or(self.creation_time),
            last_use: self.last_use.unwrap_or(self.creation_time),
            auth_methods: self.auth_methods,
        }
    }
}

row! {
    struct CheckRow {
        ust_digest: Vec<u8>,
    } with {
        session: SessionRow,
        user: UserState,
    }
}

row! {
    struct ExternalRow {
        ust_digest: Vec<u8>,
    } with {
        session: SessionRow,
    }
}

row! {
    struct ChangeRow {
        session_id: SessionId,
        idx: i64,
        change_time: Timestamp,
        ctx_source: ChangeSource,
        remote_addr: String,
        user_agent: Option<String>,
    }
}

impl ChangeRow {
    fn into_change(self) -> StateChange {
        StateChange {
            idx: self.idx,
            timestamp_utc: self.change_time,
            ctx_source: self.ctx_source,
            remote_addr: self.remote_addr,
            user_agent: self.user_agent,
        }
    }
}

row! {
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
        /// The user's groups, as `Membership::parse` reads them.
        pub membership: Option<String>,
    }
}

impl UserState {
    /// What a row of a user says, and the groups beside it.
    #[must_use]
    pub fn new(row: &UserRow, membership: Option<String>) -> Self {
        Self {
            username: row.username.clone(),
            is_super_user: row.is_super_user,
            is_locked: row.is_locked,
            sign_up_status: row.sign_up_status,
            approval_status: row.approval_status,
            password_expiry: row.password_expiry,
            is_rate_limit_active: row.is_rate_limit_active,
            rate_limit_def: row.rate_limit_def.clone(),
            membership,
        }
    }
}

/// How many sessions beyond the limit of a user one login ends.
const MAX_ENDED: i64 = 1_000;

/// The digest of a session's token.
pub type UstDigest = [u8; 32];

/// Opens a session, and remembers the device that its user has logged in with, if that is to be.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(
    conn: &mut Conn,
    session: &Session,
    ust_digest: &[u8],
    device: Option<NewDevice<'_>>,
) -> Result<()> {
    // The values of a session, and more behind them.
    macro_rules! insert_with {
        ($sql:expr $(, $more:expr)*) => {
            execute!(
                conn,
                $sql,
                session.session_id,
                &session.user_id,
                session.creation_time,
                session.expiration_time,
                &session.remote_addr,
                session.user_agent.as_deref(),
                session.auth_type,
                &session.auth_principal,
                session.ext_session_id.as_deref(),
                session.state_change_count,
                (session.auth_time != session.creation_time).then_some(session.auth_time),
                (session.last_use != session.creation_time).then_some(session.last_use),
                session.auth_methods.as_deref(),
                ust_digest
                $(, $more)*
            )
        };
    }
    match device {
        None => insert_with!(INSERT),
        Some(NewDevice { digest, slots }) => {
            let sql = conn.choose(INSERT_WITH_DEVICE_SQLITE, INSERT_WITH_DEVICE_POSTGRES);
            insert_with!(sql, digest, i64::from(slots))
        }
    }
    .map(drop)
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
        Ok(Found { digest, session: row.session.into_session(), user: row.user })
    };
    rows.into_iter().map(found).collect()
}

/// The session that a linked definition opened, expired or not, and the digest of its token.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_ext_id(conn: &mut Conn, ext_session_id: &str) -> Result<Option<(Session, Vec<u8>)>> {
    let row: Option<ExternalRow> = fetch_optional!(conn, ExternalRow, BY_EXT_ID, ext_session_id)?;
    Ok(row.map(|row| (row.session.into_session(), row.ust_digest)))
}

/// Gives a session another token: the one it had acts as nothing from now on.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_digest(conn: &mut Conn, session_id: SessionId, ust_digest: &[u8]) -> Result<()> {
    let owner = fetch_optional!(conn, (String,), SET_DIGEST, session_id, ust_digest)?;
    conn.touch_all(owner.as_slice());
    Ok(())
}

/// Notes that the user of a session has proved who they are; false if the session is gone.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_auth_time(conn: &mut Conn, session_id: SessionId, time: Timestamp) -> Result<bool> {
    let owner = fetch_optional!(conn, (String,), SET_AUTH_TIME, session_id, time)?;
    conn.touch_all(owner.as_slice());
    Ok(owner.is_some())
}

/// Notes that a session is used, unless a use after some time is written already; what is written then, None if the session is
/// gone. Nobody is told: a session that seems to have been left unused is read again.
///
/// # Errors
/// When the database cannot answer.
pub async fn note_use(
    conn: &mut Conn,
    session_id: SessionId,
    time: Timestamp,
    unless_after: Timestamp,
) -> Result<Option<Timestamp>> {
    if execute!(conn, NOTE_USE, session_id, time, unless_after)? > 0 {
        return Ok(Some(time));
    }
    let written = fetch_optional!(conn, (Timestamp,), LAST_USE, session_id)?;
    Ok(written.map(|(time,)| time))
}

/// Ends the sessions of a linked definition: the one whose id is that of the definition, and those whose id is that and
/// more behind a dot. How many there were.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_definition(conn: &mut Conn, ext_session_id: &str) -> Result<u64> {
    // Text compares by code point, and a slash is what comes after a dot.
    let (first, last) = (format!("{ext_session_id}."), format!("{ext_session_id}/"));
    let owners = fetch_all!(conn, (String,), DELETE_OF_DEFINITION, ext_session_id, &first, &last)?;
    conn.touch_all(&owners);
    Ok(owners.len() as u64)
}

/// Which sessions are open: those that have not expired now, and were used after some time.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Open {
    pub now: Timestamp,
    pub used_since: Timestamp,
}

/// An open session, with its history.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_id(
    conn: &mut Conn,
    session_id: SessionId,
    open: Open,
) -> Result<Option<(Session, Vec<StateChange>)>> {
    let Some(row) = fetch_optional!(conn, SessionRow, BY_ID, session_id, open.now, open.used_since)? else {
        return Ok(None);
    };
    let changes = fetch_all!(conn, ChangeRow, CHANGES, session_id)?;
    let session = row.into_session();
    let history = with_login(&session, changes.into_iter().map(ChangeRow::into_change).collect());
    Ok(Some((session, history)))
}

/// How many sessions are open, of all users.
///
/// # Errors
/// When the database cannot answer.
pub async fn count_all_open(conn: &mut Conn, open: Open) -> Result<i64> {
    let count = fetch_optional!(conn, (i64,), COUNT_ALL_OPEN, open.now, open.used_since)?;
    Ok(count.map_or(0, |(count,)| count))
}

/// How many sessions of a user are open.
///
/// # Errors
/// When the database cannot answer.
pub async fn count_open(conn: &mut Conn, user_id: &UserId, open: Open) -> Result<i64> {
    let count = fetch_optional!(conn, (i64,), COUNT_OPEN, user_id, open.now, open.used_since)?;
    Ok(count.map_or(0, |(count,)| count))
}

/// Ends the sessions of a user but for so many, those that were used last: which they were. Of very many, some stay until
/// the next time.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_oldest(tx: &mut Tx, user_id: &UserId, keep: i64) -> Result<Vec<SessionId>> {
    tx.touch(user_id.as_str());
    let oldest = fetch_all!(tx, (SessionId,), DELETE_OLDEST, user_id, keep, MAX_ENDED)?;
    Ok(oldest.into_iter().map(|(session_id,)| session_id).collect())
}

/// A user's open sessions, oldest first, each with its history. Of more than 500 sessions, and of more
/// than 20,000 interactions with them, the newest ones.
///
/// # Errors
/// When the database cannot answer.
pub async fn list_of_user(
    conn: &mut Conn,
    user_id: &UserId,
    open: Open,
) -> Result<Vec<(Session, Vec<StateChange>)>> {
    let (most, most_changes) = LISTED;
    let mut rows = fetch_all!(conn, SessionRow, BY_USER, user_id, open.now, most, open.used_since)?;
    let mut changes = fetch_all!(conn, ChangeRow, CHANGES_BY_USER, user_id, open.now, most_changes)?;
    rows.reverse();
    changes.reverse();
    let mut histories = HashMap::<SessionId, Vec<StateChange>>::new();
    for row in changes {
        histories.entry(row.session_id).or_default().push(row.into_change());
    }
    let with_history = |row: SessionRow| {
        let session = row.into_session();
        let mut renewals = histories.remove(&session.session_id).unwrap_or_default();
        // Of renewals at the same time, the one that was asked for first may have been written last.
        renewals.sort_unstable_by_key(|renewal| renewal.idx);
        let history = with_login(&session, renewals);
        (session, history)
    };
    Ok(rows.into_iter().map(with_history).collect())
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

/// Whose session it is, expired or not.
///
/// # Errors
/// When the database cannot answer.
pub async fn owner(conn: &mut Conn, session_id: SessionId) -> Result<Option<UserId>> {
    let row = fetch_optional!(conn, (UserId,), OWNER, session_id)?;
    Ok(row.map(|(user_id,)| user_id))
}

/// Ends one session; false if it was gone already.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(conn: &mut Conn, session_id: SessionId) -> Result<bool> {
    let owner = fetch_optional!(conn, (String,), DELETE, session_id)?;
    conn.touch_all(owner.as_slice());
    Ok(owner.is_some())
}

/// Ends a user's sessions, all of them or all but one; how many there were. A site that starts another one has to verify the
/// password again, and no device is known any more.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_of_user(conn: &mut Conn, user_id: &UserId, keep: Option<SessionId>) -> Result<u64> {
    conn.touch(user_id.as_str());
    site::identity::delete_verifications(conn, user_id).await?;
    device::delete_of_user(conn, user_id).await?;
    // Sign-ins at clients that go on without a session, too: what they began with may be somebody else's.
    match keep {
        Some(keep) => {
            execute!(conn, END_OTHER_SIGN_INS_OF_USER, user_id, keep)?;
            execute!(conn, DELETE_OTHERS_OF_USER, user_id, keep)
        }
        None => {
            execute!(conn, END_SIGN_INS_OF_USER, user_id)?;
            execute!(conn, DELETE_OF_USER, user_id)
        }
    }
}
