//! Users.

use uuid::Uuid;

use crate::domain::{ApprovalStatus, Language, Result, SignUpStatus, Timestamp, UserId};
use crate::store::db::dialect;
use crate::store::db::error::unique_violation;
use crate::store::{Conn, Tx};

/// Who is hidden at the time that is an argument, and nobody to anyone: a decoy, and a sign-up that was not confirmed in time.
/// Both have an end, which an index finds.
macro_rules! hidden {
    ($now:literal) => {
        concat!(
            "(sign_up_expiration IS NOT NULL AND (sign_up_is_decoy \
             OR sign_up_status = 'before_confirmation' AND sign_up_expiration <= ",
            $now,
            "))"
        )
    };
}
pub(in crate::store) use hidden;

/// The columns of [`UserRow`], in the order of the table.
macro_rules! columns {
    () => {
        "user_id, user_token, username, email, email_index, email_is_claimed, display_name, first_name, middle_name, \
         last_name, is_active, is_internal, is_super_user, is_locked, locked_time, locked_by, sign_up_status, \
         sign_up_time, sign_up_confirm_time, sign_up_confirm_digest, approval_status, approval_status_mod_time, \
         approval_status_mod_by, password_hash, password_last_set, password_expiry, password_must_change, \
         is_totp_enabled, totp_key, totp_label, totp_last_step, is_rate_limit_active, rate_limit_type, rate_limit_def, \
         rate_limit_check_parent_def, creation_ctx, username_key, username_skeleton, email_is_verified"
    };
}

/// Binds the values of a [`UserRow`], in the order of `columns!` and of the upper-cased names behind it.
macro_rules! bind_user {
    ($statement:expr, $row:expr) => {
        $statement
            .bind(&$row.user_id)
            .bind($row.user_token)
            .bind(&$row.username)
            .bind($row.email.as_deref())
            .bind($row.email_index.as_deref())
            .bind($row.email_is_claimed)
            .bind($row.display_name.as_deref())
            .bind($row.first_name.as_deref())
            .bind($row.middle_name.as_deref())
            .bind($row.last_name.as_deref())
            .bind($row.is_active)
            .bind($row.is_internal)
            .bind($row.is_super_user)
            .bind($row.is_locked)
            .bind($row.locked_time)
            .bind($row.locked_by.as_deref())
            .bind($row.sign_up_status)
            .bind($row.sign_up_time)
            .bind($row.sign_up_confirm_time)
            .bind($row.sign_up_confirm_digest.as_deref())
            .bind($row.approval_status)
            .bind($row.approval_status_mod_time)
            .bind($row.approval_status_mod_by.as_deref())
            .bind($row.password_hash.as_deref())
            .bind($row.password_last_set)
            .bind($row.password_expiry)
            .bind($row.password_must_change)
            .bind($row.is_totp_enabled)
            .bind($row.totp_key.as_deref())
            .bind($row.totp_label.as_deref())
            .bind($row.totp_last_step)
            .bind($row.is_rate_limit_active)
            .bind($row.rate_limit_type.as_deref())
            .bind($row.rate_limit_def.as_deref())
            .bind($row.rate_limit_check_parent_def)
            .bind($row.creation_ctx.as_deref())
            .bind($row.username_key.as_deref())
            .bind($row.username_skeleton.as_deref())
            .bind($row.email_is_verified)
            .bind($crate::store::user::account::upper(&$row.display_name))
            .bind($crate::store::user::account::upper(&$row.first_name))
            .bind($crate::store::user::account::upper(&$row.middle_name))
            .bind($crate::store::user::account::upper(&$row.last_name))
    };
}

pub(in crate::store) use {bind_user, columns};

sql! {
    INSERT = concat!(
        "INSERT INTO sso_user (", columns!(), ", display_name_upper, first_name_upper, middle_name_upper, \
         last_name_upper) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, \
         $40, $41, $42, $43) ON CONFLICT DO NOTHING"
    );
    BY_ID = concat!("SELECT ", columns!(), " FROM sso_user WHERE user_id = $1");
    BY_ID_FOR_UPDATE_POSTGRES = concat!(
        "SELECT ", columns!(), " FROM sso_user WHERE user_id = $1", dialect::for_update_postgres!()
    );
    /// Two at most: a user without a key may have a name that is another form of another user's.
    BY_USERNAME = concat!(
        "SELECT ", columns!(), " FROM sso_user WHERE username_key = $1 OR (username_key IS NULL AND username = $2)"
    );
    BY_EMAIL_INDEX = concat!(
        "SELECT ", columns!(), " FROM sso_user WHERE email_index = $1 \
         ORDER BY email_is_claimed DESC, username LIMIT $2"
    );
    SUPER_USERS = "SELECT user_id, password_last_set, is_locked, sign_up_status, approval_status FROM sso_user \
        WHERE is_super_user = TRUE AND is_active = TRUE ORDER BY user_id";
    SUPER_USERS_FOR_UPDATE_POSTGRES = concat!(
        "SELECT user_id, password_last_set, is_locked, sign_up_status, approval_status FROM sso_user \
         WHERE is_super_user = TRUE AND is_active = TRUE ORDER BY user_id", dialect::for_update_postgres!()
    );
    PAGE_BY_USERNAME = concat!(
        "SELECT ", columns!(), " FROM sso_user WHERE username > $1 AND NOT ", hidden!("$3"),
        " ORDER BY username LIMIT $2"
    );
    LANGUAGE = "SELECT language FROM sso_user WHERE user_id = $1";
    SET_LANGUAGE = "UPDATE sso_user SET language = $2 WHERE user_id = $1 AND language IS DISTINCT FROM $2";
    SET_LOCK = "UPDATE sso_user SET is_locked = $2, locked_time = $3, locked_by = $4 WHERE user_id = $1";
    SET_APPROVAL = "UPDATE sso_user SET approval_status = $2, approval_status_mod_time = $3, \
        approval_status_mod_by = $4 WHERE user_id = $1";
    SET_PASSWORD = "UPDATE sso_user SET password_hash = $2, password_last_set = $3, password_expiry = $4, \
        password_must_change = $5 WHERE user_id = $1";
    REPLACE_HASH = "UPDATE sso_user SET password_hash = $2 WHERE user_id = $1 AND password_hash = $3";
    /// A step that is later than any can be now was used by a clock that was ahead. Later ones were not used then, but for it.
    USE_TOTP_STEP = "UPDATE sso_user SET totp_last_step = $2, \
        totp_ahead_step = CASE WHEN totp_last_step > $3 THEN totp_last_step ELSE totp_ahead_step END \
        WHERE user_id = $1 AND totp_ahead_step <> $2 AND (totp_last_step < $2 OR totp_last_step > $3)";
    UPDATE = "UPDATE sso_user SET username = $2, email = $3, email_index = $4, display_name = $5, first_name = $6, \
        middle_name = $7, last_name = $8, display_name_upper = $9, first_name_upper = $10, middle_name_upper = $11, \
        last_name_upper = $12, is_locked = $13, locked_time = $14, locked_by = $15, sign_up_status = $16, \
        approval_status = $17, approval_status_mod_time = $18, approval_status_mod_by = $19, password_expiry = $20, \
        password_must_change = $21, is_totp_enabled = $22, totp_key = $23, totp_label = $24, \
        totp_last_step = $25, is_rate_limit_active = $26, rate_limit_def = $27, username_key = $28, \
        username_skeleton = $29, is_super_user = $30, email_is_verified = $31 WHERE user_id = $1";
    SET_EMAIL = "UPDATE sso_user SET email = $2, email_index = $3, email_is_claimed = $4, \
        email_is_verified = $5 WHERE user_id = $1";
    SET_TOTP = "UPDATE sso_user SET totp_key = $2, totp_label = $3, totp_last_step = $4 WHERE user_id = $1";
    DELETE_BY_ID = "DELETE FROM sso_user WHERE user_id = $1 RETURNING user_id, username";
    LOCK_ROW_SQLITE = dialect::LOCK_USER_SQLITE;
    LOCK_ROW_POSTGRES = dialect::LOCK_USER_POSTGRES;
    LOCK_AND_COUNT_SQLITE = dialect::LOCK_AND_COUNT_SQLITE;
    LOCK_AND_COUNT_POSTGRES = dialect::LOCK_AND_COUNT_POSTGRES;
}

row! {
    /// A user as the table holds it: `email`, `password_hash`, `totp_key` and `totp_label` are envelopes.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct UserRow {
        pub user_id: UserId,
        pub user_token: Uuid,
        pub username: String,
        pub email: Option<Vec<u8>>,
        pub email_index: Option<Vec<u8>>,
        pub email_is_claimed: bool,
        pub display_name: Option<String>,
        pub first_name: Option<String>,
        pub middle_name: Option<String>,
        pub last_name: Option<String>,
        pub is_active: bool,
        pub is_internal: bool,
        pub is_super_user: bool,
        pub is_locked: bool,
        pub locked_time: Option<Timestamp>,
        pub locked_by: Option<String>,
        pub sign_up_status: SignUpStatus,
        pub sign_up_time: Timestamp,
        pub sign_up_confirm_time: Option<Timestamp>,
        pub sign_up_confirm_digest: Option<Vec<u8>>,
        pub approval_status: ApprovalStatus,
        pub approval_status_mod_time: Timestamp,
        pub approval_status_mod_by: Option<String>,
        pub password_hash: Option<Vec<u8>>,
        pub password_last_set: Option<Timestamp>,
        pub password_expiry: Option<Timestamp>,
        pub password_must_change: bool,
        pub is_totp_enabled: bool,
        pub totp_key: Option<Vec<u8>>,
        pub totp_label: Option<Vec<u8>>,
        pub totp_last_step: i64,
        pub is_rate_limit_active: bool,
        pub rate_limit_type: Option<String>,
        pub rate_limit_def: Option<String>,
        pub rate_limit_check_parent_def: bool,
        pub creation_ctx: Option<String>,
        /// None for users of earlier versions, until their names have been gone through.
        pub username_key: Option<String>,
        pub username_skeleton: Option<String>,
        pub email_is_verified: bool,
    }
}

/// How an insertion went. Uniqueness is the database's: a taken name is found by trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The user is there now.
    Yes,
    /// Another user has that username.
    UsernameTaken,
    /// A user who signed up has that email.
    EmailTaken,
}

/// How an update went. After anything but a success the transaction is good for nothing but its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// The user is as wanted.
    Yes,
    /// Another user has that username.
    UsernameTaken,
    /// Another user who signed up has that email.
    EmailTaken,
}

row! {
    /// What of a user others must not have changed meanwhile.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct HeldUser {
        pub password_last_set: Option<Timestamp>,
        pub is_locked: bool,
        pub sign_up_status: SignUpStatus,
        pub approval_status: ApprovalStatus,
    }
}

row! {
    struct HeldAndCounted {
        sessions: i64,
    } with {
        user: HeldUser,
    }
}

impl HeldUser {
    /// Whether neither a lock, nor an unconfirmed sign-up, nor a missing approval keeps the user from having sessions.
    #[must_use]
    pub fn may_have_sessions(&self) -> bool {
        !self.is_locked
            && self.sign_up_status == SignUpStatus::Final
            && self.approval_status == ApprovalStatus::Approved
    }
}

impl From<&UserRow> for HeldUser {
    fn from(row: &UserRow) -> Self {
        Self {
            password_last_set: row.password_last_set,
            is_locked: row.is_locked,
            sign_up_status: row.sign_up_status,
            approval_status: row.approval_status,
        }
    }
}

row! {
    /// A super-user, and what may keep them from logging in.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct SuperUser {
        pub user_id: UserId,
    } with {
        pub held: HeldUser,
    }
}

row! {
    /// Who was deleted.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Removed {
        pub user_id: UserId,
        pub username: String,
    }
}

/// Adds a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(conn: &mut Conn, row: &UserRow) -> Result<Inserted> {
    let mut statement = conn.statement(INSERT);
    bind_user!(statement, row);
    if conn.execute(statement).await? == 1 {
        return Ok(Inserted::Yes);
    }
    let key = row.username_key.as_deref().unwrap_or(&row.username);
    Ok(match by_username(conn, &row.username, key).await? {
        Some(_) => Inserted::UsernameTaken,
        None => Inserted::EmailTaken,
    })
}

/// The user with this id.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_id(conn: &mut Conn, user_id: &UserId) -> Result<Option<UserRow>> {
    fetch_optional!(conn, UserRow, BY_ID, user_id)
}

/// The user with this id, locked until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_id_for_update(tx: &mut Tx, user_id: &UserId) -> Result<Option<UserRow>> {
    let sql = tx.choose(BY_ID, BY_ID_FOR_UPDATE_POSTGRES);
    fetch_optional!(tx, UserRow, sql, user_id)
}

/// The super-users, locked until the transaction ends. Locked in one order: two that ask for them wait for each other.
///
/// # Errors
/// When the database cannot answer.
pub async fn super_users_for_update(tx: &mut Tx) -> Result<Vec<SuperUser>> {
    let statement = tx.choose(SUPER_USERS, SUPER_USERS_FOR_UPDATE_POSTGRES);
    fetch_all!(tx, SuperUser, statement)
}

/// The user with this name, whose key that is. Of a user without a key, the name is the key: who has exactly this name
/// comes first. What no username can look like is not asked for: PostgreSQL knows no NUL in text.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_username(conn: &mut Conn, username: &str, key: &str) -> Result<Option<UserRow>> {
    if username.is_empty() || username.contains('\0') {
        return Ok(None);
    }
    let mut rows: Vec<UserRow> = fetch_all!(conn, UserRow, BY_USERNAME, key, username)?;
    let exact = rows.iter().position(|row| row.username == username).unwrap_or(0);
    Ok((!rows.is_empty()).then(|| rows.swap_remove(exact)))
}

/// Users whose email has this index, so many at most: the one who owns it first, then by name.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_email_index(conn: &mut Conn, index: &[u8], limit: i64) -> Result<Vec<UserRow>> {
    fetch_all!(conn, UserRow, BY_EMAIL_INDEX, index, limit)
}

/// Users whose name comes after this one, by name, so many at most; none that are hidden at this time.
///
/// # Errors
/// When the database cannot answer.
pub async fn page_by_username(
    conn: &mut Conn,
    after: &str,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<UserRow>> {
    fetch_all!(conn, UserRow, PAGE_BY_USERNAME, after, limit, now)
}

/// The language in which a user has logged in last, where that is known.
///
/// # Errors
/// When the database cannot answer.
pub async fn language(conn: &mut Conn, user_id: &UserId) -> Result<Option<Language>> {
    let found = fetch_optional!(conn, (Option<String>,), LANGUAGE, user_id)?;
    Ok(found.and_then(|(language,)| language).and_then(|language| Language::of_tag(&language)))
}

/// Remembers it.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_language(conn: &mut Conn, user_id: &UserId, language: Language) -> Result<()> {
    execute!(conn, SET_LANGUAGE, user_id, language.as_str()).map(drop)
}

/// Locks or unlocks; whether there is such a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_lock(
    conn: &mut Conn,
    user_id: &UserId,
    locked: bool,
    time: Timestamp,
    by: &str,
) -> Result<bool> {
    conn.touch(user_id.as_str());
    Ok(execute!(conn, SET_LOCK, user_id, locked, time, by)? == 1)
}

/// Sets the approval status; whether there is such a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_approval(
    conn: &mut Conn,
    user_id: &UserId,
    status: ApprovalStatus,
    time: Timestamp,
    by: &str,
) -> Result<bool> {
    conn.touch(user_id.as_str());
    Ok(execute!(conn, SET_APPROVAL, user_id, status, time, by)? == 1)
}

/// Sets a new password; whether there is such a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_password(
    conn: &mut Conn,
    user_id: &UserId,
    envelope: &[u8],
    now: Timestamp,
    expiry: Option<Timestamp>,
    must_change: bool,
) -> Result<bool> {
    conn.touch(user_id.as_str());
    Ok(execute!(conn, SET_PASSWORD, user_id, envelope, now, expiry, must_change)? == 1)
}

/// Replaces the hash of an unchanged password by a stronger one, unless it was changed meanwhile.
///
/// # Errors
/// When the database cannot answer.
pub async fn replace_hash(conn: &mut Conn, user_id: &UserId, new: &[u8], old: &[u8]) -> Result<bool> {
    Ok(execute!(conn, REPLACE_HASH, user_id, new, old)? == 1)
}

/// Uses up a TOTP time step: false if it, or a later one up to `last`, was used before. Of any number of simultaneous calls with
/// the same step, one gets true.
///
/// # Errors
/// When the database cannot answer.
pub async fn use_totp_step(conn: &mut Conn, user_id: &UserId, step: i64, last: i64) -> Result<bool> {
    Ok(execute!(conn, USE_TOTP_STEP, user_id, step, last)? == 1)
}

/// Writes a user's TOTP key, its label, and the last time step that a code of it was used in.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_totp(tx: &mut Tx, row: &UserRow) -> Result<()> {
    tx.touch(row.user_id.as_str());
    let (key, label) = (row.totp_key.as_deref(), row.totp_label.as_deref());
    execute!(tx, SET_TOTP, &row.user_id, key, label, row.totp_last_step)?;
    Ok(())
}

/// Writes what of a user can be changed by an update.
///
/// # Errors
/// When the database cannot answer.
pub async fn update(tx: &mut Tx, row: &UserRow) -> Result<Updated> {
    tx.touch(row.user_id.as_str());
    let outcome = execute!(
        tx,
        UPDATE,
        &row.user_id,
        &row.username,
        row.email.as_deref(),
        row.email_index.as_deref(),
        row.display_name.as_deref(),
        row.first_name.as_deref(),
        row.middle_name.as_deref(),
        row.last_name.as_deref(),
        upper(&row.display_name),
        upper(&row.first_name),
        upper(&row.middle_name),
        upper(&row.last_name),
        row.is_locked,
        row.locked_time,
        row.locked_by.as_deref(),
        row.sign_up_status,
        row.approval_status,
        row.approval_status_mod_time,
        row.approval_status_mod_by.as_deref(),
        row.password_expiry,
        row.password_must_change,
        row.is_totp_enabled,
        row.totp_key.as_deref(),
        row.totp_label.as_deref(),
        row.totp_last_step,
        row.is_rate_limit_active,
        row.rate_limit_def.as_deref(),
        row.username_key.as_deref(),
        row.username_skeleton.as_deref(),
        row.is_super_user,
        row.email_is_verified,
    );
    updated(outcome)
}

fn updated(outcome: Result<u64>) -> Result<Updated> {
    match outcome {
        Ok(_) => Ok(Updated::Yes),
        Err(error) => match unique_violation(&error) {
            Some(column) if column.contains("username") => Ok(Updated::UsernameTaken),
            Some(column) if column.contains("email") => Ok(Updated::EmailTaken),
            _ => Err(error),
        },
    }
}

/// Writes a user's email, and whether it is proved that it is theirs.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_email(tx: &mut Tx, row: &UserRow) -> Result<Updated> {
    tx.touch(row.user_id.as_str());
    let (email, index) = (row.email.as_deref(), row.email_index.as_deref());
    updated(execute!(tx, SET_EMAIL, &row.user_id, email, index, row.email_is_claimed, row.email_is_verified))
}

/// The form of a name that searches compare.
pub(in crate::store) fn upper(name: &Option<String>) -> Option<String> {
    name.as_ref().map(|name| name.to_uppercase())
}

/// Deletes a user; all that is theirs goes by the schema's cascades. None if there is no such user.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_by_id(conn: &mut Conn, user_id: &UserId) -> Result<Option<Removed>> {
    conn.touch(user_id.as_str());
    fetch_optional!(conn, Removed, DELETE_BY_ID, user_id)
}

/// Keeps others from changing the user until the transaction ends, and tells what may have changed before. None: no such
/// user.
///
/// # Errors
/// When the database cannot answer.
pub async fn lock_row(conn: &mut Conn, user_id: &UserId) -> Result<Option<HeldUser>> {
    let sql = conn.choose(LOCK_ROW_SQLITE, LOCK_ROW_POSTGRES);
    fetch_optional!(conn, HeldUser, sql, user_id)
}

/// The same, and how many sessions the user has, expired ones included; counted up to `most`.
///
/// # Errors
/// When the database cannot answer.
pub async fn lock_row_and_count(
    conn: &mut Conn,
    user_id: &UserId,
    most: i64,
) -> Result<Option<(HeldUser, i64)>> {
    let sql = conn.choose(LOCK_AND_COUNT_SQLITE, LOCK_AND_COUNT_POSTGRES);
    let row = fetch_optional!(conn, HeldAndCounted, sql, user_id, most)?;
    Ok(row.map(|row| (row.user, row.sessions)))
}
