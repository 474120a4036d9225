//! Identities: the credentials and profiles of users, as sites know them.

use sqlx::FromRow;
use uuid::Uuid;

use crate::domain::Direction;
use crate::domain::{PageRequest, Result, Timestamp, UserId};
use crate::store::db::error::unique_violation;
use crate::store::user::account::{UserRow, columns};
use crate::store::{Conn, Tx};

/// What is read of an identity.
macro_rules! identity {
    () => {
        "SELECT i.identity_token, i.user_id, u.user_token, i.site_id, i.provider, i.external_id, i.profile, \
         i.creation_time, i.last_modified FROM sso_identity i JOIN sso_user u ON u.user_id = i.user_id"
    };
}

macro_rules! users_page {
    ($order:literal) => {
        concat!("SELECT ", columns!(), " FROM sso_user ORDER BY username ", $order, " LIMIT $1 OFFSET $2")
    };
}

sql! {
    INSERT = "INSERT INTO sso_identity (identity_token, user_id, site_id, provider, external_id, profile, \
        creation_time, last_modified) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
        ON CONFLICT (site_id, external_id) DO NOTHING";
    BY_TOKEN = concat!(identity!(), " WHERE i.identity_token = $1");
    BY_USER = concat!(identity!(), " WHERE i.user_id = $1 ORDER BY i.creation_time, i.identity_token");
    OF_SITE = concat!(identity!(), " WHERE i.user_id = $1 AND i.site_id = $2");
    UPDATE = "UPDATE sso_identity SET external_id = $2, profile = $3, last_modified = $4 WHERE identity_token = $1";
    USER_BY_TOKEN = concat!("SELECT ", columns!(), " FROM sso_user WHERE user_token = $1");
    COUNT_USERS = "SELECT COUNT(*) FROM sso_user";
    USERS_UPWARDS = users_page!("ASC");
    USERS_DOWNWARDS = users_page!("DESC");
}

/// Where identities come from that are kept here.
pub const STORAGE: &str = "storage";

/// An identity as the table holds it, and the token of its user: `profile` is an envelope.
#[derive(Clone, Debug, FromRow)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct IdentityRow {
    pub identity_token: Uuid,
    pub user_id: String,
    pub user_token: Uuid,
    pub site_id: Option<Uuid>,
    pub provider: String,
    pub external_id: Option<String>,
    pub profile: Option<Vec<u8>>,
    pub creation_time: i64,
    pub last_modified: i64,
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

/// The identities of a user, oldest first.
///
/// # Errors
/// When the database cannot answer.
pub async fn list_of_user(conn: &mut Conn, user_id: &UserId) -> Result<Vec<IdentityRow>> {
    fetch_all!(conn, IdentityRow, BY_USER, user_id.as_str())
}

/// The identity that a site has made for a user.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_site(conn: &mut Conn, user_id: &UserId, site_id: Uuid) -> Result<Option<IdentityRow>> {
    fetch_optional!(conn, IdentityRow, OF_SITE, user_id.as_str(), site_id)
}

/// Writes what of an identity can change; false if the site has another one with that external id. The transaction is good
/// for nothing but its end then.
///
/// # Errors
/// When the database cannot answer.
pub async fn update(tx: &mut Tx, row: &IdentityRow, now: Timestamp) -> Result<bool> {
    let (external_id, profile) = (row.external_id.as_deref(), row.profile.as_deref());
    match execute!(tx, UPDATE, row.identity_token, external_id, profile, now.as_micros()) {
        Ok(_) => Ok(true),
        Err(error) if unique_violation(&error).is_some() => Ok(false),
        Err(error) => Err(error),
    }
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
