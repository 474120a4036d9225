//! Which users have changed, and when: what cached sessions are checked against before they are believed.
//!
//! Time here is a counter of changes. Every user has a slot (some share one, which costs a look-up too many and nothing
//! else) that holds the count at which that user changed last; an entry of a cache holds the count from before it was
//! read. The invariants:
//!
//! 1. An entry is believed only while the slot of its user is not above the entry's own count.
//! 2. Whoever commits a change raises the slots of the users that it touches before the commit is acknowledged: after
//!    it, so that whatever was read in between counts as old; or, where other processes read the same file, before it,
//!    while nothing that is read may be kept until it has ended (`epoch_file`).
//! 3. Before an entry is believed, what others have changed is heard of: by the file beside an SQLite database, or
//!    because it was not long ago that PostgreSQL told (`listener`). What cannot be heard of is not believed.
//!
//! From these follows what matters: an answer from the cache is one that the database gave, or would give, at some
//! moment since the call began; on PostgreSQL, since a tenth of a second before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::domain::Result;
use crate::store::cache::file::{EpochFile, Mark};
use crate::store::cache::listener::Lease;

/// How many slots there are: a power of two. 128 KiB.
const SLOTS: usize = 1 << 14;

/// What may be done with cached entries at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: what others change is not heard of.
    None,
    /// Those that are there may be believed. What is read now must not be kept: a change is under way.
    Believe,
    /// The same, and what is read now may be kept.
    Keep,
}

/// A count of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(u64);

/// Whose slot it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(usize);

impl Slot {
    /// The slot of a user, the same in all processes of all versions: FNV-1a of the id.
    pub fn of(user_id: &str) -> Self {
        let hash = user_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self::from_number(hash)
    }

    /// The slot with this number, or that it comes to.
    pub const fn from_number(number: u64) -> Self {
        Self((number % SLOTS as u64) as usize)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0 as u64
    }
}

/// The users that a transaction has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    slots: Vec<Slot>,
    is_everybody: bool,
}

impl Touched {
    /// This user, or a session of theirs, is not what it was.
    pub fn user(&mut self, user_id: &str) {
        let slot = Slot::of(user_id);
        if !self.slots.contains(&slot) {
            self.slots.push(slot);
        }
    }

    /// Nobody knows whose sessions.
    pub const fn everybody(&mut self) {
        self.is_everybody = true;
    }

    /// These as well.
    pub fn extend(&mut self, other: &Self) {
        self.is_everybody |= other.is_everybody;
        for slot in &other.slots {
            if !self.slots.contains(slot) {
                self.slots.push(*slot);
            }
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.slots.is_empty() && !self.is_everybody
    }

    /// Their slots; None for everybody.
    pub fn slots(&self) -> Option<&[Slot]> {
        (!self.is_everybody).then_some(&self.slots)
    }
}

/// The count, and the slots.
#[derive(Debug)]
pub struct Slots {
    count: AtomicU64,
    /// Every entry from before this count is old.
    floor: AtomicU64,
    last_change: Box<[AtomicU64]>,
}

impl Default for Slots {
    fn default() -> Self {
        let last_change = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
        Self { count: AtomicU64::new(0), floor: AtomicU64::new(0), last_change }
    }
}

impl Slots {
    /// These users change now.
    pub fn raise(&self, touched: &Touched) {
        match touched.slots() {
            Some(slots) => slots.iter().for_each(|slot| self.raise_slot(*slot)),
            None => self.raise_all(),
        }
    }

    /// Whoever has this slot changes now.
    pub fn raise_slot(&self, slot: Slot) {
        let count = self.next();
        if let Some(last_change) = self.last_change.get(slot.0) {
            last_change.fetch_max(count, SeqCst);
        }
    }

    /// Everybody may have changed.
    pub fn raise_all(&self) {
        self.floor.fetch_max(self.next(), SeqCst);
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, SeqCst) + 1
    }

    fn now(&self) -> Count {
        Count(self.count.load(SeqCst))
    }

    fn is_current(&self, slot: Slot, since: Count) -> bool {
        let last_change = self.last_change.get(slot.0).map_or(u64::MAX, |last| last.load(SeqCst));
        last_change <= since.0 && self.floor.load(SeqCst) <= since.0
    }
}

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

    /// A transaction that changes these users is about to be committed. Nobody else may be about to commit to the same
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

/// A commit under way. To be ended whatever has become of it.
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

    #[test]
    fn users_are_touched_once() {
        let mut one = touched(&["a", "b", "a"]);
        assert_eq!(one.slots(), Some([Slot::of("a"), Slot::of("b")].as_slice()));
        assert!(!one.is_empty() && touched(&[]).is_empty());
        one.extend(&touched(&["b", "c"]));
        assert_eq!(one, touched(&["a", "b", "c"]));
        let mut all = Touched::default();
        all.everybody();
        one.extend(&all);
        assert!(!all.is_empty() && one.slots().is_none());
    }

    /// Processes of different versions have to agree on it.
    #[test]
    fn the_slot_of_a_user_never_changes() {
        assert_eq!(Slot::of("zusr1234567890abcdefghjkmnpqrs").number(), 10488);
    }
}
