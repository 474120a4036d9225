//! Sign-ups that wait for being confirmed.

use crate::domain::{Result, SignUpStatus, Timestamp, UserId};
use crate::store::{Conn, Tx};

sql! {
    CONFIRM = "UPDATE sso_user SET sign_up_status = $3, sign_up_confirm_time = $4 \
        WHERE sign_up_confirm_digest = $1 AND sign_up_status = $2 RETURNING user_id";
    BY_DIGEST = "SELECT user_id FROM sso_user WHERE sign_up_confirm_digest = $1";
    WITH_EMAIL = "SELECT user_id FROM sso_user WHERE email_index = $1 AND user_id <> $2 LIMIT 1";
}

/// Confirms the sign-up with this digest of its token: whose it is. None if nothing waits for that. Of any number of
/// simultaneous calls one gets it.
///
/// # Errors
/// When the database cannot answer.
pub async fn confirm(tx: &mut Tx, digest: &[u8], now: Timestamp) -> Result<Option<UserId>> {
    let (before, after) = (SignUpStatus::BeforeConfirmation, SignUpStatus::Final);
    let row = fetch_optional!(tx, (UserId,), CONFIRM, digest, before, after, now)?;
    if let Some((user_id,)) = &row {
        tx.touch(user_id.as_str());
    }
    Ok(row.map(|(user_id,)| user_id))
}

/// Whose token has this digest, confirmed or not.
///
/// # Errors
/// When the database cannot answer.
pub async fn by_digest(conn: &mut Conn, digest: &[u8]) -> Result<Option<UserId>> {
    let row = fetch_optional!(conn, (UserId,), BY_DIGEST, digest)?;
    Ok(row.map(|(user_id,)| user_id))
}

/// Whether another user has the email with this index.
///
/// # Errors
/// When the database cannot answer.
pub async fn is_email_of_another(conn: &mut Conn, user_id: &UserId, index: &[u8]) -> Result<bool> {
    Ok(fetch_optional!(conn, (UserId,), WITH_EMAIL, index, user_id)?.is_some())
}
