//! How the user of a session has proved who they are.

use crate::domain::{Result, SessionId, Timestamp, UserId};
use crate::store::{Conn, Tx};

sql! {
    METHODS = "SELECT auth_methods FROM sso_session WHERE session_id = $1";
    SET_METHODS = "UPDATE sso_session SET auth_methods = $2 WHERE session_id = $1 RETURNING user_id";
    TAKE = "DELETE FROM sso_session WHERE session_id = $1 RETURNING user_id, ust_digest, creation_time, expiration_time, \
        remote_addr, user_agent, auth_methods";
    GIVE = "UPDATE sso_session SET ust_digest = $3, creation_time = $4, expiration_time = $5, remote_addr = $6, user_agent = $7, \
        auth_methods = $8, auth_time = NULL, last_use = NULL WHERE session_id = $1 AND user_id = $2";
}

row! {
    struct Taken {
        user_id: UserId,
        ust_digest: Vec<u8>,
        creation_time: Timestamp,
        expiration_time: Timestamp,
        remote_addr: String,
        user_agent: Option<String>,
        auth_methods: Option<String>,
    }
}

/// Gives a session what one that was just opened by the same user has, its token included, and ends that; false if one of them is
/// gone: then the transaction is good for nothing but its end.
///
/// # Errors
/// When the database cannot answer.
pub async fn take_over(tx: &mut Tx, session_id: SessionId, new: SessionId) -> Result<bool> {
    let Some(taken) = fetch_optional!(tx, Taken, TAKE, new)? else { return Ok(false) };
    tx.touch(taken.user_id.as_str());
    let given = execute!(
        tx,
        GIVE,
        session_id,
        &taken.user_id,
        taken.ust_digest.as_slice(),
        taken.creation_time,
        taken.expiration_time,
        &taken.remote_addr,
        taken.user_agent.as_deref(),
        taken.auth_methods.as_deref(),
    )?;
    Ok(given == 1)
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
