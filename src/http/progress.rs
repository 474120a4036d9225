//! How far a connection is: what it waits for, since when, and how long that may last.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::config::Config;

/// How long an answer may stay unread when the server ends, and how often there is a look at that.
const PARTING: Duration = Duration::from_secs(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How long a connection may be in a state, and what it may take there.
#[derive(Debug)]
pub(in crate::http) struct Limits {
    head: Duration,
    idle: Duration,
    write: Duration,
    /// The least number of bytes a second.
    speed: u64,
    /// The greatest size of the head of a request.
    pub head_bytes: usize,
    /// Whether there are so many connections that silence is short.
    pub is_crowded: AtomicBool,
}

impl Limits {
    pub fn new(config: &Config) -> Self {
        let http = &config.http;
        Self {
            head: http.header_timeout,
            idle: http.idle_timeout,
            write: http.write_timeout,
            speed: u64::try_from(http.min_speed).unwrap_or(u64::MAX),
            head_bytes: http.max_header_bytes,
            is_crowded: AtomicBool::new(false),
        }
    }

    /// How long a connection may be silent between two requests.
    fn silence(&self) -> Duration {
        let is_crowded = self.is_crowded.load(Ordering::Relaxed);
        if is_crowded { self.idle.min(self.head) } else { self.idle }
    }

    /// How long so many bytes may take to be read, beside the time that any answer has.
    fn time_for(&self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        bytes.checked_div(self.speed).map_or(Duration::MAX, Duration::from_secs)
    }

    /// How many bytes are progress in the time that a write may take.
    fn progress(&self) -> u64 {
        self.speed.saturating_mul(self.write.as_secs()).max(1)
    }
}

/// How far a connection is, and since when.
#[derive(Debug)]
pub(in crate::http) struct Progress {
    limits: Arc<Limits>,
    /// Whether it was accepted beyond what there may be: it is told so, or of the server's health.
    pub is_reserve: bool,
    accepted: Instant,
    /// Milliseconds after that.
    since: AtomicU64,
    /// A request has begun to come, and its head is not complete.
    is_in_head: AtomicBool,
    /// Requests that are under way.
    requests: AtomicUsize,
    answers: Mutex<Answers>,
    /// Bytes that were written since there was a look at them.
    written: AtomicU64,
    /// It is to make room for another one.
    leaving: Notify,
}

/// The answers that were not read yet.
#[derive(Debug, Default)]
struct Answers {
    /// Each with its bytes, and until when it must have been read.
    unread: Vec<(u64, usize, Instant)>,
    last: u64,
    bytes: usize,
    /// Until when something must have been read.
    next_look: Option<Instant>,
}

/// A request that is under way.
#[derive(Debug)]
pub(in crate::http) struct UnderWay(Arc<Progress>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.begin();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that its client has not read yet.
#[derive(Debug)]
pub(in crate::http) struct Unread {
    progress: Arc<Progress>,
    number: u64,
}

impl Drop for Unread {
    fn drop(&mut self) {
        let mut answers = self.progress.answers();
        if let Some(position) = answers.unread.iter().position(|(number, ..)| *number == self.number) {
            let (_, bytes, _) = answers.unread.swap_remove(position);
            answers.bytes -= bytes;
        }
        self.progress.begin();
    }
}

/// What a connection waits for that may be closed for another one; the less it costs its client, the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) enum Waiting {
    /// For the next request, since so long after it was accepted.
    Idle,
    /// For the head of a request.
    Head,
}

impl Progress {
    /// Of a connection that was just accepted. It is to send the head of a request.
    pub fn new(limits: Arc<Limits>, is_reserve: bool) -> Arc<Self> {
        Arc::new(Self {
            limits,
            is_reserve,
            accepted: Instant::now(),
            since: AtomicU64::default(),
            is_in_head: AtomicBool::new(true),
            requests: AtomicUsize::default(),
            answers: Mutex::default(),
            written: AtomicU64::default(),
            leaving: Notify::new(),
        })
    }

    /// What its limits are.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn begin(&self) {
        let since = self.accepted.elapsed().as_millis();
        self.since.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// When what it waits for began.
    fn began(&self) -> Instant {
        self.accepted + Duration::from_millis(self.since.load(Ordering::Relaxed))
    }

    /// Bytes have come. Between requests they begin the head of one.
    pub fn bytes_came(&self) {
        if self.requests.load(Ordering::Relaxed) == 0 && !self.is_in_head.swap(true, Ordering::Relaxed) {
            self.begin();
        }
    }

    /// Bytes were taken by the system, which sends them.
    pub fn bytes_went(&self, count: usize) {
        self.written.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A head is complete.
    pub fn request(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.is_in_head.store(false, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// An answer of so many bytes is there to be read.
    pub fn answer(self: &Arc<Self>, bytes: usize) -> Unread {
        let now = Instant::now();
        let mut answers = self.answers();
        if answers.unread.is_empty() {
            answers.next_look = now.checked_add(self.limits.write);
            self.written.store(0, Ordering::Relaxed);
        }
        answers.bytes += bytes;
        answers.last += 1;
        // What was there before comes first.
        let time = self.limits.write.saturating_add(self.limits.time_for(answers.bytes));
        let due = now.checked_add(time).unwrap_or(now + Duration::from_secs(86_400));
        let number = answers.last;
        answers.unread.push((number, bytes, due));
        Unread { progress: Arc::clone(self), number }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long its answers may stay unread from now on; none if there is none.
    fn left_to_read(&self) -> Option<Duration> {
        let mut answers = self.answers();
        let due = answers.unread.iter().map(|(.., due)| *due).min()?;
        let now = Instant::now();
        let mut look = answers.next_look?;
        if look <= now {
            if self.written.swap(0, Ordering::Relaxed) < self.limits.progress() {
                return Some(Duration::ZERO);
            }
            look = now + self.limits.write;
            answers.next_look = Some(look);
        }
        Some(due.min(look).saturating_duration_since(now))
    }

    /// How long it may go on as it does. A request has a time limit of its own.
    fn left(&self) -> Duration {
        if let Some(left) = self.left_to_read() {
            return left;
        }
        if self.requests.load(Ordering::Relaxed) > 0 {
            return self.limits.head;
        }
        let is_in_head = self.is_in_head.load(Ordering::Relaxed);
        let limit = if is_in_head { self.limits.head } else { self.limits.silence() };
        let end = Duration::from_millis(self.since.load(Ordering::Relaxed)).saturating_add(limit);
        end.saturating_sub(self.accepted.elapsed())
    }

    /// Resolves when it took too long. No wait is longer than what a head or a write may take, so that one that has begun
    /// meanwhile is not overlooked.
    pub async fn overdue(&self) {
        let longest = self.limits.head.min(self.limits.write);
        loop {
            let left = self.left();
            if left.is_zero() {
                return;
            }
            // A millisecond more than the clock that counts in milliseconds.
            sleep(left.min(longest).saturating_add(Duration::from_millis(1))).await;
        }
    }

    /// Resolves, once the server takes no more connections, when nothing is left that it would owe its client: a head that is
    /// not complete by then is none, and an answer has a short time to be read.
    pub async fn unfinished(&self) {
        let mut unread = Duration::ZERO;
        loop {
            sleep(BETWEEN_LOOKS).await;
            if self.waiting().is_some() || self.left().is_zero() || unread > PARTING {
                return;
            }
            let is_at_work = self.requests.load(Ordering::Relaxed) > 0;
            unread = if is_at_work { Duration::ZERO } else { unread + BETWEEN_LOOKS };
        }
    }

    /// What it waits for, since when; none if it has a request or an answer under way.
    pub fn waiting(&self) -> Option<(Waiting, Instant)> {
        if self.requests.load(Ordering::Relaxed) > 0 || !self.answers().unread.is_empty() {
            return None;
        }
        let is_in_head = self.is_in_head.load(Ordering::Relaxed);
        Some((if is_in_head { Waiting::Head } else { Waiting::Idle }, self.began()))
    }

    /// It is to make room for another one.
    pub fn leave(&self) {
        self.leaving.notify_one();
    }

    /// Resolves when it is to make room for another one.
    pub async fn has_to_leave(&self) {
        self.leaving.notified().await;
    }
}
