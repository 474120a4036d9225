//! Audit entries and the log of embedded objects, on their way to Python's loggers: `zato_sso.audit` and `zato_sso`.
//!
//! Operations put them into a queue and never wait for Python. Whoever returns to Python from a call takes them to the
//! loggers, on the thread or event loop of that call, with no lock held: a handler may call single sign-on again. What no
//! call takes along, because it was caused in the background, is taken a moment later by a thread of ours.

use std::cell::Cell;
use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use serde_json::Value;

use crate::config::LogLevel;
use crate::domain::{AuditEvent, Cid};
use crate::ops::Journal;
use crate::python::runtime::gate;
use crate::python::runtime::process::{Delivery, Process};
use crate::python::value::logger;

/// How many bytes of text wait at most. What comes then is lost, counted, and said.
const ROOM: usize = 4 << 20;

/// The same of errands, which are traces: however many there are, no audit entry is lost for them.
const ROOM_OF_ERRANDS: usize = 4 << 20;

/// What an entry takes beside its text, roughly.
const OVERHEAD: usize = 200;

/// How long calls have to take along what there is.
const DELAY: Duration = Duration::from_millis(100);

/// The levels of Python's `logging`.
const INFO: u8 = 20;
const WARNING: u8 = 30;
const ERROR: u8 = 40;

/// A child process replaces it: the thread that held the lock in the parent does not exist there.
static QUEUE: LazyLock<ArcSwap<Mutex<Queue>>> = LazyLock::new(ArcSwap::default);
/// How many records wait: looked at after each call.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Whether a thread of ours is about to look.
static IS_PLANNED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is handing records over. What its handlers cause is handed over later, or it might never end.
    static HANDING_OVER: Cell<bool> = const { Cell::new(false) };
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Record>,
    bytes: usize,
    bytes_of_errands: usize,
    lost: u64,
}

/// What a logger is to be given.
enum Record {
    Audit(String),
    Log {
        level: u8,
        event: &'static str,
        text: String,
        cid: Option<String>,
    },
    /// Something else to be done in Python, which takes so many bytes while it waits.
    Errand {
        bytes: usize,
        errand: Errand,
    },
}

/// Something that is to be done in Python.
pub type Errand = Box<dyn Fn(Python<'_>) -> PyResult<()> + Send>;

impl Record {
    fn size(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Audit(entry) => entry.len(),
                Self::Log { text, .. } => text.len(),
                Self::Errand { bytes, .. } => *bytes,
            }
    }
}

impl Queue {
    /// What a record takes room of, and how much there is of it.
    fn share(&mut self, record: &Record) -> (&mut usize, usize) {
        match record {
            Record::Audit(_) | Record::Log { .. } => (&mut self.bytes, ROOM),
            Record::Errand { .. } => (&mut self.bytes_of_errands, ROOM_OF_ERRANDS),
        }
    }

    /// False where there is no room for it.
    fn push(&mut self, record: Record) -> bool {
        let size = record.size();
        let (taken, room) = self.share(&record);
        if *taken + size > room {
            return false;
        }
        *taken += size;
        self.records.push_back(record);
        true
    }

    fn pop(&mut self) -> Option<Record> {
        let record = self.records.pop_front()?;
        let (taken, _) = self.share(&record);
        *taken = taken.saturating_sub(record.size());
        Some(record)
    }
}

/// The way to Python's loggers, of which a process has one each.
#[derive(Clone, Copy, Debug)]
pub struct Loggers;

impl Journal for Loggers {
    fn audit(&self, _: &AuditEvent, entry: &Value) {
        enqueue(Record::Audit(entry.to_string()));
    }

    fn log(&self, level: LogLevel, event: &'static str, text: &str, cid: Option<&Cid>) {
        // Those are logged where they become, or are, exceptions.
        if matches!(event, "error.internal" | "hook.failed") {
            return;
        }
        let level = match level {
            LogLevel::Off => return,
            LogLevel::Error => ERROR,
            LogLevel::Warning => WARNING,
            LogLevel::Info => INFO,
        };
        let cid = cid.map(|cid| cid.as_str().to_owned());
        enqueue(Record::Log { level, event, text: text.to_owned(), cid });
    }
}

fn enqueue(record: Record) {
    if !add(record) {
        let shared = QUEUE.load();
        shared.lock().unwrap_or_else(PoisonError::into_inner).lost += 1;
    }
}

/// Has something done in Python by the next call that returns there; false where there is no room for it.
pub fn enqueue_errand(bytes: usize, errand: Errand) -> bool {
    add(Record::Errand { bytes, errand })
}

fn add(record: Record) -> bool {
    let shared = QUEUE.load();
    let mut queue = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if !queue.push(record) {
        return false;
    }
    WAITING.store(queue.records.len(), SeqCst);
    drop(queue);
    plan();
    true
}

/// Has a thread of ours look in a moment, in case that no call returns.
fn plan() {
    if IS_PLANNED.swap(true, SeqCst) {
        return;
    }
    let Some(process) = Process::existing() else {
        IS_PLANNED.store(false, SeqCst);
        return;
    };
    let courier = Arc::clone(&process);
    process.spawn(async move {
        tokio::time::sleep(DELAY).await;
        IS_PLANNED.store(false, SeqCst);
        if WAITING.load(SeqCst) > 0 {
            courier.deliver(Delivery { hand_over: Box::new(hand_over), pass: gate::Pass::enter_now() });
        }
    });
}

/// Gives the loggers what waits now. Whatever a handler raises does not concern the call.
pub fn hand_over(py: Python<'_>) {
    let count = WAITING.load(SeqCst);
    if count == 0 || HANDING_OVER.replace(true) {
        return;
    }
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            HANDING_OVER.set(false);
        }
    }
    let _done = Done;
    // A call that returns with an exception keeps it.
    let raised = PyErr::take(py);
    for _ in 0..count {
        let (record, lost) = {
            let shared = QUEUE.load();
            let mut queue = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let record = queue.pop();
            WAITING.store(queue.records.len(), SeqCst);
            (record, mem::take(&mut queue.lost))
        };
        let Some(record) = record else { break };
        let remark = (lost > 0).then(|| {
            let text = format!("{lost} audit entries and remarks were lost: there were too many at a time");
            Record::Log { level: WARNING, event: "log.lost", text, cid: None }
        });
        for record in remark.iter().chain([&record]) {
            if let Err(error) = give(py, record) {
                error.write_unraisable(py, None);
            }
        }
    }
    if let Some(raised) = raised {
        raised.restore(py);
    }
}

/// The thread of ours that was about to look is gone with the runtime.
pub fn after_fork_in_parent() {
    IS_PLANNED.store(false, SeqCst);
}

/// What comes from the parent of a fork was, or will be, handed over there.
pub fn forget() {
    mem::forget(QUEUE.swap(Arc::default()));
    WAITING.store(0, SeqCst);
    IS_PLANNED.store(false, SeqCst);
}

fn give(py: Python<'_>, record: &Record) -> PyResult<()> {
    static AUDIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static LOG: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let (logger, name, level, text) = match record {
        Record::Audit(entry) => (&AUDIT, "zato_sso.audit", INFO, entry.as_str()),
        Record::Log { level, text, .. } => (&LOG, logger::FAULTS, *level, text.as_str()),
        Record::Errand { errand, .. } => return errand(py),
    };
    let logger = logger.get_or_try_init(py, || get_logger(py, name))?.bind(py);
    if !logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
        return Ok(());
    }
    let extra = match record {
        Record::Audit(entry) => py.import("json")?.call_method1("loads", (entry,))?.cast_into::<PyDict>()?,
        Record::Log { event, cid, .. } => {
            let extra = PyDict::new(py);
            extra.set_item("event", event)?;
            extra.set_item("cid", cid)?;
            extra
        }
        Record::Errand { .. } => return Ok(()),
    };
    // The code that has caused it is no Python code: there is no line to name.
    let arguments = (name, level, "zato_sso", 0, text, PyTuple::empty(py), py.None(), py.None(), extra);
    let made = logger.call_method1("makeRecord", arguments)?;
    logger.call_method1("handle", (made,))?;
    Ok(())
}

/// A logger that is given what waits before Python closes its handlers, which it registered earlier.
fn get_logger(py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
    static IS_SET_UP: PyOnceLock<()> = PyOnceLock::new();
    let logger = logger::get(py, name)?;
    IS_SET_UP.get_or_try_init(py, || {
        let at_exit = pyo3::wrap_pyfunction!(hand_over_at_exit, py)?;
        py.import("atexit")?.call_method1("register", (at_exit,))?;
        Ok::<_, PyErr>(())
    })?;
    Ok(logger)
}

#[pyfunction]
fn hand_over_at_exit(py: Python<'_>) {
    hand_over(py);
}
