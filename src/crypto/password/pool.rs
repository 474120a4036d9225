//! The pool of threads that hash passwords: bounded in threads, memory and waiting calls.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::crypto::password::complexity;
use crate::crypto::password::hasher::{Hasher, Verdict};
use crate::crypto::password::params::{HashParams, Salt};
use crate::crypto::password::turn::{NotTaken, Queue, Turn, Waiting};
use crate::domain::trace::{self, Note, OpenSpan, Point, SpanKind};
use crate::domain::{Distribution, Error, Histogram, Password, Result};

/// Bytes that a call takes while it waits, beside its password and the hash to compare with: about as much.
const WAITING_BYTES: usize = 1_024;

/// Something to do with a hasher.
trait Job: Waiting {
    fn run(self: Box<Self>, hasher: &mut Hasher);
}

struct Task<T, W> {
    reply: oneshot::Sender<Result<T>>,
    has_begun: Arc<AtomicBool>,
    meter: Arc<Meter>,
    queued: Instant,
    work: W,
}

impl Waiting for Box<dyn Job> {
    fn is_given_up(&self) -> bool {
        (**self).is_given_up()
    }
}

impl<T: Send, W: Send> Waiting for Task<T, W> {
    fn is_given_up(&self) -> bool {
        self.reply.is_closed()
    }
}

impl<T: Send, W: FnOnce(&mut Hasher) -> Result<T> + Send> Job for Task<T, W> {
    fn run(self: Box<Self>, hasher: &mut Hasher) {
        self.has_begun.store(true, Ordering::Release);
        let begun = Instant::now();
        self.meter.waits.observe(begun.duration_since(self.queued));
        self.meter.busy.fetch_add(1, Relaxed);
        respond(hasher, self.reply, self.work);
        self.meter.busy.fetch_sub(1, Relaxed);
        self.meter.durations.observe(begun.elapsed());
    }
}

/// Hashes passwords off the async threads.
///
/// Its own threads, not those that the runtime lends for blocking calls: each keeps the memory that Argon2 works in,
/// and however many logins come at once, they never take more cores or memory than this. Threads start at the first
/// use. They do not outlive a `fork`: call [`HashPool::close`] before it, and make a new pool in the child.
///
/// Dropping the pool lets the threads end on their own.
pub struct HashPool {
    params: HashParams,
    threads: usize,
    limits: WaitLimits,
    unmatched_hash: String,
    running: Mutex<Option<Running>>,
    meter: Arc<Meter>,
}

/// What a pool counts.
#[derive(Debug, Default)]
struct Meter {
    waits: Histogram,
    durations: Histogram,
    busy: AtomicU64,
    refused_full: AtomicU64,
    refused_late: AtomicU64,
}

/// A pool at one moment, and what it has counted so far.
#[derive(Clone, Copy, Debug)]
pub struct HashLoad {
    /// How many threads it has at most.
    pub threads: usize,
    /// How many of them are at work.
    pub busy: u64,
    /// How many logins wait.
    pub waiting_logins: usize,
    /// How many calls wait that are no logins.
    pub waiting_others: usize,
    /// How long calls have waited for a thread.
    pub waits: Distribution,
    /// How long they took then.
    pub durations: Distribution,
    /// How many were refused because too many waited.
    pub refused_full: u64,
    /// How many have waited for too long.
    pub refused_late: u64,
}

/// How long calls wait for a thread, and how much they take meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitLimits {
    /// Bytes that all waiting calls take together; a call that does not fit in is refused at once.
    pub max_bytes: usize,
    /// How long one waits at most.
    pub max_wait: Duration,
}

struct Running {
    queue: Arc<Queue<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
}

/// The threads end when the queue is empty.
impl Drop for Running {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl HashPool {
    /// A pool of so many threads, at least 1.
    #[must_use]
    pub fn new(params: HashParams, threads: usize, limits: WaitLimits) -> Self {
        Self {
            params,
            threads: threads.max(1),
            limits,
            unmatched_hash: params.unmatched_hash(),
            running: Mutex::new(None),
            meter: Arc::default(),
        }
    }

    /// The parameters of new hashes.
    #[must_use]
    pub const fn params(&self) -> HashParams {
        self.params
    }

    /// How calls wait.
    #[must_use]
    pub const fn limits(&self) -> WaitLimits {
        self.limits
    }

    /// How much there is to do, and what was counted.
    #[must_use]
    pub fn load(&self) -> HashLoad {
        let waiting = lock(&self.running).as_ref().map(|running| running.queue.waiting());
        let (waiting_logins, waiting_others) = waiting.unwrap_or_default();
        let Meter { waits, durations, busy, refused_full, refused_late } = &*self.meter;
        HashLoad {
            threads: self.threads,
            busy: busy.load(Relaxed),
            waiting_logins,
            waiting_others,
            waits: waits.now(),
            durations: durations.now(),
            refused_full: refused_full.load(Relaxed),
            refused_late: refused_late.load(Relaxed),
        }
    }

    /// Hashes a new password. Returns what to store.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many wait, or for too long; [`Error::Unavailable`] when there is no memory.
    pub async fn hash(&self, password: Password, salt: Salt) -> Result<String> {
        let bytes = password.expose().len();
        self.run("password.hash", bytes, move |hasher| hasher.hash(&password, &salt)).await
    }

    /// Compares a password with what is stored.
    ///
    /// # Errors
    /// As [`Self::hash`], and [`Error::Internal`] when what is stored is malformed.
    pub async fn verify(&self, stored: String, password: Password) -> Result<Verdict> {
        let bytes = stored.len().saturating_add(password.expose().len());
        self.run("password.verify", bytes, move |hasher| hasher.verify(&stored, &password)).await
    }

    /// Takes the time of [`Self::verify`] for a user that does not exist, so that timing does not tell which users exist.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub async fn verify_unknown(&self, password: Password) -> Result<()> {
        self.verify(self.unmatched_hash.clone(), password).await.map(|_wrong| ())
    }

    /// How hard a password is to guess, from 0 to 4; `about` is what is known of its user. Here because it keeps a core
    /// busy for a while, as hashing does.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many wait, or for too long.
    pub async fn complexity(&self, password: Password, about: Vec<String>) -> Result<u8> {
        let about_bytes = about.iter().map(String::len).sum::<usize>();
        let bytes = password.expose().len().saturating_add(about_bytes);
        self.run("password.complexity", bytes, move |_| Ok(complexity::score(&password, &about))).await
    }

    /// What the hashes of a pool of one thread have cost so far, in KiB.
    #[cfg(test)]
    pub(crate) async fn work_kib(&self) -> Result<u64> {
        self.run("test", 0, |hasher| Ok(hasher.work_kib())).await
    }

    /// How many hashes a pool of one thread has computed so far, of all schemes.
    #[cfg(test)]
    pub(crate) async fn hashes(&self) -> Result<u64> {
        self.run("test", 0, |hasher| Ok(hasher.hashes())).await
    }

    /// Waits until the calls that are in the queue are done and the threads have ended. The next use starts new ones.
    /// It blocks: not for async code.
    pub fn close(&self) {
        let running = lock(&self.running).take();
        let Some(mut running) = running else { return };
        running.queue.close();
        for thread in running.threads.drain(..) {
            // An error would mean that the thread panicked: it has ended, and that is all that is asked.
            let _ = thread.join();
        }
    }

    /// Has work of so many bytes done, in the turn of the task that asks. Who has waited for too long goes away without.
    async fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        bytes: usize,
        work: impl FnOnce(&mut Hasher) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, mut answer) = oneshot::channel();
        let has_begun = Arc::new(AtomicBool::new(false));
        let (meter, queued) = (Arc::clone(&self.meter), Instant::now());
        let point = trace::point();
        // The span has ended before the caller has the answer.
        let work = move |hasher: &mut Hasher| {
            let span = point.map(|point| hash_span(&point, name, queued));
            let outcome = work(hasher);
            drop(span);
            outcome
        };
        let task = Task { reply, has_begun: Arc::clone(&has_begun), meter, queued, work };
        self.enqueue(bytes.saturating_add(WAITING_BYTES), Box::new(task))?;
        let answer = match timeout(self.limits.max_wait, &mut answer).await {
            Ok(answer) => answer,
            Err(_) if has_begun.load(Ordering::Acquire) => answer.await,
            Err(_) => {
                self.meter.refused_late.fetch_add(1, Relaxed);
                return Err(too_many());
            }
        };
        answer.map_err(|_| Error::internal("a hashing thread ended before it answered"))?
    }

    fn enqueue(&self, bytes: usize, job: Box<dyn Job>) -> Result<()> {
        let mut running = lock(&self.running);
        let Running { queue, .. } = match &mut *running {
            Some(running) => running,
            stopped => stopped.insert(self.start()?),
        };
        queue.push(Turn::current(), bytes, job).map_err(|error| match error {
            NotTaken::Full => {
                self.meter.refused_full.fetch_add(1, Relaxed);
                too_many()
            }
            NotTaken::Closed => Error::internal("the hashing threads have ended"),
        })
    }

    fn start(&self) -> Result<Running> {
        let (queue, params) = (Arc::new(Queue::new(self.limits.max_bytes)), self.params);
        let threads = (0..self.threads).map(|number| {
            let queue = Arc::clone(&queue);
            Builder::new().name(format!("zato-sso-hash-{number}")).spawn(move || work_off(&queue, params))
        });
        let threads = threads.collect::<Result<_, _>>().map_err(Error::unavailable)?;
        Ok(Running { queue, threads })
    }
}

/// The span of work that a thread begins, which was queued at this time. It does not say whose password it is.
fn hash_span(point: &Point, name: &'static str, queued: Instant) -> OpenSpan {
    let mut span = point.begin(name, SpanKind::Internal);
    span.note("zato_sso.wait_seconds", Note::Real(queued.elapsed().as_secs_f64()));
    span
}

fn too_many() -> Error {
    Error::Overloaded("too many passwords are waiting to be hashed")
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool")
            .field("params", &self.params)
            .field("threads", &self.threads)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The threads that compute the lanes of one hash side by side: this one, and more where there are more lanes and more cores.
/// They end with what this returns. rayon's common threads are never used: they would be lost to the child of a fork.
fn lanes(params: HashParams) -> Result<ThreadPool, ThreadPoolBuildError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let lanes = usize::try_from(params.parallelism()).unwrap_or(1);
    ThreadPoolBuilder::new()
        .num_threads(lanes.min(cores))
        .thread_name(|number| format!("zato-sso-lane-{number}"))
        .use_current_thread()
        .build()
}

/// What a thread does: one job after the other until the queue is closed and empty.
fn work_off(queue: &Queue<Box<dyn Job>>, params: HashParams) {
    // Without threads for them, lanes are computed one after the other.
    let _lanes = lanes(params);
    let mut hasher = Hasher::new(params);
    while let Some(job) = queue.pop() {
        job.run(&mut hasher);
    }
}

/// Does a job and answers its caller, unless that went away in the meantime. A panic becomes an error.
fn respond<T>(
    hasher: &mut Hasher,
    reply: oneshot::Sender<Result<T>>,
    work: impl FnOnce(&mut Hasher) -> Result<T>,
) {
    if reply.is_closed() {
        return;
    }
    let result = catch_unwind(AssertUnwindSafe(|| work(hasher))).unwrap_or_else(|_| {
        // In an unknown state; dropping it wipes its memory.
        *hasher = Hasher::new(hasher.params());
        Err(Error::internal("hashing a password panicked"))
    });
    // The caller may be gone.
    let _ = reply.send(result);
}

/// The guarded data is consistent at any moment, also after a panic of a thread that held the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use crate::crypto::on_behalf;

    const SALT: Salt = [7; 16];
    const LONG: Duration = Duration::from_secs(30);

    fn pool(threads: usize, calls: usize) -> Arc<HashPool> {
        // So many with short passwords: a quarter of the bytes is for the passwords and hashes.
        let limits = WaitLimits { max_bytes: calls * WAITING_BYTES * 5 / 4, max_wait: LONG };
        Arc::new(HashPool::new(HashParams::new(16, 1, 1).unwrap(), threads, limits))
    }

    /// Keeps a thread of the pool busy until the sender that it returns is dropped.
    async fn occupy(pool: &Arc<HashPool>) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (started, has_started) = oneshot::channel();
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            let wait = move |_: &mut Hasher| {
                started.send(()).unwrap();
                // An error: the sender is gone, which is the signal.
                let _ = released.recv();
                Ok(())
            };
            pool.run("test", 0, wait).await
        });
        has_started.await.unwrap();
        release
    }

    /// Puts a job into the queue and goes away without waiting for it.
    async fn abandon(pool: &HashPool, work: impl FnOnce(&mut Hasher) -> Result<()> + Send + 'static) {
        tokio::time::timeout(Duration::ZERO, pool.run("test", 0, work)).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_was_hashed_is_verified() {
        let pool = pool(2, 8);
        let stored = pool.hash("password".into(), SALT).await.unwrap();
        assert_eq!(pool.verify(stored.clone(), "password".into()).await.unwrap(), Verdict::Right);
        assert_eq!(pool.verify(stored, "passwore".into()).await.unwrap(), Verdict::Wrong);
        assert!(pool.verify("garbage".to_owned(), "password".into()).await.is_err());
    }

    #[tokio::test]
    async fn an_unknown_user_costs_what_a_known_one_does() {
        let pool = pool(1, 8);
        let work_so_far = async || pool.run("test", 0, |hasher| Ok(hasher.work_kib())).await.unwrap();
        let stored = pool.hash("password".into(), SALT).await.unwrap();
        let before = work_so_far().await;
        let _ = pool.verify(stored, "wrong".into()).await.unwrap();
        let between = work_so_far().await;
        pool.verify_unknown("wrong".into()).await.unwrap();
        let after = work_so_far().await;
        assert!(between > before);
        assert_eq!(after - between, between - before);
    }

    #[tokio::test]
    async fn lanes_have_a_core_each_as_far_as_there_are_cores() {
        let cores = std::thread::available_parallelism().unwrap().get();
        for lanes in [1, 4] {
            let params = HashParams::new(64, 1, lanes).unwrap();
            let pool = HashPool::new(params, 1, WaitLimits { max_bytes: 1 << 20, max_wait: LONG });
            let threads = pool.run("test", 0, |_| Ok(rayon::current_num_threads())).await.unwrap();
            assert_eq!(threads, cores.min(lanes.try_into().unwrap()));
            let stored = pool.hash("password".into(), SALT).await.unwrap();
            // The same as one lane after the other.
            let alone = Hasher::new(params).hash(&"password".into(), &SALT).unwrap();
            assert_eq!(stored, alone);
            pool.close();
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        // Half of the room is for logins.
        let pool = pool(1, 2);
        let release = occupy(&pool).await;
        abandon(&pool, |_| Ok(())).await;
        let error = pool.verify_unknown("password".into()).await.unwrap_err();
        assert!(matches!(error, Error::Overloaded(_)), "{error}");
        drop(release);
        while pool.verify_unknown("password".into()).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_has_waited_for_too_long_is_refused_and_whose_turn_has_come_is_not() {
        let limits = WaitLimits { max_bytes: 1 << 20, max_wait: Duration::from_millis(20) };
        let pool = Arc::new(HashPool::new(HashParams::new(16, 1, 1).unwrap(), 1, limits));
        let begun = tokio::spawn({
            let pool = Arc::clone(&pool);
            let slowly = |_: &mut Hasher| {
                std::thread::sleep(Duration::from_millis(200));
                Ok(7)
            };
            async move { pool.run("test", 0, slowly).await }
        });
        tokio::time::sleep(Duration::from_millis(5)).await;
        let error = pool.verify_unknown("password".into()).await.unwrap_err();
        assert!(error.to_string().contains("too many passwords are waiting"), "{error}");
        assert_eq!(begun.await.unwrap().unwrap(), 7);
        pool.verify_unknown("password".into()).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_login_leaves_room_and_turns_to_logins() {
        let pool = pool(1, 100);
        let release = occupy(&pool).await;
        // Sign-ups and resets of strangers, until no more is taken.
        let mut flood = 0;
        while timeout(Duration::ZERO, pool.verify_unknown("password".into())).await.is_err() {
            flood += 1;
        }
        assert!((40..=60).contains(&flood), "{flood}");
        let login = Turn { is_login: true, place: Some("10.0.0.0".to_owned()) };
        let login = on_behalf(Some(login), pool.verify_unknown("password".into()));
        drop(release);
        login.await.unwrap();
    }

    #[tokio::test]
    async fn a_caller_that_went_away_is_skipped() {
        let pool = pool(1, 8);
        let release = occupy(&pool).await;
        let worked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&worked);
        abandon(&pool, move |_| {
            flag.store(true, Ordering::SeqCst);
            Ok(())
        })
        .await;
        drop(release);
        // Behind the abandoned one in the queue.
        pool.run("test", 0, |_| Ok(())).await.unwrap();
        assert!(!worked.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_goes_on() {
        let pool = pool(1, 8);
        let error = pool.run("test", 0, |_| -> Result<()> { panic!("on purpose") }).await.unwrap_err();
        assert!(matches!(error, Error::Internal(_)));
        pool.verify_unknown("password".into()).await.unwrap();
    }

    #[tokio::test]
    async fn no_more_threads_work_than_were_asked_for() {
        let pool = pool(2, 64);
        let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let (pool, busy, most) = (Arc::clone(&pool), Arc::clone(&busy), Arc::clone(&most));
                let work = move |_: &mut Hasher| {
                    most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    assert!(std::thread::current().name().unwrap().starts_with("zato-sso-hash-"));
                    busy.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                };
                tokio::spawn(async move { pool.run("test", 0, work).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn closing_finishes_what_was_begun_and_the_next_use_starts_again() {
        let pool = pool(2, 8);
        pool.close();
        let answer = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.hash("password".into(), SALT).await }
        });
        while lock(&pool.running).is_none() {
            tokio::task::yield_now().await;
        }
        pool.close();
        assert!(lock(&pool.running).is_none());
        answer.await.unwrap().unwrap();
        pool.verify_unknown("password".into()).await.unwrap();
    }

    #[tokio::test]
    async fn dropping_the_pool_ends_its_threads() {
        struct TellsWhenDropped(mpsc::Sender<()>);
        impl Drop for TellsWhenDropped {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        thread_local! {
            static AT_EXIT: std::cell::RefCell<Option<TellsWhenDropped>> = const { std::cell::RefCell::new(None) };
        }
        let (sender, thread_ended) = mpsc::channel();
        let pool = pool(1, 8);
        let plant = move |_: &mut Hasher| {
            AT_EXIT.set(Some(TellsWhenDropped(sender)));
            Ok(())
        };
        pool.run("test", 0, plant).await.unwrap();
        assert!(thread_ended.try_recv().is_err());
        drop(pool);
        thread_ended.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn the_pool_does_not_print_hashes() {
        assert!(!format!("{:?}", pool(1, 1)).contains('$'));
    }
}
