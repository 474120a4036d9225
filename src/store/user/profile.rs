//! When what clients know of a user was changed last: names, username and email.

use crate::domain::{Result, Timestamp, UserId};
use crate::store::{Conn, Tx};

sql! {
    SET = "UPDATE sso_user SET profile_time = $2 WHERE user_id = $1";
    GET = "SELECT COALESCE(profile_time, sign_up_time) FROM sso_user WHERE user_id = $1";
}

/// Notes that it was changed.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_time(tx: &mut Tx, user_id: &UserId, now: Timestamp) -> Result<()> {
    execute!(tx, SET, user_id, now).map(drop)
}

/// When it was changed, or else when the user signed up; None if there is no such user.
///
/// # Errors
/// When the database cannot answer.
pub async fn time(conn: &mut Conn, user_id: &UserId) -> Result<Option<Timestamp>> {
    let row = fetch_optional!(conn, (Timestamp,), GET, user_id)?;
    Ok(row.map(|(time,)| time))
}
