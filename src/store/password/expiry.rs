//! Whose password expires when.

use sqlx::FromRow;

use crate::domain::{Result, Timestamp};
use crate::store::Conn;

sql! {
    /// Page by page: those that come after this expiry and id. Who cannot log in anyway is left out; the index of neither
    /// status must be used for that, which most users have in common.
    BETWEEN = "SELECT user_id, username, password_expiry FROM sso_user WHERE password_expiry >= $1 \
        AND password_expiry <= $2 AND (password_expiry > $1 OR user_id > $3) AND sign_up_status || '' = 'final' \
        AND approval_status || '' = 'approved' ORDER BY password_expiry, user_id LIMIT $4";
}

/// A user and when the password expires.
#[derive(Clone, Debug, FromRow)]
#[expect(missing_docs, reason = "the names are the columns'")]
pub struct ExpiryRow {
    pub user_id: String,
    pub username: String,
    pub password_expiry: i64,
}

/// Users whose password expires after this moment and no later than that one, by when and by id, so many at most.
/// `after` is the last one of the page before; without it, all of whom expire at `from` belong to an earlier time.
///
/// # Errors
/// When the database cannot answer.
pub async fn between(
    conn: &mut Conn,
    from: Timestamp,
    until: Timestamp,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Result<Vec<ExpiryRow>> {
    let (expiry, user_id) = after.unwrap_or((from.as_micros().saturating_add(1), ""));
    fetch_all!(conn, ExpiryRow, BETWEEN, expiry, until.as_micros(), user_id, limit)
}
