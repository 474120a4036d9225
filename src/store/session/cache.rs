//! Sessions that were read before, kept in memory by the digest of their token, and only ever given out while what they
//! say still holds: `epoch` has the rules for that.
//!
//! Only sessions that exist are kept. An unknown token is looked up in the database each time, so that nothing is to
//! be done about this cache when a session is opened.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::domain::{Session, Timestamp, User};
use crate::store::cache::epoch::Epochs;
use crate::store::cache::slots::{Count, Slot, Trust};
use crate::store::session::record::{Found, UserState, UstDigest};

/// For how long a session is kept at most, in microseconds. Changes by zato_sso are seen immediately. This is for what others
/// change in an SQLite file by hand, which nothing tells of.
const MAX_AGE: i64 = 10_000_000;

/// A session and its user as they were read.
#[derive(Debug)]
pub struct KnownSession {
    /// The session.
    pub session: Session,
    /// What checks need to know of its user.
    pub user: UserState,
    /// The whole user, once it has been read.
    pub whole_user: OnceLock<Arc<User>>,
    /// What is written of its use, as far as this process knows; in microseconds.
    noted_use: AtomicI64,
    slot: Slot,
    since: Count,
    read_at: Timestamp,
}

impl KnownSession {
    /// When it was last used, as far as that is written: what every process goes by.
    pub fn noted_use(&self) -> Timestamp {
        Timestamp::from_micros(self.noted_use.load(Relaxed))
    }

    /// This is what is written.
    pub fn set_noted_use(&self, time: Timestamp) {
        self.noted_use.store(time.as_micros(), Relaxed);
    }

    /// Whether its use now is to be written, since what is written is so old, in microseconds.
    pub fn is_use_due(&self, now: Timestamp, age: i64) -> bool {
        now.as_micros().saturating_sub(self.noted_use.load(Relaxed)) >= age
    }

    /// The same for the one of all callers who is to write it.
    pub fn take_use(&self, now: Timestamp, age: i64) -> bool {
        let noted = self.noted_use.load(Relaxed);
        let is_due = now.as_micros().saturating_sub(noted) >= age;
        is_due && self.noted_use.compare_exchange(noted, now.as_micros(), Relaxed, Relaxed).is_ok()
    }
}

/// The sessions that are kept.
#[derive(Debug)]
pub struct SessionCache {
    epochs: Arc<Epochs>,
    is_closed: AtomicBool,
    hits: AtomicU64,
    misses: AtomicU64,
    kept: Option<Cache<Key, Arc<KnownSession>, UnitWeighter, BuildHasherDefault<KeyHasher>>>,
}

/// The cache at the moment of a look into it.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    cache: &'a SessionCache,
    trust: Trust,
    since: Count,
    now: Timestamp,
}

impl SessionCache {
    /// A cache of so many sessions at most; of none, everything is read from the database.
    pub fn new(epochs: Arc<Epochs>, size: Option<usize>) -> Self {
        let kept = size.map(|size| {
            let (hasher, lifecycle) = (BuildHasherDefault::default(), DefaultLifecycle::default());
            Cache::with(size, size as u64, UnitWeighter, hasher, lifecycle)
        });
        Self {
            epochs,
            kept,
            is_closed: AtomicBool::new(false),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Hears of what has changed, and looks.
    pub fn look(&self, now: Timestamp) -> Look<'_> {
        let is_open = self.kept.is_some() && !self.is_closed.load(SeqCst);
        let trust = if is_open { self.epochs.hear() } else { Trust::None };
        // Taken after hearing, before anything is read.
        Look { cache: self, trust, since: self.epochs.now(), now }
    }

    /// How many are kept.
    pub fn size(&self) -> usize {
        self.kept.as_ref().map_or(0, Cache::len)
    }

    /// How often all was there.
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    /// How often the database was read since not all was there.
    pub fn misses(&self) -> u64 {
        self.misses.load(Relaxed)
    }

    /// Lets go of all of them, for good.
    pub fn close(&self) {
        self.is_closed.store(true, SeqCst);
        if let Some(kept) = &self.kept {
            kept.clear();
        }
    }
}

impl Look<'_> {
    /// The time that it was given.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether anything can be found: not where the cache is off, or may not be trusted.
    pub fn is_of_use(&self) -> bool {
        self.trust != Trust::None
    }

    /// The session with this token, if it is kept and what it says still holds. It may have expired.
    pub fn get(&self, digest: &UstDigest) -> Option<Arc<KnownSession>> {
        if !self.is_of_use() {
            return None;
        }
        let known = self.cache.kept.as_ref()?.get(&Key(*digest))?;
        let age = self.now.as_micros().saturating_sub(known.read_at.as_micros());
        let holds = self.cache.epochs.is_current(known.slot, known.since) && (0..MAX_AGE).contains(&age);
        holds.then_some(known)
    }

    /// All is there.
    pub fn hit(&self) {
        self.cache.hits.fetch_add(1, Relaxed);
    }

    /// Not all is there, and the database is to be read.
    pub fn missed(&self) {
        self.cache.misses.fetch_add(1, Relaxed);
        self.cache.epochs.check_identity();
    }

    /// Keeps what was read after the look.
    pub fn keep(&self, found: Found) -> Arc<KnownSession> {
        let Found { digest, session, user } = found;
        let known = self.known(session, user);
        if let (Trust::Keep, Some(kept)) = (self.trust, &self.cache.kept) {
            kept.insert(Key(digest), Arc::clone(&known));
        }
        known
    }

    /// What was read after the look, for the one call that has read it.
    pub fn known(&self, session: Session, user: UserState) -> Arc<KnownSession> {
        Arc::new(KnownSession {
            slot: Slot::of(session.user_id.as_str()),
            since: self.since,
            read_at: self.now,
            noted_use: AtomicI64::new(session.last_use.as_micros()),
            session,
            user,
            whole_user: OnceLock::new(),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key(UstDigest);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

/// Takes a digest for its own hash.
#[derive(Clone, Copy, Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}
