//! Until when cached sessions may be believed, where changes by others are heard of from a server.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::store::cache::slots::Trust;

const LEASE: Duration = Duration::from_millis(90);

/// Whether changes by others are heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// Nothing is known: nobody has asked for a cached session yet, or there is no connection at the moment.
    Unknown,
    /// They are.
    Heard,
    /// They are not: a pooler swallows notifications.
    Unheard,
}

/// Until when what is cached may be believed.
#[derive(Debug)]
pub struct Lease {
    start: Instant,
    /// In nanoseconds after `start`.
    end: AtomicU64,
    is_used: AtomicBool,
    wanted: Notify,
    hearing: AtomicU8,
}

impl Lease {
    /// One that has ended.
    pub fn ended() -> Self {
        let (end, hearing) = (AtomicU64::new(0), AtomicU8::new(0));
        Self { start: Instant::now(), end, is_used: AtomicBool::new(false), wanted: Notify::new(), hearing }
    }

    /// Whether changes by others are heard of.
    pub fn hearing(&self) -> Hearing {
        match self.hearing.load(SeqCst) {
            1 => Hearing::Heard,
            2 => Hearing::Unheard,
            _ => Hearing::Unknown,
        }
    }

    /// It turned out so.
    pub fn set_hearing(&self, hearing: Hearing) {
        self.hearing.store(hearing as u8, SeqCst);
    }

    /// Whether it lasts. To ask is to want it.
    pub fn trust(&self) -> Trust {
        if !self.is_used.load(SeqCst) {
            self.is_used.store(true, SeqCst);
            self.wanted.notify_one();
        }
        if self.nanos(Instant::now()) < self.end.load(SeqCst) { Trust::Keep } else { Trust::None }
    }

    /// Returns when somebody asks.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Whether somebody has asked since [`Self::take_use`] or [`Self::forget_use`].
    pub fn is_used(&self) -> bool {
        self.is_used.load(SeqCst)
    }

    /// The same, and forgets it.
    pub fn take_use(&self) -> bool {
        self.is_used.swap(false, SeqCst)
    }

    /// Nobody has asked, from now on.
    pub fn forget_use(&self) {
        self.is_used.store(false, SeqCst);
    }

    /// What was committed before this beat is known.
    pub fn extend(&self, beat: Instant) {
        self.end.store(self.nanos(beat + LEASE), SeqCst);
    }

    /// It has ended.
    pub fn end(&self) {
        self.end.store(0, SeqCst);
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }
}
