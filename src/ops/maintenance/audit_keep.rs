//! `audit.keep`: the oldest entries of the chain are deleted, and where it begins from then on is written with a digest, so that what
//! is left can still be checked.

use tokio::time::{Instant, sleep};

use crate::domain::{Error, Result, Timestamp};
use crate::ops::Sso;
use crate::ops::audit::chain::{is_linked, sign};
use crate::ops::audit::seal::no_key;
use crate::store;

/// How many entries one transaction deletes at most: few enough that writers do not notice it.
const BATCH: i64 = 500;

impl Sso {
    /// Deletes the entries at the beginning of the chain that are from this time or before; how many there were. What is to be
    /// deleted is checked before: a broken chain is left as it is, for somebody to look at.
    ///
    /// # Errors
    /// When the database cannot answer, or the chain is broken.
    pub(in crate::ops) async fn delete_old_entries(&self, until: Timestamp) -> Result<u64> {
        let sealing = self.core.sealing();
        if !sealing.is_chained {
            return Ok(0);
        }
        // What is old enough, and waits to be sealed.
        sealing.seal_all().await?;
        let mut total = 0;
        loop {
            let start = Instant::now();
            let mut tx = self.db().write().await?;
            let Some(mut head) = sealing.hold(&mut tx).await? else { return Ok(total) };
            let entries = store::audit::chain::sealed(&mut tx, head.checkpoint_seq, BATCH).await?;
            let keys = sealing.read_keys(&mut tx).await?;
            let from = head.checkpoint_seq;
            let (mut count, mut is_whole) = (0_i64, true);
            for entry in entries.iter().take_while(|entry| entry.event_time <= until) {
                is_whole = entry.chain_seq == Some(head.checkpoint_seq + 1)
                    && is_linked(&keys, &head.checkpoint_digest, entry);
                if !is_whole {
                    break;
                }
                head.checkpoint_seq += 1;
                head.checkpoint_digest = entry.chain_digest.clone().unwrap_or_default();
                head.checkpoint_time = Some(entry.event_time);
                count += 1;
            }
            if count > 0 {
                store::audit::chain::delete_sealed(&mut tx, from, head.checkpoint_seq).await?;
                sign(keys.newest().ok_or_else(no_key)?, &mut head);
                store::audit::chain::set_head(&mut tx, &head).await?;
            }
            tx.commit().await?;
            total += count.unsigned_abs();
            if !is_whole {
                let text = "the audit's chain is broken: run zato-sso doctor --audit";
                return Err(Error::internal(text));
            }
            if count < BATCH {
                return Ok(total);
            }
            sleep(start.elapsed()).await;
        }
    }
}
