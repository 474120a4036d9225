//! The latest time, which is kept with the data: so that what has ended stays so when the clock was set back meanwhile, or
//! another node's clock is behind. It is written rarely, and by no call.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::timeout;

use crate::domain::{Result, SteadyClock, Timestamp};
use crate::store::Db;
use crate::store::db::setting;

/// The setting that has it: microseconds since 1970, in decimal digits.
const LATEST_TIME: &str = "latest_time";

/// How often it is written, and how much later it must be for that.
pub(in crate::ops) const BETWEEN_WRITES: Duration = Duration::from_secs(60);

/// How much later it must be to be written when the database is closed.
pub(in crate::ops) const AT_THE_END: Duration = Duration::from_secs(1);

/// How long opening and closing wait for it to be written.
pub(in crate::ops) const TIME_PATIENCE: Duration = Duration::from_secs(1);

/// From which difference on the clock is worth a warning.
const NOTABLE: Duration = Duration::from_secs(60);

/// What is known of the latest time in the database.
#[derive(Debug)]
pub(in crate::ops) struct KeptTime {
    is_kept: bool,
    /// In microseconds since 1970.
    known: AtomicI64,
}

impl KeptTime {
    /// Takes the time that is kept for the earliest that it can be; or forgets it, where configuration says so.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn take_up(db: &Db, clock: &SteadyClock, is_kept: bool) -> Result<Self> {
        let mut known = Timestamp::from_micros(0);
        if is_kept {
            let mut conn = db.read().await?;
            if let Some(kept) = parse(setting::get(&mut conn, LATEST_TIME).await?.as_deref()) {
                clock.raise(kept);
                known = kept;
            }
        } else {
            let forget = async {
                let mut tx = db.write().await?;
                setting::delete(&mut tx, LATEST_TIME).await?;
                tx.commit().await
            };
            // A database that cannot be written to keeps it.
            drop(timeout(TIME_PATIENCE, forget).await);
        }
        Ok(Self { is_kept, known: AtomicI64::new(known.as_micros()) })
    }

    /// Writes the time down if it is so much later than what is kept; takes up what others have written.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn keep(&self, db: &Db, clock: &SteadyClock, difference: Duration) -> Result<()> {
        let latest = clock.latest();
        let known = Timestamp::from_micros(self.known.load(SeqCst));
        // A process in which nothing happens writes nothing.
        if !self.is_kept || latest.since(known) < difference {
            return Ok(());
        }
        let mut tx = db.write().await?;
        let former = setting::get(&mut tx, LATEST_TIME).await?;
        let kept = parse(former.as_deref()).unwrap_or(Timestamp::from_micros(0));
        if latest.since(kept) >= difference {
            let text = latest.as_micros().to_string();
            setting::replace(&mut tx, LATEST_TIME, former.as_deref(), text.as_bytes()).await?;
        }
        tx.commit().await?;
        clock.raise(kept);
        self.known.store(latest.max(kept).as_micros(), SeqCst);
        Ok(())
    }
}

/// What is to be said of a clock that is behind the time that is kept.
pub(in crate::ops) fn clock_warning(clock: &SteadyClock) -> Option<String> {
    let ahead = clock.ahead();
    (ahead >= NOTABLE).then(|| {
        format!(
            "this machine's clock is {} s behind the latest time that was kept with the data, which goes on from there: set \
             the clock; if it was ahead before, start once with database.keep_time = false",
            ahead.as_secs()
        )
    })
}

fn parse(value: Option<&[u8]>) -> Option<Timestamp> {
    std::str::from_utf8(value?).ok()?.parse().ok().map(Timestamp::from_micros)
}
