//! All entries in the order of their times.

use uuid::Uuid;

use crate::domain::{Result, Timestamp};
use crate::store::Conn;
use crate::store::audit::chain::Chained;

sql! {
    PAGE = "SELECT audit_id, event_time, cid, op, actor_id, target_id, result, current_app, remote_addr, how, extra, \
        chain_seq, chain_digest FROM sso_audit WHERE (event_time, audit_id) > ($1, $2) AND event_time < $3 \
        ORDER BY event_time, audit_id LIMIT $4";
}

/// So many entries behind one, before a time.
///
/// # Errors
/// When the database cannot answer.
pub async fn page(
    conn: &mut Conn,
    (time, audit_id): (Timestamp, Uuid),
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Chained>> {
    fetch_all!(conn, Chained, PAGE, time, audit_id, before, limit)
}
