//! The audit trail in the database.

pub mod chain;
pub mod export;
pub mod search;

use uuid::Uuid;

use super::Conn;
use crate::domain::{AuditEvent, Result, UserId};

sql! {
    INSERT = "INSERT INTO sso_audit (audit_id, event_time, cid, op, actor_id, target_id, result, current_app, \
        remote_addr, extra, how, chain_digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
}

/// Adds an entry. `extra` is JSON; the digest is what it will be sealed by.
///
/// # Errors
/// When the database cannot answer.
pub async fn insert(
    conn: &mut Conn,
    audit_id: Uuid,
    event: &AuditEvent,
    extra: &str,
    digest: Option<&[u8]>,
) -> Result<()> {
    execute!(
        conn,
        INSERT,
        audit_id,
        event.time.as_micros(),
        event.cid.as_str(),
        event.op,
        event.current_user.as_ref().map(UserId::as_str),
        event.target_user.as_ref().map(UserId::as_str),
        event.result.as_str(),
        &event.current_app,
        event.remote_addr.joined(),
        extra,
        event.how,
        digest,
    )?;
    Ok(())
}
