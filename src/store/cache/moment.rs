//! What was read from the database and is kept, under the rules of `epoch`: anything that has a name to be touched by.

use crate::domain::Timestamp;
use crate::store::cache::epoch::Epochs;
use crate::store::cache::slots::{Count, Slot, Trust};

/// For how long anything is kept at most, in microseconds; as sessions are, for what others change by hand.
const MAX_AGE: i64 = 10_000_000;

/// The database at one moment: to be taken before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    epochs: &'a Epochs,
    trust: Trust,
    since: Count,
    now: Timestamp,
}

/// A value as it was read.
#[derive(Debug)]
pub struct Kept<T> {
    /// The value.
    pub value: T,
    slot: Slot,
    since: Count,
    read_at: Timestamp,
}

impl Epochs {
    /// Hears of what has changed, and notes when that was.
    pub fn moment(&self, now: Timestamp) -> Moment<'_> {
        let trust = self.hear();
        // Taken after hearing, before anything is read.
        Moment { epochs: self, trust, since: self.now(), now }
    }
}

impl Moment<'_> {
    /// Whether what was read before still holds.
    #[must_use]
    pub fn holds<T>(&self, kept: &Kept<T>) -> bool {
        let age = self.now.as_micros().saturating_sub(kept.read_at.as_micros());
        self.trust != Trust::None
            && self.epochs.is_current(kept.slot, kept.since)
            && (0..MAX_AGE).contains(&age)
    }

    /// A value that was read since this moment, which changes when this name is touched.
    pub fn read<T>(&self, name: &str, value: T) -> Kept<T> {
        Kept { value, slot: Slot::of(name), since: self.since, read_at: self.now }
    }

    /// Whether what was read since this moment may be kept.
    #[must_use]
    pub fn may_keep(&self) -> bool {
        self.trust == Trust::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cache::slots::Touched;

    #[tokio::test]
    async fn what_was_read_holds_until_its_name_is_touched_or_it_is_old() {
        let epochs = Epochs::alone();
        let now = Timestamp::from_micros(1_772_034_712_000_000);
        let moment = epochs.moment(now);
        let kept = moment.read("zcli1", 5);
        assert!(moment.may_keep() && epochs.moment(now).holds(&kept));
        assert!(!epochs.moment(now.plus_seconds(10)).holds(&kept));
        let mut touched = Touched::default();
        touched.user("zcli1");
        epochs.before_commit(touched).await.unwrap().after_commit();
        assert!(!epochs.moment(now).holds(&kept));
    }
}
