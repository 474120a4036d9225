//! Identities: the credentials and profiles of users, as sites know them.

use uuid::Uuid;

use crate::domain::{Direction, PageRequest, Result, Timestamp, UserId};
use crate::store::db::dialect;
use crate::store::db::error::unique_violation;
use crate::store::db::pool::Raw;
use crate::store::user::account;
use crate::store::user::account::UserRow;
use crate::store::{Conn, Tx, map_error};

macro_rules! columns {
    () => {
        "identity_token, user_id, site_id, provider, external_id, profile, creation_time, last_modified"
    };
}

macro_rules! identity {
    () => {
        concat!("SELECT ", columns!(), ", user_token FROM sso_identity JOIN sso_user USING (user_id)")
    };
}

macro_rules! user {
    ($rest:expr) => {
        concat!("SELECT ", account::columns!(), " FROM sso_user", $rest)
    };
}

sql! {
    INSERT = concat!(
        "INSERT INTO sso_identity (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (site_id, external_id) DO NOTHING"
    );
    BY_TOKEN = concat!(identity!(), " WHERE identity_token = $1");
    BY_USER = concat!(identity!(), " WHERE user_id = $1 ORDER BY creation_time, identity_token");
    OF_SITE = concat!(identity!(), " WHERE user_id = $1 AND site_id = $2");
    EXISTS = "SELECT 1 FROM sso_identity WHERE identity_token = $1";
    UPDATE = "UPDATE sso_identity SET external_id = $2, profile = $3, last_modified = $4 WHERE identity_token = $1";
    OWNER_SQLITE = user!(" JOIN sso_identity USING (user_id) WHERE identity_token = $1");
    OWNER_POSTGRES = user!(concat!(
        " JOIN sso_identity USING (user_id) WHERE identity_token = $1", dialect::held_user_postgres!()
    ));
    USER_BY_TOKEN = user!(" WHERE user_token = $1");
    COUNT_USERS = "SELECT COUNT(*) FROM sso_user";
    USERS_UPWARDS = user!(" ORDER BY username ASC LIMIT $1 OFFSET $2");
    USERS_DOWNWARDS = user!(" ORDER BY username DESC LIMIT $1 OFFSET $2");
}

/// Where identities come from that are kept here.
const STORAGE: &str = "storage";

row! {
    /// An identity as the table holds it, and the token of its user: `profile` is an envelope.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct IdentityRow {
        pub identity_token: Uuid,
        pub user_id: UserId,
        pub user_token: Uuid,
        pub site_id: Option<Uuid>,
        pub provider: String,
        pub external_id: Option<String>,
        pub profile: Option<Vec<u8>>,
        pub creation_time: Timestamp,
        pub last_modified: Timestamp,
    }
}

impl IdentityRow {
    /// The identity that every user has from the start: of no site, and nothing is said about the user yet.
    #[must_use]
    pub fn first(user: &UserRow, identity_token: Uuid, now: Timestamp) -> Self {
        Self {
            identity_token,
            user_id: user.user_id.clone(),
            user_token: user.user_token,
            site_id: None,
            provider: STORAGE.to_owned(),
            external_id: None,
            profile: None,
            creation_time: now,
            last_modified: now,
        }
    }
}

/// Adds an identity; false if the site has one with that external id.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, row: &IdentityRow) -> Result<bool> {
    let inserted = execute!(
        tx,
        INSERT,
        row.identity_token,
        &row.user_id,
        row.site_id,
        &row.provider,
        row.external_id.as_deref(),
        row.profile.as_deref(),
        row.creation_time,
        row.last_modified,
    )?;
    Ok(inserted == 1)
}

/// The identity with this token.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_token(conn: &mut Conn, identity_token: Uuid) -> Result<Option<IdentityRow>> {
    fetch_optional!(conn, IdentityRow, BY_TOKEN, identity_token)
}

/// Whether there is an identity with this token.
///
/// # Errors
/// When the database cannot answer.
pub async fn exists(conn: &mut Conn, identity_token: Uuid) -> Result<bool> {
    Ok(fetch_optional!(conn, (i32,), EXISTS, identity_token)?.is_some())
}

/// The identities of a user, oldest first.
///
/// # Errors
/// When the database cannot answer.
pub async fn list_of_user(conn: &mut Conn, user_id: &UserId) -> Result<Vec<IdentityRow>> {
    fetch_all!(conn, IdentityRow, BY_USER, user_id)
}

/// The identity that a site has made for a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_site(conn: &mut Conn, user_id: &UserId, site_id: Uuid) -> Result<Option<IdentityRow>> {
    fetch_optional!(conn, IdentityRow, OF_SITE, user_id, site_id)
}

/// Writes what of an identity can change; false if the site has another one with that external id. The transaction is good
/// for nothing but its end then.
///
/// # Errors
/// When the database cannot answer.
pub async fn update(tx: &mut Tx, row: &IdentityRow, now: Timestamp) -> Result<bool> {
    let (external_id, profile) = (row.external_id.as_deref(), row.profile.as_deref());
    match execute!(tx, UPDATE, row.identity_token, external_id, profile, now) {
        Ok(_) => Ok(true),
        Err(error) if unique_violation(&error).is_some() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The user whose identity this is, locked until the transaction ends.
///
/// # Errors
/// When the database cannot answer.
pub async fn owner_for_update(tx: &mut Tx, identity_token: Uuid) -> Result<Option<UserRow>> {
    match tx.raw() {
        Raw::Sqlite(driver) => sqlx::query_as(OWNER_SQLITE).bind(identity_token).fetch_optional(driver).await,
        Raw::Postgres(driver) => {
            sqlx::query_as(OWNER_POSTGRES).bind(identity_token).fetch_optional(driver).await
        }
    }
    .map_err(map_error)
}

/// The user with this public token.
///
/// # Errors
/// When the database cannot answer.
pub async fn user_by_token(conn: &mut Conn, user_token: Uuid) -> Result<Option<UserRow>> {
    fetch_optional!(conn, UserRow, USER_BY_TOKEN, user_token)
}

/// How many users there are, and a page of them by name.
///
/// # Errors
/// When the database cannot answer.
pub async fn page_of_users(conn: &mut Conn, request: PageRequest) -> Result<(i64, Vec<UserRow>)> {
    let total: Option<(i64,)> = fetch_optional!(conn, (i64,), COUNT_USERS)?;
    let sql = match request.direction {
        Direction::Ascending => USERS_UPWARDS,
        Direction::Descending => USERS_DOWNWARDS,
    };
    let rows = fetch_all!(conn, UserRow, sql, request.entries_per_page, request.offset())?;
    Ok((total.map_or(0, |(total,)| total), rows))
}
