//! The pool of threads that hash passwords: bounded in threads, memory and waiting calls.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;

use crate::crypto::password::complexity;
use crate::crypto::password::hasher::{Hasher, Verdict};
use crate::crypto::password::params::{HashParams, Salt};
use crate::domain::{Error, Password, Result};

type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

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
    queue_limit: usize,
    unmatched_hash: String,
    running: Mutex<Option<Running>>,
}

struct Running {
    queue: SyncSender<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl HashPool {
    /// A pool of so many threads; past `queue_limit` waiting calls, further ones are refused. Both are at least 1.
    #[must_use]
    pub fn new(params: HashParams, threads: usize, queue_limit: usize) -> Self {
        Self {
            params,
            threads: threads.max(1),
            queue_limit: queue_limit.max(1),
            unmatched_hash: params.unmatched_hash(),
            running: Mutex::new(None),
        }
    }

    /// The parameters of new hashes.
    #[must_use]
    pub const fn params(&self) -> HashParams {
        self.params
    }

    /// Hashes a new password. Returns what to store.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when the queue is full, [`Error::Unavailable`] when there is no memory.
    pub async fn hash(&self, password: Password, salt: Salt) -> Result<String> {
        self.run(move |hasher| hasher.hash(&password, &salt)).await
    }

    /// Compares a password with what is stored.
    ///
    /// # Errors
    /// As [`Self::hash`], and [`Error::Internal`] when what is stored is malformed.
    pub async fn verify(&self, stored: String, password: Password) -> Result<Verdict> {
        self.run(move |hasher| hasher.verify(&stored, &password)).await
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
    /// [`Error::Overloaded`] when the queue is full.
    pub async fn complexity(&self, password: Password, about: Vec<String>) -> Result<u8> {
        self.run(move |_| Ok(complexity::score(&password, &about))).await
    }

    /// What the hashes of a pool of one thread have cost so far, in KiB.
    #[cfg(test)]
    pub(crate) async fn work_kib(&self) -> Result<u64> {
        self.run(|hasher| Ok(hasher.work_kib())).await
    }

    /// How many hashes a pool of one thread has computed so far, of all schemes.
    #[cfg(test)]
    pub(crate) async fn hashes(&self) -> Result<u64> {
        self.run(|hasher| Ok(hasher.hashes())).await
    }

    /// Waits until the calls that are in the queue are done and the threads have ended. The next use starts new ones.
    /// It blocks: not for async code.
    pub fn close(&self) {
        let running = lock(&self.running).take();
        let Some(Running { queue, threads }) = running else { return };
        drop(queue);
        for thread in threads {
            // An error would mean that the thread panicked: it has ended, and that is all that is asked.
            let _ = thread.join();
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Box::new(move |hasher| respond(hasher, reply, work)))?;
        answer.await.map_err(|_| Error::internal("a hashing thread ended before it answered"))?
    }

    fn enqueue(&self, job: Job) -> Result<()> {
        let mut running = lock(&self.running);
        let Running { queue, .. } = match &mut *running {
            Some(running) => running,
            stopped => stopped.insert(self.start()?),
        };
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Overloaded("too many passwords are waiting to be hashed"),
            TrySendError::Disconnected(_) => Error::internal("the hashing threads have ended"),
        })
    }

    fn start(&self) -> Result<Running> {
        let (queue, jobs) = sync_channel(self.queue_limit);
        let (jobs, params) = (Arc::new(Mutex::new(jobs)), self.params);
        let threads = (0..self.threads).map(|number| {
            let jobs = Arc::clone(&jobs);
            Builder::new().name(format!("zato-sso-hash-{number}")).spawn(move || work_off(&jobs, params))
        });
        let threads = threads.collect::<Result<_, _>>().map_err(Error::unavailable)?;
        Ok(Running { queue, threads })
    }
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool")
            .field("params", &self.params)
            .field("threads", &self.threads)
            .field("queue_limit", &self.queue_limit)
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
fn work_off(jobs: &Mutex<Receiver<Job>>, params: HashParams) {
    // Without threads for them, lanes are computed one after the other.
    let _lanes = lanes(params);
    let mut hasher = Hasher::new(params);
    loop {
        // The lock is held while waiting, and let go before the work begins.
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        job(&mut hasher);
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
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    const SALT: Salt = [7; 16];
    const LONG: Duration = Duration::from_secs(30);

    fn pool(threads: usize, queue_limit: usize) -> Arc<HashPool> {
        Arc::new(HashPool::new(HashParams::new(16, 1, 1).unwrap(), threads, queue_limit))
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
            pool.run(wait).await
        });
        has_started.await.unwrap();
        release
    }

    /// Puts a job into the queue and goes away without waiting for it.
    async fn abandon(pool: &HashPool, work: impl FnOnce(&mut Hasher) -> Result<()> + Send + 'static) {
        tokio::time::timeout(Duration::ZERO, pool.run(work)).await.unwrap_err();
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
        let work_so_far = async || pool.run(|hasher| Ok(hasher.work_kib())).await.unwrap();
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
            let pool = HashPool::new(params, 1, 8);
            let threads = pool.run(|_| Ok(rayon::current_num_threads())).await.unwrap();
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
        let pool = pool(1, 1);
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
        pool.run(|_| Ok(())).await.unwrap();
        assert!(!worked.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_goes_on() {
        let pool = pool(1, 8);
        let error = pool.run(|_| -> Result<()> { panic!("on purpose") }).await.unwrap_err();
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
                tokio::spawn(async move { pool.run(work).await })
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
        pool.run(plant).await.unwrap();
        assert!(thread_ended.try_recv().is_err());
        drop(pool);
        thread_ended.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn the_pool_does_not_print_hashes() {
        assert!(!format!("{:?}", pool(1, 1)).contains('$'));
    }
}
