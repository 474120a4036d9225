//! Whose password expires when.

use crate::domain::{ExpiringPassword, Result, Timestamp, UserId};
use crate::store::Conn;

sql! {
    /// Page by page: those that come after this expiry and id. Who cannot log in anyway is left out; the index of neither
    /// status must be used for that, which most users have in common.
    BETWEEN = "SELECT user_id, username, password_expiry FROM sso_user WHERE password_expiry >= $1 \
        AND password_expiry <= $2 AND (password_expiry > $1 OR user_id > $3) AND sign_up_status || '' = 'final' \
        AND approval_status || '' = 'approved' ORDER BY password_expiry, user_id LIMIT $4";
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
    after: Option<&ExpiringPassword>,
    limit: i64,
) -> Result<Vec<ExpiringPassword>> {
    let (expiry, user_id) = match after {
        Some(last) => (last.password_expiry, last.user_id.as_str()),
        None => (Timestamp::from_micros(from.as_micros().saturating_add(1)), ""),
    };
    let rows = fetch_all!(conn, (UserId, String, Timestamp), BETWEEN, expiry, until, user_id, limit)?;
    let expiring =
        |(user_id, username, password_expiry)| ExpiringPassword { user_id, username, password_expiry };
    Ok(rows.into_iter().map(expiring).collect())
}
