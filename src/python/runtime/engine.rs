//! The engine of an object tree, `ops::Sso`: opened at the first call, and owned by one process.
//! [`fork`](crate::python::runtime::fork) says what happens to it when the process forks.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use crate::config::{Config, DatabaseUrl};
use crate::domain::trace::{self, OpenSpan, SpanKind};
use crate::ops::{OpenError, Parts, Reporting, Sso};
use crate::python::runtime::call::none;
use crate::python::runtime::fork;
use crate::python::runtime::fork::{Forkable, PuttingAway};
use crate::python::runtime::gate::Pass;
use crate::python::runtime::journal::Loggers;
use crate::python::runtime::process::Process;
use crate::python::runtime::work::{Call, Outcome};
use crate::python::value::error::Fault;

const USABLE: u8 = 0;
const CLOSED: u8 = 1;
const LEFT_IN_PARENT: u8 = 2;
const HELD_BY_PARENT: u8 = 3;

/// An SQLite file was open when this process was forked, or an ancestor of it, and was not closed before: what SQLite
/// remembers of locks is wrong here, and another thread may have held its own locks.
static IS_FILE_INHERITED: AtomicBool = AtomicBool::new(false);

/// The way to the engine, which all objects of one tree share.
pub struct Handle {
    config: Config,
    parts: Parts,
    engine: ArcSwapOption<Sso>,
    /// Held while the engine is opened or closed. A child process replaces it: the thread that held it in the parent
    /// does not exist there.
    turn: ArcSwap<Mutex<()>>,
    state: AtomicU8,
    /// Closing before a fork took too long: the rest of the engine must not be used any more.
    is_half_closed: AtomicBool,
}

impl Handle {
    /// A handle to an engine that is not open yet.
    pub fn new(config: Config, parts: Parts) -> Arc<Self> {
        let handle = Arc::new(Self {
            config,
            parts,
            engine: ArcSwapOption::const_empty(),
            turn: ArcSwap::from_pointee(Mutex::new(())),
            state: AtomicU8::new(USABLE),
            is_half_closed: AtomicBool::new(false),
        });
        fork::register(Arc::<Self>::downgrade(&handle));
        handle
    }

    /// The configuration of the engine.
    #[cfg(feature = "server")]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Which database, without the password of its URL, and whether it was closed.
    pub fn description(&self) -> String {
        fork::notice();
        let state = match self.state.load(SeqCst) {
            CLOSED => "closed",
            LEFT_IN_PARENT | HELD_BY_PARENT => "left in the parent process",
            _ => "open",
        };
        format!("'{}', {state}", self.config.database.url)
    }

    /// The fast path: an answer that an open engine has without waiting. It is computed on the calling thread, which
    /// stays attached to the interpreter, so that no fork can come in between.
    pub fn fast_path<T>(&self, answer: impl FnOnce(&Sso) -> Option<T>) -> Option<T> {
        fork::notice();
        answer(self.engine.load().as_deref()?)
    }

    /// The engine, opened first if it is not open.
    pub async fn engine(&self) -> Result<Arc<Sso>, Fault> {
        match self.engine.load_full() {
            Some(engine) => Ok(engine),
            None => self.open().await,
        }
    }

    /// A call that closes the engine for good. Calls that are running may fail, later ones do. It may run twice.
    pub fn closing(self: &Arc<Self>) -> Call {
        let handle = Arc::clone(self);
        Box::pin(async move {
            yield_now().await;
            let turn = handle.turn.load_full();
            let _turn = turn.lock().await;
            handle.state.store(CLOSED, SeqCst);
            if let Some(engine) = handle.engine.swap(None) {
                engine.close().await;
            }
            let outcome: Outcome = Box::new(|py| none(py, ()));
            outcome
        })
    }

    /// The fault to report for one that a call ran into: while the engine is being closed, that is why it broke.
    pub fn closed_or(&self, fault: Fault) -> Fault {
        if fault.is_technical() && self.state.load(SeqCst) == CLOSED { Fault::Closed } else { fault }
    }

    /// Boxed, since it is rarely needed and every call would hold it.
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Arc<Sso>, Fault>> + Send + '_>> {
        Box::pin(async move {
            // The first step runs attached, and opening reads files.
            yield_now().await;
            let turn = self.turn.load_full();
            let _turn = turn.lock().await;
            match self.state.load(SeqCst) {
                CLOSED => return Err(Fault::Closed),
                LEFT_IN_PARENT => return Err(Fault::LeftInParent),
                HELD_BY_PARENT => return Err(Fault::HeldByParent),
                _ => {}
            }
            if IS_FILE_INHERITED.load(SeqCst)
                && matches!(self.config.database.url, DatabaseUrl::SqliteFile(_))
            {
                return Err(Fault::HeldByParent);
            }
            if let Some(engine) = self.engine.load_full() {
                return Ok(engine);
            }
            let parts = Parts { reporting: Reporting::To(Arc::new(Loggers)), ..self.parts.clone() };
            let span = trace::point().map(|point| point.begin("open", SpanKind::Internal));
            let opening = Sso::open_with(self.config.clone(), parts);
            let opening = trace::within(span.as_ref().and_then(OpenSpan::scope), opening);
            let engine = Arc::new(opening.await.map_err(not_opened)?);
            drop(span);
            self.engine.store(Some(Arc::clone(&engine)));
            Ok(engine)
        })
    }
}

/// The fault for an engine that did not open: an unreachable database, or a configuration that cannot be used.
fn not_opened(error: OpenError) -> Fault {
    let reason = error.to_string();
    match error {
        OpenError::Config(_) | OpenError::Keyring(_) | OpenError::MissingKey(_) => {
            Fault::Misconfigured(reason)
        }
        OpenError::Database(_) | OpenError::MissingDatabase(_) | OpenError::Other(_) => {
            Fault::NotOpened(reason)
        }
    }
}

impl Forkable for Handle {
    fn put_away(&self, deadline: Instant) -> PuttingAway<'_> {
        Box::pin(async move {
            let Some(engine) = self.engine.load_full() else { return };
            // A database in memory cannot be closed and opened again: it stays with the parent.
            if matches!(engine.config().database.url, DatabaseUrl::SqliteMemory) {
                return;
            }
            match timeout_at(deadline, engine.close()).await {
                Ok(()) => self.engine.store(None),
                Err(_) => self.is_half_closed.store(true, SeqCst),
            }
        })
    }

    fn is_put_away(&self) -> bool {
        self.engine.load().is_none()
    }

    fn after_in_parent(&self) {
        if self.is_half_closed.swap(false, SeqCst) {
            self.engine.store(None);
        }
    }

    fn after_in_child(&self) {
        self.is_half_closed.store(false, SeqCst);
        // Held where it was being opened, or closed.
        let turn = self.turn.swap(Arc::default());
        let is_busy = turn.try_lock().is_err();
        mem::forget(turn);
        let engine = self.engine.swap(None);
        if engine.is_none() && !is_busy {
            return;
        }
        let lost = match self.config.database.url {
            DatabaseUrl::SqliteMemory => LEFT_IN_PARENT,
            // The parent holds locks on the file.
            DatabaseUrl::SqliteFile(_) => {
                IS_FILE_INHERITED.store(true, SeqCst);
                HELD_BY_PARENT
            }
            // The child opens connections of its own.
            DatabaseUrl::Postgres(_) => USABLE,
        };
        if self.state.load(SeqCst) == USABLE {
            self.state.store(lost, SeqCst);
        }
        // Its connections are the parent's, and its threads do not exist here: it cannot even be dropped.
        mem::forget(engine);
    }
}

impl Drop for Handle {
    /// Closes an engine that nobody closed. Only a fork waits for that.
    fn drop(&mut self) {
        fork::notice();
        if let Some(engine) = self.engine.swap(None)
            && let Some(process) = Process::existing()
        {
            let pass = Pass::enter_now();
            process.spawn(async move {
                engine.close().await;
                drop(pass);
            });
        }
    }
}
