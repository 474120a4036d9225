//! Keeps the latest time with the data, minute by minute.

use std::sync::{Arc, Weak};

use tokio::time::{sleep, timeout};

use crate::ops::sso::{Core, Sso};
use crate::ops::time::{BETWEEN_WRITES, TIME_PATIENCE};

impl Sso {
    /// Begins to keep the time, until [`Sso::close`], or until the last clone is dropped.
    pub(in crate::ops) async fn start_keeping_time(&self) {
        let core = &self.core;
        // What could not be written is for the next time.
        drop(timeout(TIME_PATIENCE, core.kept_time.keep(&core.db, &core.clock, BETWEEN_WRITES)).await);
        core.background.keep(tokio::spawn(run(Arc::downgrade(core))));
    }
}

/// Between two runs it holds nothing that would keep a database open.
async fn run(core: Weak<Core>) {
    loop {
        sleep(BETWEEN_WRITES).await;
        let Some(core) = core.upgrade() else { return };
        core.clock.check();
        drop(core.kept_time.keep(&core.db, &core.clock, BETWEEN_WRITES).await);
    }
}
