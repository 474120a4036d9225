//! Writes the refusals of callers without a session to the database, minute by minute.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use crate::ops::sso::{Core, Sso};

/// How often the rows of past minutes are written.
const BETWEEN_WRITES: Duration = Duration::from_secs(60);

impl Sso {
    /// Begins to write them every minute, until [`Sso::close`], or until the last clone is dropped.
    pub(in crate::ops) fn start_recording_refusals(&self) {
        self.core.background.keep(tokio::spawn(run(Arc::downgrade(&self.core))));
    }
}

/// Between two runs it holds nothing that would keep a database open.
async fn run(core: Weak<Core>) {
    loop {
        sleep(BETWEEN_WRITES).await;
        let Some(core) = core.upgrade() else { return };
        let rows = core.refusals.take_before(core.clock.system_time());
        // What could not be written is kept for the next time.
        let keys = core.audit_keys.get();
        drop(core.refusals.write(rows, &core.db, &*core.random, &keys).await);
        core.has_unsealed.store(true, SeqCst);
    }
}
