//! The audit trail written out, oldest entry first, with what chains each.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use crate::domain::{Context, Operation, Result, Timestamp};
use crate::ops::Sso;
use crate::ops::access::actor::Actor;
use crate::store;
use crate::store::audit::chain::Chained;

/// How many entries are read at a time.
const PAGE: i64 = 500;

impl Sso {
    /// Writes all entries from one time on and before another, a line of JSON each, for trusted callers; how many there were. No
    /// more than a page of them is held.
    ///
    /// # Errors
    /// When the database cannot answer, or `write` fails.
    pub async fn export_audit(
        &self,
        ctx: &Context,
        [from, before]: [Option<Timestamp>; 2],
        mut write: impl FnMut(&str) -> Result<()>,
    ) -> Result<u64> {
        self.run(ctx, Operation::AuditExport, Actor::Trusted(None), async |call| {
            let mut written = 0;
            let mut behind = (from.unwrap_or(Timestamp::from_micros(i64::MIN)), uuid::Uuid::nil());
            let before = before.unwrap_or(Timestamp::from_micros(i64::MAX));
            loop {
                let mut conn = self.db().read().await?;
                let page = store::audit::export::page(&mut conn, behind, before, PAGE).await?;
                drop(conn);
                let Some(last) = page.last() else { break };
                behind = (last.event_time, last.audit_id);
                for entry in &page {
                    write(&line(entry))?;
                    written += 1;
                }
            }
            call.trail.note("entries", written.to_string());
            Ok(written)
        })
        .await
    }
}

fn line(entry: &Chained) -> String {
    let extra: Map<String, Value> = serde_json::from_str(&entry.extra).unwrap_or_default();
    json!({
        "audit_id": entry.audit_id.to_string(),
        "time": entry.event_time.to_string(),
        "cid": entry.cid,
        "op": entry.op,
        "current_user": entry.actor_id,
        "target_user": entry.target_id,
        "result": entry.result,
        "current_app": entry.current_app,
        "remote_addr": entry.remote_addr,
        "how": entry.how,
        "extra": extra,
        "chain_seq": entry.chain_seq,
        "chain_digest": entry.chain_digest.as_deref().map(|digest| HEXLOWER.encode(digest)),
    })
    .to_string()
}
