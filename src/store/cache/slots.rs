//! The counts at which users changed last.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

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

    /// Sessions of unknown users.
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

    /// The users of this slot change now.
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

    /// The count now.
    pub fn now(&self) -> Count {
        Count(self.count.load(SeqCst))
    }

    /// Whether the users of this slot have not changed since that count.
    pub fn is_current(&self, slot: Slot, since: Count) -> bool {
        let last_change = self.last_change.get(slot.0).map_or(u64::MAX, |last| last.load(SeqCst));
        last_change <= since.0 && self.floor.load(SeqCst) <= since.0
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
