//! Maintenance: deletes what has expired, in the background or on request.
//!
//! Nothing depends on it but the size of the database: an expired row does not exist for any call, deleted or not.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::LogLevel;
use crate::domain::{Context, Operation, Result};
use crate::ops::session::device::SEEN_FOR_DAYS;
use crate::ops::sso::{Core, Sso};
use crate::store;
use crate::store::maintenance::cleanup::{Age, EXPIRING, Expiring};

/// How many rows one transaction deletes at most: few enough that writers do not notice it.
const BATCH: i64 = 500;

/// How far a run may come before or after its time, as a part of `cleanup.interval`: so that processes that were started
/// together do not run together for ever.
const JITTER: f64 = 0.25;

/// What was deleted: how many rows of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned(Vec<(&'static str, u64)>);

impl Cleaned {
    /// Every kind with its number, which may be 0.
    #[must_use]
    pub fn counts(&self) -> &[(&'static str, u64)] {
        &self.0
    }

    /// How many rows there were in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

impl Sso {
    /// Deletes what has expired. Writers come in between: the work is done in small transactions, and rests after each
    /// for as long as it took. Any number of processes may do it at the same time. A run that deletes anything leaves one audit
    /// entry.
    ///
    /// # Errors
    /// When the database cannot answer; what was deleted until then stays deleted.
    pub async fn clean_up(&self, ctx: &Context) -> Result<Cleaned> {
        self.record(ctx, Operation::MaintenanceCleanUp, async |call| {
            let mut cleaned = Cleaned::default();
            if let Some(end) = self.sign_up_end() {
                let mut tx = self.db().write().await?;
                store::user::signup::give_end(&mut tx, end).await?;
                tx.commit().await?;
            }
            for what in EXPIRING {
                let mut count = self.delete_expired(what).await?;
                if what.age == Age::Audit && self.config().audit.keep > 0 {
                    let until = self.now().plus_days(-i64::from(self.config().audit.keep));
                    count += self.delete_old_entries(until).await?;
                }
                if count > 0 {
                    call.trail.note(what.name, count.to_string());
                }
                cleaned.0.push((what.name, count));
            }
            if cleaned.total() == 0 {
                call.trail.leave_out();
            }
            Ok(cleaned)
        })
        .await
    }

    async fn delete_expired(&self, what: Expiring) -> Result<u64> {
        // What expires meanwhile is for the next run, or there might never be an end.
        let now = self.now();
        let days = |days: u32| now.plus_days(-i64::from(days));
        let time = match what.age {
            Age::Own => now,
            Age::KnownPlace => days(self.config().login_throttle.known_place_days),
            Age::SeenClient => days(SEEN_FOR_DAYS),
            // Kept for good.
            Age::Audit if self.config().audit.keep == 0 => return Ok(0),
            Age::Audit => days(self.config().audit.keep),
        };
        let mut total = 0;
        loop {
            let start = Instant::now();
            let mut tx = self.db().write().await?;
            let count = store::maintenance::cleanup::delete_expired(&mut tx, what, time, BATCH).await?;
            tx.commit().await?;
            total += count;
            if count < BATCH.unsigned_abs() {
                return Ok(total);
            }
            sleep(start.elapsed()).await;
        }
    }

    /// Begins to run maintenance every `cleanup.interval` seconds, until [`Sso::close`], or until the last clone is dropped.
    pub(in crate::ops) fn start_maintenance(&self) {
        let core = Arc::downgrade(&self.core);
        self.core.background.keep(tokio::spawn(run(core)));
    }

    async fn maintain(&self) {
        let Ok(ctx) = self.own_context() else { return };
        // The audit log has said what went wrong, and the next run tries again.
        drop(self.clean_up(&ctx).await);
        drop(self.tell_of_expiring_passwords(&ctx).await);
        if let Err(error) = self.maintain_signing_keys().await {
            self.log().say(LogLevel::Warning, "signing_key.not_maintained", &error.to_string(), None);
        }
    }

    fn time_to_next_run(&self) -> Duration {
        let interval = Duration::from_secs(u64::from(self.config().cleanup.interval));
        // Without randomness there is no jitter, which is no reason not to clean up.
        let random = self
            .random()
            .bytes::<4>()
            .map_or(0.5, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX));
        interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * random)
    }
}

/// Between two runs it holds nothing that would keep a database open.
async fn run(core: Weak<Core>) {
    loop {
        let Some(core_now) = core.upgrade() else { return };
        let pause = Sso { core: core_now }.time_to_next_run();
        sleep(pause).await;
        let Some(core_now) = core.upgrade() else { return };
        Sso { core: core_now }.maintain().await;
    }
}
