//! The queue of emails: callers hand them over without waiting, and a background task sends them.
//!
//! ```text
//! send --> queue --> waiting --> sent
//!           |full       | failed: later again, each time after twice the pause
//!           v           v refused for good, or too old
//!          lost        lost
//! ```
//!
//! An email that a hook sends waits in the same queue, for its turn. The hook runs once, also if it fails.
//!
//! The outcome of each email is a line in the audit log. The task knows the queue only, nothing of what fills it:
//! it ends when that goes, or with [`Mailer::close`].

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::domain::{Clock, Email};
use crate::ops::audit::{Log, Trail};
use crate::ops::{HookError, HookFuture};

/// Why an email was not delivered. Neither holds an address or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Undelivered {
    /// It may work later.
    ForNow(String),
    /// It never will.
    ForGood(String),
}

/// An email to be sent, by one or the other means.
pub(in crate::ops) enum Message {
    /// By SMTP, which is tried again if it fails for now.
    Smtp(Box<Email>),
    /// By a hook, which is about to be called.
    Hook(HookFuture<()>),
}

/// A way to deliver emails.
pub(in crate::ops) trait Deliver: Send + Sync + 'static {
    /// Delivers one, or tells why not.
    fn deliver(&self, email: &Email) -> impl Future<Output = Result<(), Undelivered>> + Send;
}

/// How patient the queue is.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Pace {
    /// How many emails wait to be looked at, and how many more to be tried again.
    pub capacity: usize,
    /// How long one attempt may take.
    pub attempt: Duration,
    /// The pause after the first attempt; it doubles with each.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// The age at which an email is given up.
    pub give_up: Duration,
    /// How long closing waits for what is left.
    pub closing: Duration,
}

impl Pace {
    /// That of the product. Closing must be done before a fork that waits for it loses its patience.
    pub const USUAL: Self = Self {
        capacity: 1000,
        attempt: Duration::from_secs(30),
        first_pause: Duration::from_secs(1),
        longest_pause: Duration::from_secs(300),
        give_up: Duration::from_secs(3600),
        closing: Duration::from_secs(3),
    };
}

/// Where emails are handed over.
#[derive(Debug)]
pub(in crate::ops) struct Mailer {
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    queue: Queue,
    /// Whether none but hooks send any, which is told once.
    is_without_means: bool,
    is_told: AtomicBool,
}

#[derive(Debug)]
struct Queue {
    jobs: Sender<Job>,
    closing: watch::Sender<bool>,
    patience: Duration,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// An email on its way. Wherever it is lost, a line says so.
struct Job {
    message: Message,
    /// None once it has been told what became of it.
    trail: Option<Trail>,
    queued: Instant,
    attempts: u32,
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
}

impl Job {
    fn tell(&mut self, outcome: Result<(), &str>) {
        if let Some(mut trail) = self.trail.take() {
            trail.note("attempts", self.attempts.to_string());
            self.log.tell(trail, self.clock.now(), outcome);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.tell(Err("not sent: closed before it could be"));
    }
}

impl Mailer {
    /// A mailer that delivers by these means, and calls hooks, from a task of the current runtime.
    pub fn new(log: Arc<Log>, clock: Arc<dyn Clock>, means: Option<impl Deliver>, pace: Pace) -> Self {
        let (sender, jobs) = mpsc::channel(pace.capacity);
        let (closing, is_closing) = watch::channel(false);
        let is_without_means = means.is_none();
        let worker = Worker { means, pace, jobs, waiting: BTreeMap::new(), counter: 0 };
        let task = Mutex::new(Some(tokio::spawn(worker.run(is_closing))));
        let queue = Queue { jobs: sender, closing, patience: pace.closing, task };
        Self { log, clock, queue, is_without_means, is_told: AtomicBool::new(false) }
    }

    /// Takes an email over without waiting for its outcome.
    pub fn send(&self, message: Message, mut trail: Trail) {
        if self.is_without_means && matches!(message, Message::Smtp(_)) {
            if !self.is_told.swap(true, Ordering::Relaxed) {
                trail.note("not_sent", "smtp.url is not set: no email is");
                self.log.tell(trail, self.clock.now(), Ok(()));
            }
            return;
        }
        let job = Job {
            message,
            trail: Some(trail),
            queued: Instant::now(),
            attempts: 0,
            log: Arc::clone(&self.log),
            clock: Arc::clone(&self.clock),
        };
        match self.queue.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(mut job)) => job.tell(Err("not sent: too many emails are waiting")),
            // Dropping it tells.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Tries once more to deliver what is left, for a few seconds at most, and ends the task.
    pub async fn close(&self) {
        self.queue.closing.send_replace(true);
        let task = self.queue.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        if timeout(self.queue.patience, &mut task).await.is_err() {
            task.abort();
            // It drops what it has left, which tells.
            drop(task.await);
        }
    }
}

async fn told_to_close(closing: &mut watch::Receiver<bool>) {
    drop(closing.wait_for(|is_closing| *is_closing).await);
}

/// The task.
struct Worker<D> {
    means: Option<D>,
    pace: Pace,
    jobs: Receiver<Job>,
    /// By when they are due, and a number that tells those of the same moment apart.
    waiting: BTreeMap<(Instant, u64), Job>,
    counter: u64,
}

impl<D: Deliver> Worker<D> {
    async fn run(mut self, mut closing: watch::Receiver<bool>) {
        loop {
            let due = self.waiting.first_key_value().map(|((due, _), _)| *due);
            tokio::select! {
                biased;
                // Also when the mailer is gone.
                () = told_to_close(&mut closing) => break,
                job = self.jobs.recv(), if self.waiting.len() < self.pace.capacity => match job {
                    Some(job) => self.wait(job, Instant::now()),
                    None => break,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.attempt().await,
            }
        }
        // Without a waiting caller no other code sets an end.
        drop(timeout(self.pace.closing, self.finish()).await);
    }

    fn wait(&mut self, job: Job, due: Instant) {
        self.counter = self.counter.wrapping_add(1);
        self.waiting.insert((due, self.counter), job);
    }

    /// Tries the one that is due first.
    async fn attempt(&mut self) {
        let Some((_, mut job)) = self.waiting.pop_first() else { return };
        match self.deliver(&mut job).await {
            Ok(()) => job.tell(Ok(())),
            Err(Undelivered::ForGood(why)) => job.tell(Err(&format!("given up: {why}"))),
            Err(Undelivered::ForNow(why)) if job.queued.elapsed() >= self.pace.give_up => {
                job.tell(Err(&format!("given up: {why}")));
            }
            Err(Undelivered::ForNow(_)) => {
                let doublings = job.attempts.saturating_sub(1).min(30);
                let pause = self.pace.first_pause.saturating_mul(1 << doublings).min(self.pace.longest_pause);
                self.wait(job, Instant::now() + pause);
            }
        }
    }

    /// Tries everything that is left, once.
    async fn finish(&mut self) {
        self.jobs.close();
        while let Some(job) = self.jobs.recv().await {
            self.wait(job, Instant::now());
        }
        for (_, mut job) in mem::take(&mut self.waiting) {
            match self.deliver(&mut job).await {
                Ok(()) => job.tell(Ok(())),
                Err(Undelivered::ForGood(why)) => job.tell(Err(&format!("given up: {why}"))),
                Err(Undelivered::ForNow(why)) => job.tell(Err(&format!("given up at closing: {why}"))),
            }
        }
    }

    async fn deliver(&mut self, job: &mut Job) -> Result<(), Undelivered> {
        job.attempts = job.attempts.saturating_add(1);
        match (&mut job.message, &self.means) {
            (Message::Smtp(email), Some(means)) => {
                let late = Undelivered::ForNow("an attempt takes too long".to_owned());
                timeout(self.pace.attempt, means.deliver(email)).await.unwrap_or(Err(late))
            }
            (Message::Smtp(_), None) => Err(Undelivered::ForGood("smtp.url is not set".to_owned())),
            // It is never called again: a hook that failed may have sent the email all the same.
            (Message::Hook(call), _) => {
                let outcome = timeout(self.pace.attempt, call).await;
                let outcome = outcome.unwrap_or_else(|_| Err(HookError::new("takes too long")));
                outcome.map_err(|error| Undelivered::ForGood(format!("the hook send_email {error}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::Value;
    use tempfile::TempDir;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::config::AuditFile;
    use crate::domain::{
        Cid, Context, EmailKind, Operation, RemoteAddr, SystemClock, SystemRandom, Timestamp, UserId,
        time_ordered_uuid,
    };

    const PACE: Pace = Pace {
        capacity: 2,
        attempt: Duration::from_millis(100),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(4),
        give_up: Duration::from_secs(60),
        closing: Duration::from_millis(200),
    };

    /// Delivers what it is let to, and says of each attempt what comes next in its list, in the end that it worked.
    #[derive(Clone, Debug)]
    struct Post {
        outcomes: Arc<Mutex<Vec<Result<(), Undelivered>>>>,
        delivered: Arc<Mutex<Vec<String>>>,
        gate: Arc<Semaphore>,
    }

    impl Post {
        fn new(outcomes: Vec<Result<(), Undelivered>>, is_open: bool) -> Self {
            let gate = Arc::new(Semaphore::new(if is_open { Semaphore::MAX_PERMITS } else { 0 }));
            Self { outcomes: Arc::new(Mutex::new(outcomes)), delivered: Arc::default(), gate }
        }

        fn delivered(&self) -> Vec<String> {
            self.delivered.lock().unwrap().clone()
        }
    }

    impl Deliver for Post {
        async fn deliver(&self, email: &Email) -> Result<(), Undelivered> {
            self.gate.acquire().await.unwrap().forget();
            let next = { self.outcomes.lock().unwrap().pop() };
            next.unwrap_or(Ok(()))?;
            self.delivered.lock().unwrap().push(email.username.clone());
            Ok(())
        }
    }

    struct Office {
        mailer: Mailer,
        folder: TempDir,
    }

    impl Office {
        fn new(post: Option<Post>, pace: Pace) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let log = Log::open(&AuditFile::File(Self::path(&folder))).unwrap();
            Self { mailer: Mailer::new(Arc::new(log), Arc::new(SystemClock), post, pace), folder }
        }

        fn path(folder: &TempDir) -> PathBuf {
            folder.path().join("audit.jsonl")
        }

        fn send(&self, username: &str) {
            self.hand_over(Message::Smtp(Box::new(Self::email(username))));
        }

        /// Has a hook send one.
        fn send_by(&self, call: impl Future<Output = Result<(), HookError>> + Send + 'static) {
            self.hand_over(Message::Hook(Box::pin(call)));
        }

        fn email(username: &str) -> Email {
            let now = Timestamp::from_micros(0);
            Email {
                id: time_ordered_uuid(now, &SystemRandom).unwrap(),
                date: now,
                kind: EmailKind::PasswordReset,
                user_id: UserId::random(&SystemRandom).unwrap(),
                username: username.to_owned(),
                to: "planted@example.com".to_owned(),
                from: String::new(),
                subject: String::new(),
                text: "planted-token".to_owned(),
                html: None,
            }
        }

        fn hand_over(&self, message: Message) {
            let ctx = Context {
                cid: Cid::new("c"),
                current_app: "CRM".to_owned(),
                remote_addr: RemoteAddr::default(),
            };
            let now = Timestamp::from_micros(0);
            self.mailer.send(message, Trail::new(&ctx, Operation::EmailSend, now));
        }

        /// What the log says became of each, in order; what it says holds neither address nor text.
        fn told(&self) -> Vec<String> {
            let text = std::fs::read_to_string(Self::path(&self.folder)).unwrap();
            assert!(!text.contains("planted"), "{text}");
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines
                .map(|line| {
                    let extra = |name: &str| line["extra"][name].as_str().unwrap_or("-").to_owned();
                    let what = if line["result"] == "ok" { extra("not_sent") } else { extra("error") };
                    format!("{} {} {what}", line["result"].as_str().unwrap(), extra("attempts"))
                })
                .collect()
        }

        async fn until_told(&self, count: usize) -> Vec<String> {
            while self.told().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.told()
        }
    }

    fn later() -> Result<(), Undelivered> {
        Err(Undelivered::ForNow("down".to_owned()))
    }

    #[tokio::test]
    async fn what_fails_for_now_is_tried_again_until_it_works() {
        let post = Post::new(vec![later(), later(), later()], true);
        let office = Office::new(Some(post.clone()), PACE);
        office.send("ann");
        assert_eq!(office.until_told(1).await, ["ok 4 -"]);
        assert_eq!(post.delivered(), ["ann"]);
    }

    #[tokio::test]
    async fn one_that_is_refused_holds_up_no_other() {
        let post = Post::new(vec![Ok(()), later(), Err(Undelivered::ForGood("550".to_owned()))], true);
        let office = Office::new(Some(post.clone()), Pace { first_pause: Duration::from_millis(50), ..PACE });
        for username in ["refused", "later"] {
            office.send(username);
        }
        assert_eq!(office.until_told(1).await, ["E008004 1 given up: 550"]);
        office.send("now");
        assert_eq!(office.until_told(3).await.len(), 3);
        assert_eq!(post.delivered(), ["now", "later"]);
    }

    #[tokio::test]
    async fn what_gets_too_old_is_given_up() {
        let post = Post::new(vec![later(); 1000], true);
        let office = Office::new(Some(post), Pace { give_up: Duration::from_millis(20), ..PACE });
        office.send("ann");
        let told = office.until_told(1).await;
        assert!(told[0].ends_with(" given up: down"), "{told:?}");
    }

    #[tokio::test]
    async fn an_attempt_that_hangs_is_one_that_failed() {
        let post = Post::new(Vec::new(), false);
        let office = Office::new(Some(post.clone()), Pace { attempt: Duration::from_millis(20), ..PACE });
        office.send("ann");
        tokio::time::sleep(Duration::from_millis(30)).await;
        post.gate.add_permits(1);
        office.until_told(1).await;
        assert_eq!(post.delivered(), ["ann"]);
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_says_so_and_never_waits() {
        let post = Post::new(Vec::new(), false);
        let office = Office::new(Some(post.clone()), Pace { attempt: Duration::from_secs(60), ..PACE });
        // No other task runs meanwhile: nothing is taken out of the queue.
        for username in ["ann", "bob", "eve"] {
            office.send(username);
        }
        assert_eq!(office.told(), ["E008004 0 not sent: too many emails are waiting"]);
        post.gate.add_permits(2);
        office.until_told(3).await;
        assert_eq!(post.delivered(), ["ann", "bob"]);
    }

    #[tokio::test]
    async fn closing_delivers_what_is_left() {
        let post = Post::new(vec![Ok(()), later()], true);
        let office = Office::new(Some(post.clone()), Pace { first_pause: Duration::from_secs(60), ..PACE });
        office.send("ann");
        tokio::time::sleep(Duration::from_millis(10)).await;
        office.send("bob");
        office.mailer.close().await;
        let mut delivered = post.delivered();
        delivered.sort();
        assert_eq!(delivered, ["ann", "bob"]);
        assert_eq!(office.told().len(), 2);
        office.mailer.close().await;
        office.send("eve");
        assert_eq!(office.told()[2], "E008004 0 not sent: closed before it could be");
    }

    #[tokio::test]
    async fn closing_does_not_wait_for_ever_and_tells_what_is_lost() {
        let post = Post::new(Vec::new(), false);
        let office = Office::new(Some(post), Pace { attempt: Duration::from_secs(60), ..PACE });
        office.send("ann");
        office.send("bob");
        office.mailer.close().await;
        let lost = office.told();
        assert_eq!(lost.len(), 2, "{lost:?}");
        assert!(lost.iter().all(|line| line.ends_with("not sent: closed before it could be")), "{lost:?}");
    }

    #[tokio::test]
    async fn the_task_ends_with_the_mailer() {
        let post = Post::new(Vec::new(), true);
        let mut office = Office::new(Some(post.clone()), PACE);
        let task = office.mailer.queue.task.lock().unwrap().take().unwrap();
        office.send("ann");
        office.mailer = Office::new(None, PACE).mailer;
        task.await.unwrap();
        assert_eq!(post.delivered(), ["ann"]);
    }

    #[tokio::test]
    async fn without_means_nothing_is_sent_and_the_log_says_so_once() {
        let office = Office::new(None, PACE);
        office.send("ann");
        office.send("bob");
        assert_eq!(office.told(), ["ok - smtp.url is not set: no email is"]);
        office.mailer.close().await;
    }

    #[tokio::test]
    async fn a_hook_is_called_once_also_without_other_means() {
        let office = Office::new(None, PACE);
        office.send_by(async { Ok(()) });
        office.send_by(async { Err(HookError::new("raised")) });
        let expected = ["ok 1 -", "E008004 1 given up: the hook send_email raised"];
        assert_eq!(office.until_told(2).await, expected);
    }

    #[tokio::test]
    async fn hooks_run_one_after_the_other_and_no_more_wait_than_the_queue_holds() {
        let office = Office::new(None, Pace { attempt: Duration::from_secs(60), ..PACE });
        let gate = Arc::new(Semaphore::new(0));
        let running = Arc::new(Semaphore::new(1));
        let call = || {
            let (running, gate) = (Arc::clone(&running), Arc::clone(&gate));
            async move {
                let _alone = running.try_acquire().map_err(|_| HookError::new("is not alone"))?;
                gate.acquire().await.map_err(|_| HookError::new("has no gate"))?.forget();
                Ok(())
            }
        };
        // No other task runs meanwhile: nothing is taken out of the queue.
        for _ in 0..5 {
            office.send_by(call());
        }
        assert_eq!(office.told(), ["E008004 0 not sent: too many emails are waiting"; 3]);
        gate.add_permits(2);
        assert_eq!(office.until_told(5).await[3..], ["ok 1 -"; 2]);
    }

    #[tokio::test]
    async fn a_hook_that_hangs_holds_up_no_other_for_ever() {
        let office = Office::new(None, Pace { attempt: Duration::from_millis(20), ..PACE });
        office.send_by(std::future::pending());
        office.send_by(async { Ok(()) });
        let expected = ["E008004 1 given up: the hook send_email takes too long", "ok 1 -"];
        assert_eq!(office.until_told(2).await, expected);
    }

    #[tokio::test]
    async fn closing_waits_for_hooks_and_tells_which_are_lost() {
        let office = Office::new(None, PACE);
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok(())
        };
        office.send_by(slow());
        office.send_by(slow());
        office.mailer.close().await;
        assert_eq!(office.told(), ["ok 1 -"; 2]);

        let office = Office::new(None, Pace { attempt: Duration::from_secs(60), ..PACE });
        office.send_by(std::future::pending());
        office.send_by(slow());
        office.mailer.close().await;
        let lost = office.told();
        assert_eq!(lost.len(), 2, "{lost:?}");
        assert!(lost.iter().all(|line| line.ends_with("not sent: closed before it could be")), "{lost:?}");
    }
}
