//! Which users have changed, and when: what cached sessions are checked against before they are believed.
//!
//! Time here is a counter of changes. Every user has a slot (some share one, which costs a look-up too many and nothing
//! else) that holds the count at which that user changed last; an entry of a cache holds the count from before it was
//! read. The invariants:
//!
//! 1. An entry is believed only while the slot of its user is not above the entry's own count.
//! 2. A commit raises the slots of the users that it touches before the commit is acknowledged: after
//!    it, so that everything read in between counts as old; or, where other processes read the same file, before it,
//!    while nothing that is read may be kept until it has ended (`epoch_file`).
//! 3. Before an entry is believed, what others have changed is heard of: by the file beside an SQLite database, or
//!    because it was not long ago that PostgreSQL told (`lease`). What cannot be heard of is not believed.
//!
//! From these follows what matters: an answer from the cache is one that the database gave, or would give, at some
//! moment since the call began; on PostgreSQL, since a tenth of a second before.

use std::sync::Arc;

use crate::domain::Result;
use crate::store::cache::file::{EpochFile, Mark};
use crate::store::cache::lease::Lease;
use crate::store::cache::slots::{Count, Slot, Slots, Touched, Trust};

/// How changes by others are heard of.
#[derive(Debug)]
enum Others {
    /// There are none: the database is in the memory of this process.
    None,
    /// By the file beside the SQLite database.
    File(EpochFile),
    /// From PostgreSQL.
    Server(Arc<Lease>),
}

/// What is known of changes, here and elsewhere.
#[derive(Debug)]
pub struct Epochs {
    slots: Arc<Slots>,
    others: Others,
}

impl Epochs {
    /// For a database that no other process has.
    pub fn alone() -> Self {
        Self { slots: Arc::default(), others: Others::None }
    }

    /// For an SQLite file, with the file beside it.
    pub fn beside(file: EpochFile) -> Self {
        Self { slots: Arc::default(), others: Others::File(file) }
    }

    /// For PostgreSQL: a listener raises the slots, as long as its lease lasts.
    pub fn leased(slots: Arc<Slots>, lease: Arc<Lease>) -> Self {
        Self { slots, others: Others::Server(lease) }
    }

    /// Hears of what others have changed up to now.
    pub fn hear(&self) -> Trust {
        match &self.others {
            Others::None => Trust::Keep,
            Others::File(file) => file.hear(&self.slots),
            Others::Server(lease) => lease.trust(),
        }
    }

    /// Notices if the file by which others tell is not the one that it was. For now and then.
    pub fn check_identity(&self) {
        if let Others::File(file) = &self.others {
            // If there is none, that is known, and nothing is believed.
            drop(file.check_identity(&self.slots));
        }
    }

    /// The count now: to be taken before the database is read.
    pub fn now(&self) -> Count {
        self.slots.now()
    }

    /// Whether nothing of what was read at that count, of this user, has changed since.
    pub fn is_current(&self, slot: Slot, since: Count) -> bool {
        self.slots.is_current(slot, since)
    }

    /// A transaction that changes these users is about to be committed. No other writer may be about to commit to the same
    /// SQLite file: its write lock is held.
    ///
    /// # Errors
    /// When other processes cannot be told: the transaction must not be committed then.
    pub async fn before_commit(&self, touched: Touched) -> Result<Change<'_>> {
        let mark = match &self.others {
            Others::File(file) => Some(file.begin(&touched, &self.slots).await?),
            Others::None | Others::Server(_) => None,
        };
        Ok(Change { slots: &self.slots, touched, mark })
    }
}

/// A commit under way. End it in any case, also after a failure.
#[derive(Debug)]
#[must_use]
pub struct Change<'a> {
    slots: &'a Slots,
    touched: Touched,
    mark: Option<Mark<'a>>,
}

impl Change<'_> {
    /// The commit has ended, well or not.
    pub fn after_commit(self) {
        self.slots.raise(&self.touched);
        if let Some(mark) = self.mark {
            mark.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(users: &[&str]) -> Touched {
        let mut touched = Touched::default();
        users.iter().for_each(|user| touched.user(user));
        touched
    }

    #[test]
    fn what_was_read_holds_until_its_user_changes() {
        let epochs = Epochs::alone();
        let (one, other) = (Slot::of("zusrone"), Slot::of("zusrother"));
        let since = epochs.now();
        assert!(epochs.is_current(one, since) && epochs.is_current(other, since));
        epochs.slots.raise(&touched(&["zusrone"]));
        assert!(!epochs.is_current(one, since) && epochs.is_current(other, since));
        // What is read from now on holds.
        assert!(epochs.is_current(one, epochs.now()));
        let since = epochs.now();
        let mut everybody = touched(&[]);
        everybody.everybody();
        epochs.slots.raise(&everybody);
        assert!(!epochs.is_current(one, since) && !epochs.is_current(other, since));
    }

    #[tokio::test]
    async fn a_change_counts_after_its_commit() {
        let epochs = Epochs::alone();
        let slot = Slot::of("zusrone");
        let change = epochs.before_commit(touched(&["zusrone"])).await.unwrap();
        // Read while the commit is under way, from before it.
        let since = epochs.now();
        change.after_commit();
        assert!(!epochs.is_current(slot, since));
        assert_eq!(epochs.hear(), Trust::Keep);
    }
}
