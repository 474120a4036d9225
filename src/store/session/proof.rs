//! How the user of a session has proved who they are.

use crate::domain::{Result, SessionId};
use crate::store::{Conn, Tx};

sql! {
    METHODS = "SELECT auth_methods FROM sso_session WHERE session_id = $1";
    SET_METHODS = "UPDATE sso_session SET auth_methods = $2 WHERE session_id = $1 RETURNING user_id";
}

/// The methods, by names of RFC 8176 between blanks; None for a password alone, and where the session is gone.
///
/// # Errors
/// When the database cannot answer.
pub async fn methods(conn: &mut Conn, session_id: SessionId) -> Result<Option<String>> {
    let row = fetch_optional!(conn, (Option<String>,), METHODS, session_id)?;
    Ok(row.and_then(|(methods,)| methods))
}

/// Notes the methods, by names of RFC 8176 between blanks; None for a password alone.
///
/// # Errors
/// When the database cannot answer.
pub async fn set_methods(tx: &mut Tx, session_id: SessionId, methods: Option<&str>) -> Result<()> {
    let owner = fetch_optional!(tx, (String,), SET_METHODS, session_id, methods)?;
    tx.touch_all(owner.as_slice());
    Ok(())
}
