//! Sign-ups that wait for being confirmed.

use crate::domain::{Result, SignUpStatus, Timestamp, UserId};
use crate::store::user::account::hidden;
use crate::store::{Conn, Tx};

/// Whether a user has signed up, and not confirmed it: nothing is theirs yet. An account that a super-user has made in that
/// state has no token.
macro_rules! waits {
    ($status:literal) => {
        concat!("sign_up_status = ", $status, " AND sign_up_confirm_digest IS NOT NULL")
    };
}

sql! {
    WAIT = "UPDATE sso_user SET sign_up_expiration = $2, sign_up_token = $3, sign_up_place = $4, sign_up_contested = $5, \
        sign_up_is_decoy = $6, sign_up_is_mailed = $7 WHERE user_id = $1";
    SET_TOKEN = "UPDATE sso_user SET sign_up_confirm_digest = $2, sign_up_token = $3, \
        sign_up_expiration = COALESCE(sign_up_expiration, $4), sign_up_is_mailed = $5 WHERE user_id = $1";
    NOT_MAILED = "UPDATE sso_user SET sign_up_is_mailed = $2 WHERE user_id = $1";
    /// Those of versions that knew no end of sign-ups: they kept no token.
    GIVE_END = concat!(
        "UPDATE sso_user SET sign_up_expiration = $2 WHERE sign_up_expiration IS NULL AND sign_up_token IS NULL AND ",
        waits!("$1")
    );
    DECOY = "SELECT user_id FROM sso_user WHERE user_id = $1 AND sign_up_is_decoy AND sign_up_expiration > $2";
    HIDDEN = concat!("SELECT user_id FROM sso_user WHERE user_id = $1 AND ", hidden!("$2"));
    ANY_HIDDEN = concat!("SELECT user_id FROM sso_user WHERE ", hidden!("$1"), " LIMIT 1");
    WAITING = concat!(
        "SELECT sign_up_expiration, sign_up_token FROM sso_user WHERE user_id = $1 AND ", waits!("$2"),
        " AND (sign_up_expiration IS NULL OR sign_up_expiration > $3) AND NOT sign_up_is_decoy"
    );
    CONFIRM = "UPDATE sso_user SET sign_up_status = $3, sign_up_confirm_time = $4, sign_up_expiration = NULL, \
        sign_up_token = NULL WHERE sign_up_confirm_digest = $1 AND sign_up_status = $2 AND NOT sign_up_is_decoy \
        AND (sign_up_expiration IS NULL OR sign_up_expiration > $4) RETURNING user_id, sign_up_place, sign_up_contested, sign_up_is_mailed, email IS NOT NULL AS has_email";
    BY_DIGEST = "SELECT user_id FROM sso_user WHERE sign_up_confirm_digest = $1 AND sign_up_status <> $2";
    KEEP = "UPDATE sso_user SET sign_up_expiration = NULL WHERE user_id = $1";
    UNSET_PASSWORD = "UPDATE sso_user SET password_hash = NULL, password_last_set = NULL, password_expiry = NULL \
        WHERE user_id = $1";
    /// What a site says of a user proves nothing, and keeps nobody from the address.
    WITH_EMAIL = concat!(
        "SELECT user_id FROM sso_user WHERE email_index = $1 AND user_id <> $2 AND NOT (", waits!("$3"), ") \
         AND (email_is_claimed OR NOT EXISTS (SELECT 1 FROM sso_identity i WHERE i.user_id = sso_user.user_id \
         AND i.site_id IS NOT NULL)) ORDER BY email_is_claimed DESC LIMIT 1"
    );
    CLAIMED = concat!(
        "SELECT user_id FROM sso_user WHERE email_index = $1 AND user_id <> $2 AND email_is_claimed AND NOT (",
        waits!("$3"), ") LIMIT 1"
    );
    DISCLAIM = "UPDATE sso_user SET email_is_claimed = $2 WHERE user_id = $1";
    DELETE_WITH_EMAIL = concat!(
        "DELETE FROM sso_user WHERE email_index = $1 AND ", waits!("$2"),
        " RETURNING user_id, sign_up_place, sign_up_contested, sign_up_is_mailed, email IS NOT NULL AS has_email"
    );
    CONTEST = concat!("UPDATE sso_user SET sign_up_contested = $3 WHERE email_index = $1 AND ", waits!("$2"));
    ANY_WAITING = concat!("SELECT user_id FROM sso_user WHERE email_index = $1 AND ", waits!("$2"), " LIMIT 1");
    DELETE_EXPIRED_NAME = "DELETE FROM sso_user WHERE username_key = $1 AND sign_up_status = $2 AND sign_up_expiration <= $3 \
        RETURNING user_id";
    DELETE_EXPIRED_EMAIL = "DELETE FROM sso_user WHERE email_index = $1 AND sign_up_status = $2 \
        AND sign_up_expiration <= $3 RETURNING user_id";
}

const BEFORE: SignUpStatus = SignUpStatus::BeforeConfirmation;

/// What is kept of a sign-up until it is confirmed.
#[derive(Clone, Debug)]
pub struct Waiting<'a> {
    /// When it ends; None is never.
    pub expiration: Option<Timestamp>,
    /// The token that confirms it, sealed.
    pub token: &'a [u8],
    /// By what the place is known that it came from.
    pub place: &'a [u8],
    /// Whether it took the place of another, of somebody who may be somebody else.
    pub is_contested: bool,
    /// Whether the address is somebody else's, so that nobody can confirm it.
    pub is_decoy: bool,
    /// Whether the token goes to the email, and nowhere else.
    pub is_mailed: bool,
}

row! {
    /// A sign-up, and where it came from.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Origin {
        pub user_id: UserId,
        pub sign_up_place: Option<Vec<u8>>,
        pub sign_up_contested: bool,
        pub sign_up_is_mailed: bool,
        pub has_email: bool,
    }
}

row! {
    /// A sign-up that can be confirmed.
    #[derive(Clone, Debug)]
    #[expect(missing_docs, reason = "the names are the columns'")]
    pub struct Confirmable {
        pub sign_up_expiration: Option<Timestamp>,
        /// Sealed.
        pub sign_up_token: Option<Vec<u8>>,
    }
}

/// Has a sign-up wait for being confirmed.
///
/// # Errors
/// When the database cannot answer.
pub async fn wait(tx: &mut Tx, user_id: &UserId, waiting: &Waiting<'_>) -> Result<()> {
    tx.touch(user_id.as_str());
    let Waiting { expiration, token, place, is_contested, is_decoy, is_mailed } = waiting;
    execute!(tx, WAIT, user_id, *expiration, *token, *place, *is_contested, *is_decoy, *is_mailed).map(drop)
}

/// The sign-up of this user, if it can be confirmed.
///
/// # Errors
/// When the database cannot answer.
pub async fn confirmable(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<Option<Confirmable>> {
    fetch_optional!(tx, Confirmable, WAITING, user_id, BEFORE, now)
}

/// Gives a sign-up another token in the place of one that is not known any more, or that went to another email, and an end,
/// if it has none and there is to be one. The token is to go to the email that the user has, and nowhere else.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_token(
    tx: &mut Tx,
    user_id: &UserId,
    digest: &[u8],
    sealed: &[u8],
    expiration: Option<Timestamp>,
) -> Result<()> {
    tx.touch(user_id.as_str());
    execute!(tx, SET_TOKEN, user_id, digest, sealed, expiration, true).map(drop)
}

/// What was mailed for a sign-up did not go to the email that the user has now.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_not_mailed(tx: &mut Tx, user_id: &UserId) -> Result<()> {
    tx.touch(user_id.as_str());
    execute!(tx, NOT_MAILED, user_id, false).map(drop)
}

/// Gives an end to sign-ups of versions that knew none.
///
/// # Errors
/// When the database cannot answer.
pub async fn give_end(tx: &mut Tx, expiration: Timestamp) -> Result<u64> {
    execute!(tx, GIVE_END, BEFORE, expiration)
}

/// Whether there is a user with this id in the table alone: a sign-up that was not confirmed in time, or one that nobody
/// can confirm.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_hidden(conn: &mut Conn, user_id: &UserId, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(conn, (UserId,), HIDDEN, user_id, now)?.is_some())
}

/// Whether there may be any of them.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_any_hidden(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(conn, (UserId,), ANY_HIDDEN, now)?.is_some())
}

/// Whether a sign-up is one that nobody can confirm, and waits as if somebody could.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_decoy(conn: &mut Conn, user_id: &UserId, now: Timestamp) -> Result<bool> {
    Ok(fetch_optional!(conn, (UserId,), DECOY, user_id, now)?.is_some())
}

/// Confirms the sign-up with this digest of its token: whose it is. None if nothing waits for that. Of any number of
/// simultaneous calls one gets it.
///
/// # Errors
/// When the database cannot answer.
pub async fn confirm(tx: &mut Tx, digest: &[u8], now: Timestamp) -> Result<Option<Origin>> {
    let row = fetch_optional!(tx, Origin, CONFIRM, digest, BEFORE, SignUpStatus::Final, now)?;
    if let Some(origin) = &row {
        tx.touch(origin.user_id.as_str());
    }
    Ok(row)
}

/// Who has confirmed with the token that has this digest.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_digest(conn: &mut Conn, digest: &[u8]) -> Result<Option<UserId>> {
    let row = fetch_optional!(conn, (UserId,), BY_DIGEST, digest, BEFORE)?;
    Ok(row.map(|(user_id,)| user_id))
}

/// A sign-up does not end by itself any more.
///
/// # Errors
/// When the database cannot answer.
pub async fn keep(tx: &mut Tx, user_id: &UserId) -> Result<()> {
    tx.touch(user_id.as_str());
    execute!(tx, KEEP, user_id).map(drop)
}

/// Takes the password away: it has to be set by a reset.
///
/// # Errors
/// When the database cannot answer.
pub async fn unset_password(tx: &mut Tx, user_id: &UserId) -> Result<()> {
    tx.touch(user_id.as_str());
    execute!(tx, UNSET_PASSWORD, user_id).map(drop)
}

/// Which other user has the email with this index. A sign-up that nobody has confirmed has nothing.
///
/// # Errors
/// When the database cannot answer.
pub async fn other_with_email(conn: &mut Conn, user_id: &UserId, index: &[u8]) -> Result<Option<UserId>> {
    let other = fetch_optional!(conn, (UserId,), WITH_EMAIL, index, user_id, BEFORE)?;
    Ok(other.map(|(user_id,)| user_id))
}

/// Whether another user owns the email with this index.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_claimed_by_another(conn: &mut Conn, user_id: &UserId, index: &[u8]) -> Result<bool> {
    Ok(fetch_optional!(conn, (UserId,), CLAIMED, index, user_id, BEFORE)?.is_some())
}

/// The user does not own their email any more, or is about to have another one that nothing proves.
///
/// # Errors
/// When the database cannot answer.
pub async fn disclaim(tx: &mut Tx, user_id: &UserId) -> Result<()> {
    tx.touch(user_id.as_str());
    execute!(tx, DISCLAIM, user_id, false).map(drop)
}

/// Deletes sign-ups with this email that nobody has confirmed: where they came from.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_waiting(tx: &mut Tx, index: &[u8]) -> Result<Vec<Origin>> {
    let deleted = fetch_all!(tx, Origin, DELETE_WITH_EMAIL, index, BEFORE)?;
    for origin in &deleted {
        tx.touch(origin.user_id.as_str());
    }
    Ok(deleted)
}

/// Notes with the sign-up that waits with this email that somebody else wanted to sign up with it.
///
/// # Errors
/// When the database cannot answer.
pub async fn contest(tx: &mut Tx, index: &[u8]) -> Result<()> {
    execute!(tx, CONTEST, index, BEFORE, true).map(drop)
}

/// Whether a sign-up with this email waits for being confirmed.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_any_waiting(tx: &mut Tx, index: &[u8]) -> Result<bool> {
    Ok(fetch_optional!(tx, (UserId,), ANY_WAITING, index, BEFORE)?.is_some())
}

/// Deletes sign-ups with this name, or one of these emails, that were not confirmed in time.
///
/// # Errors
/// When the database cannot answer.
pub async fn delete_expired(tx: &mut Tx, username: &str, indexes: &[[u8; 32]], now: Timestamp) -> Result<()> {
    let mut deleted = fetch_all!(tx, (String,), DELETE_EXPIRED_NAME, username, BEFORE, now)?;
    for index in indexes {
        deleted.extend(fetch_all!(tx, (String,), DELETE_EXPIRED_EMAIL, &index[..], BEFORE, now)?);
    }
    tx.touch_all(&deleted);
    Ok(())
}
