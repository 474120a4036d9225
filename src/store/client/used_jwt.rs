//! Tokens that others made and that are good once.

use crate::domain::{Result, Timestamp};
use crate::store::Tx;

sql! {
    INSERT = "INSERT INTO sso_used_jwt (jti_digest, expiration_time) VALUES ($1, $2) ON CONFLICT DO NOTHING";
}

/// Notes that the token with this digest was used; false if it was before. It is kept until the token is not valid any more.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(tx: &mut Tx, digest: &[u8], expiration: Timestamp) -> Result<bool> {
    Ok(execute!(tx, INSERT, digest, expiration)? == 1)
}
