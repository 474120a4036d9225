//! Identities: the credentials and profiles of users, as sites know them.

use uuid::Uuid;

use crate::domain::{Page, PageRequest, Result, Timestamp, UserId};
use crate::store::db::dialect;
use crate::store::db::error::{is_dangling, unique_violation};
use crate::store::user::account;
use crate::store::user::account::{UserRow, hidden};
use crate::store::{Conn, Tx};

macro_rules! columns {
    ($profile:literal) => {
        concat!(
            "identity_token, user_id, site_id, provider, external_id, ",
            $profile,
            ", creation_time, last_modified"
        )
    };
}

macro_rules! identity {
    () => {
        identity!("profile")
    };
    ($profile:literal) => {
        concat!("SELECT ", columns!($profile), ", user_token FROM sso_identity JOIN sso_user USING (user_id)")
    };
}

/// Identities in a list, which has not the room for profiles.
macro_rules! listed {
    ($rest:expr) => {
        concat!(identity!("NULL AS profile"), $rest)
    };
}

macro_rules! user {
    ($rest:expr) => {
        concat!("SELECT ", account::columns!(), " FROM sso_user", $rest)
    };
}

/// Users that a site has made.
macro_rules! own_user {
    ($site_id:literal) => {
        concat!("user_id IN (SELECT i.user_id FROM sso_identity i WHERE i.site_id = ", $site_id, ")")
    };
}

sql! {
    INSERT = concat!(
        "INSERT INTO sso_identity (", columns!("profile"), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (site_id, external_id) DO NOTHING"
    );
    BY_TOKEN = concat!(identity!(), " WHERE identity_token = $1");
    BY_USER = concat!(identity!(), " WHERE user_id = $1 ORDER BY creation_time, identity_token");
    OF_SITE = concat!(identity!(), " WHERE user_id = $1 AND site_id = $2 ORDER BY creation_time, identity_token");
    /// Those that are hidden are few, and found by indexes: they are counted, and not all others looked at.
    COUNT = concat!(
        "SELECT (SELECT COUNT(*) FROM sso_identity) \
         - (SELECT COUNT(*) FROM sso_identity WHERE user_id IN (SELECT user_id FROM sso_user WHERE ", hidden!("$1"), "))"
    );
    COUNT_OWN = "SELECT COUNT(*) FROM sso_identity WHERE site_id = $1";
    UPWARDS = listed!(concat!(
        " WHERE NOT ", hidden!("$1"), " ORDER BY creation_time, identity_token LIMIT $2 OFFSET $3"
    ));
    DOWNWARDS = listed!(concat!(
        " WHERE NOT ", hidden!("$1"), " ORDER BY creation_time DESC, identity_token DESC LIMIT $2 OFFSET $3"
    ));
    OWN_UPWARDS = listed!(" WHERE site_id = $1 ORDER BY creation_time, identity_token LIMIT $2 OFFSET $3");
    OWN_DOWNWARDS = listed!(
        " WHERE site_id = $1 ORDER BY creation_time DESC, identity_token DESC LIMIT $2 OFFSET $3"
    );
    CLAIM = "SELECT i.site_id, u.is_super_user, v.verification_time \
        FROM sso_identity i JOIN sso_user u ON u.user_id = i.user_id \
        LEFT JOIN sso_site_verified v ON v.user_id = i.user_id AND v.site_id = $2 WHERE i.identity_token = $1";
    SET_VERIFIED = "INSERT INTO sso_site_verified (site_id, user_id, verification_time) VALUES ($1, $2, $3) \
        ON CONFLICT (site_id, user_id) DO UPDATE SET verification_time = excluded.verification_time";
    DELETE_VERIFICATIONS = "DELETE FROM sso_site_verified WHERE user_id = $1";
    UPDATE = "UPDATE sso_identity SET external_id = $2, profile = $3, last_modified = $4 WHERE identity_token = $1";
    MOVE = "UPDATE sso_identity SET user_id = $2, external_id = NULL, last_modified = $3 WHERE identity_token = $1";
    DELETE = "DELETE FROM sso_identity WHERE identity_token = $1";
    OWNER_SQLITE = user!(" JOIN sso_identity USING (user_id) WHERE identity_token = $1");
    OWNER_POSTGRES = user!(concat!(
        " JOIN sso_identity USING (user_id) WHERE identity_token = $1", dialect::held_user_postgres!()
    ));
    USER_BY_TOKEN = user!(" WHERE user_token = $1");
    OWN_USER_BY_TOKEN = user!(concat!(" WHERE user_token = $1 AND ", own_user!("$2")));
    USER_BY_EXTERNAL_ID = user!(" JOIN sso_identity USING (user_id) WHERE site_id = $1 AND external_id = $2");
    COUNT_USERS = concat!(
        "SELECT (SELECT COUNT(*) FROM sso_user) - (SELECT COUNT(*) FROM sso_user WHERE ", hidden!("$1"), ")"
    );
    COUNT_OWN_USERS = concat!("SELECT COUNT(*) FROM sso_user WHERE ", own_user!("$1"));
    USERS_UPWARDS = user!(concat!(" WHERE NOT ", hidden!("$1"), " ORDER BY username ASC LIMIT $2 OFFSET $3"));
    USERS_DOWNWARDS = user!(concat!(" WHERE NOT ", hidden!("$1"), " ORDER BY username DESC LIMIT $2 OFFSET $3"));
    OWN_USERS_UPWARDS = user!(concat!(" WHERE ", own_user!("$1"), " ORDER BY username ASC LIMIT $2 OFFSET $3"));
    OWN_USERS_DOWNWARDS = user!(concat!(" WHERE ", own_user!("$1"), " ORDER BY username DESC LIMIT $2 OFFSET $3"));
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

row! {
    /// What connects a site with an identity: who made it, and when the site verified the password of its user.
    #[derive(Clone, Copy, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct ClaimRow {
        pub site_id: Option<Uuid>,
        pub is_super_user: bool,
        pub verification_time: Option<Timestamp>,
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

/// What connects a site with an identity.
///
/// # Errors
/// When the database cannot answer.
pub async fn claim(conn: &mut Conn, identity_token: Uuid, site_id: Uuid) -> Result<Option<ClaimRow>> {
    fetch_optional!(conn, ClaimRow, CLAIM, identity_token, site_id)
}

/// Keeps that a site has just verified a user's password; false if the site is gone. The transaction is good for nothing but
/// its end then.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_verified(tx: &mut Tx, site_id: Uuid, user_id: &UserId, now: Timestamp) -> Result<bool> {
    match execute!(tx, SET_VERIFIED, site_id, user_id, now) {
        Ok(_) => Ok(true),
        Err(error) if is_dangling(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// No site has verified the password of this user any longer.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_verifications(conn: &mut Conn, user_id: &UserId) -> Result<()> {
    execute!(conn, DELETE_VERIFICATIONS, user_id).map(drop)
}

/// The identities of a user, oldest first.
///
/// # Errors
/// When the database cannot answer.
pub async fn list_of_user(conn: &mut Conn, user_id: &UserId) -> Result<Vec<IdentityRow>> {
    fetch_all!(conn, IdentityRow, BY_USER, user_id)
}

/// The identities that a site has made for a user, oldest first. There are some if it has made the user.
///
/// # Errors
/// When the database cannot answer.
pub async fn of_site(conn: &mut Conn, user_id: &UserId, site_id: Uuid) -> Result<Vec<IdentityRow>> {
    fetch_all!(conn, IdentityRow, OF_SITE, user_id, site_id)
}

/// A page of the identities by time, without their profiles: of all but those of users who are hidden at this time, or of
/// those that a site has made.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(
    conn: &mut Conn,
    request: PageRequest,
    made_by: Option<Uuid>,
    now: Timestamp,
) -> Result<Page<IdentityRow>> {
    Ok(match made_by {
        None => fetch_page!(conn, IdentityRow, request, COUNT, [UPWARDS, DOWNWARDS], now),
        Some(site_id) => {
            fetch_page!(conn, IdentityRow, request, COUNT_OWN, [OWN_UPWARDS, OWN_DOWNWARDS], site_id)
        }
    })
}

/// Has an identity be another user's. The external id stays behind.
///
/// # Errors
/// When the database cannot answer.
pub async fn move_to(tx: &mut Tx, identity_token: Uuid, user_id: &UserId, now: Timestamp) -> Result<()> {
    execute!(tx, MOVE, identity_token, user_id, now).map(drop)
}

/// Deletes an identity.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete(tx: &mut Tx, identity_token: Uuid) -> Result<()> {
    execute!(tx, DELETE, identity_token).map(drop)
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
    let sql = tx.choose(OWNER_SQLITE, OWNER_POSTGRES);
    fetch_optional!(tx, UserRow, sql, identity_token)
}

/// The user with this public token: any, or one that a site has made.
///
/// # Errors
/// When the database cannot answer.
pub async fn user_by_token(
    conn: &mut Conn,
    user_token: Uuid,
    made_by: Option<Uuid>,
) -> Result<Option<UserRow>> {
    match made_by {
        None => fetch_optional!(conn, UserRow, USER_BY_TOKEN, user_token),
        Some(site_id) => fetch_optional!(conn, UserRow, OWN_USER_BY_TOKEN, user_token, site_id),
    }
}

/// The user that a site knows by this name.
///
/// # Errors
/// When the database cannot answer.
pub async fn user_by_external_id(
    conn: &mut Conn,
    site_id: Uuid,
    external_id: &str,
) -> Result<Option<UserRow>> {
    fetch_optional!(conn, UserRow, USER_BY_EXTERNAL_ID, site_id, external_id)
}

/// A page of the users by name: of all but those who are hidden at this time, or of those that a site has made.
///
/// # Errors
/// When the database cannot answer.
pub async fn page_of_users(
    conn: &mut Conn,
    request: PageRequest,
    made_by: Option<Uuid>,
    now: Timestamp,
) -> Result<Page<UserRow>> {
    Ok(match made_by {
        None => fetch_page!(conn, UserRow, request, COUNT_USERS, [USERS_UPWARDS, USERS_DOWNWARDS], now),
        Some(site_id) => fetch_page!(
            conn,
            UserRow,
            request,
            COUNT_OWN_USERS,
            [OWN_USERS_UPWARDS, OWN_USERS_DOWNWARDS],
            site_id
        ),
    })
}
