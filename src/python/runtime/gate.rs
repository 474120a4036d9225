//! The gate for calls: none runs while the process forks, and none on our threads once the interpreter ends.
//!
//! The gate is one counter: the low half counts running calls, the high half forks in progress. It uses no lock of the
//! operating system, so that no thread can hold one at the moment of a fork.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

const CALL: u64 = 1;
const FORK: u64 = 1 << 32;
const CALLS: u64 = FORK - 1;
const PAUSE: Duration = Duration::from_millis(1);

static GATE: AtomicU64 = AtomicU64::new(0);
/// The number of forks between the first process and this one. A pass from before a fork does not count after it.
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// Set while a thread closes things before a fork: one at a time.
static TIDYING: AtomicBool = AtomicBool::new(false);
/// Set when the interpreter is about to end: our threads must not attach any more.
static ENDING: AtomicBool = AtomicBool::new(false);
/// The number of our threads that are attached, or about to attach.
static VISITORS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// How deeply this thread is nested: calls of ours that called back into Python code (a hook, a signal handler).
    static NESTED: Cell<u32> = const { Cell::new(0) };
}

/// A running call. While one exists, a fork waits.
#[derive(Debug)]
pub struct Pass {
    generation: u32,
}

impl Pass {
    /// Lets a call in; waits, detached, while a fork is in progress.
    pub fn enter(py: Python<'_>) -> Self {
        // A nested call belongs to a call that the fork waits for: if it waited too, neither would go on.
        while GATE.fetch_add(CALL, SeqCst) >= FORK && !is_nested() {
            GATE.fetch_sub(CALL, SeqCst);
            py.detach(|| {
                while GATE.load(SeqCst) >= FORK {
                    thread::sleep(PAUSE);
                }
            });
        }
        Self { generation: GENERATION.load(SeqCst) }
    }

    /// Lets in work of our own without waiting, such as closing an engine that is no longer used.
    pub fn enter_now() -> Self {
        GATE.fetch_add(CALL, SeqCst);
        Self { generation: GENERATION.load(SeqCst) }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.generation == GENERATION.load(SeqCst) {
            GATE.fetch_sub(CALL, SeqCst);
        }
    }
}

/// Runs Python code from inside a call, on the thread of the call. Every hook goes through here: it may call the API
/// again, and may fork.
pub fn nested<R>(code: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            NESTED.set(NESTED.get().saturating_sub(1));
        }
    }
    NESTED.set(NESTED.get().saturating_add(1));
    let _leave = Leave;
    code()
}

/// Whether this thread runs Python code from inside a call of ours.
pub fn is_nested() -> bool {
    NESTED.get() > 0
}

/// Attaches one of our threads to the interpreter, for results and hooks; None if the interpreter is ending or gone.
///
/// The limited API cannot tell whether the interpreter is finalising, and attaching then hangs or kills the thread.
/// Therefore threads are counted: [`end_visits`] lets no more in, and waits for those that are attached.
pub fn visit<R>(code: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    VISITORS.fetch_add(1, SeqCst);
    let result = if ENDING.load(SeqCst) { None } else { Python::try_attach(code) };
    // In the child of a fork that `code` made, the count was reset.
    VISITORS.fetch_update(SeqCst, SeqCst, |visitors| visitors.checked_sub(1)).ok();
    result
}

/// Whether the interpreter is ending.
pub fn is_ending() -> bool {
    ENDING.load(SeqCst)
}

/// The interpreter is about to end: from here on none of our threads attaches. Waits up to a second for those that
/// have.
pub fn end_visits(py: Python<'_>) {
    ENDING.store(true, SeqCst);
    py.detach(|| wait_until(Instant::now() + Duration::from_secs(1), || VISITORS.load(SeqCst) == 0));
}

/// A fork is about to happen: new calls wait from here on.
pub fn announce_fork() {
    GATE.fetch_add(FORK, SeqCst);
}

/// Waits for the running calls. False if some are left: at the deadline, or immediately if a hook of one of them makes
/// the fork, which would wait for itself.
pub fn wait_for_calls(deadline: Instant) -> bool {
    !is_nested() && wait_until(deadline, || GATE.load(SeqCst) & CALLS == 0)
}

/// Runs code that only one thread at a time may run, where several fork at the same time.
pub fn alone(code: impl FnOnce()) {
    while TIDYING.swap(true, SeqCst) {
        thread::sleep(PAUSE);
    }
    code();
    TIDYING.store(false, SeqCst);
}

/// Called in the parent after the fork, or after it failed.
pub fn after_fork_in_parent() {
    GATE.fetch_sub(FORK, SeqCst);
}

/// How many forks there are between the first process and this one, as far as they were noticed.
pub fn generation() -> u32 {
    GENERATION.load(SeqCst)
}

/// Whether a fork is announced, so that its hooks run.
pub fn is_fork_announced() -> bool {
    GATE.load(SeqCst) >= FORK
}

/// Called in the child after the fork: the other threads, and their calls, do not exist here.
pub fn after_fork_in_child() {
    GENERATION.fetch_add(1, SeqCst);
    GATE.store(0, SeqCst);
    TIDYING.store(false, SeqCst);
    VISITORS.store(0, SeqCst);
}

fn wait_until(deadline: Instant, mut is_done: impl FnMut() -> bool) -> bool {
    loop {
        if is_done() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(PAUSE);
    }
}
