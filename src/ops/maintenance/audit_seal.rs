//! Seals, in the background, what this process has written to the audit, and now and then what others have left.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use crate::config::LogLevel;
use crate::domain::Result;
use crate::ops::sso::{Core, Sso};

/// How often a process seals what it has written.
const BETWEEN_RUNS: Duration = Duration::from_secs(1);

/// After how many of these it looks for what others have left.
const RUNS_UNTIL_OTHERS: u32 = 30;

impl Sso {
    /// Seals all entries of the audit that wait; how many they were. The background does it every second, and [`Sso::close`].
    ///
    /// # Errors
    /// When the database cannot answer, or the end of the chain is not what was written.
    pub async fn seal_audit(&self) -> Result<u64> {
        self.core.sealing().seal_all().await
    }

    /// Begins to seal what is written, until [`Sso::close`], or until the last clone is dropped.
    pub(in crate::ops) fn start_sealing(&self) {
        if self.core.sealing().is_chained {
            self.core.background.keep(tokio::spawn(run(Arc::downgrade(&self.core))));
        }
    }
}

/// Between two runs it holds nothing that would keep a database open.
async fn run(core: Weak<Core>) {
    let (mut runs, mut is_told) = (0, false);
    loop {
        sleep(BETWEEN_RUNS).await;
        let Some(core) = core.upgrade() else { return };
        runs += 1;
        if !core.has_unsealed.swap(false, SeqCst) && runs < RUNS_UNTIL_OTHERS {
            continue;
        }
        runs = 0;
        match core.sealing().seal_all().await {
            Ok(_) => is_told = false,
            Err(error) => {
                if !is_told {
                    core.log.say(LogLevel::Warning, "audit.not_sealed", &error.to_string(), None);
                }
                is_told = true;
            }
        }
    }
}
