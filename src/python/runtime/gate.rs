//! When calls may run: not while the process forks, and not from threads of ours once the interpreter ends.
//!
//! The gate is one counter: the low half counts calls in flight, the high half forks under way. No operating
//! system lock takes part, so that nothing can be held at the moment of a fork.

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
/// How many forks lie between this process and the first one. A pass from before a fork does not count after it.
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// One thread at a time puts things away before a fork.
static TIDYING: AtomicBool = AtomicBool::new(false);
/// The interpreter is about to end: threads of ours attach no more.
static ENDING: AtomicBool = AtomicBool::new(false);
/// How many threads of ours are attached, or about to be.
static VISITORS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// How many times this thread has gone from a call of ours back into Python code (a hook, a signal handler).
    static NESTED: Cell<u32> = const { Cell::new(0) };
}

/// A call in flight. While one exists, a fork waits.
#[derive(Debug)]
pub struct Pass {
    generation: u32,
}

impl Pass {
    /// Lets a call in; waits, detached, while a fork is under way.
    pub fn enter(py: Python<'_>) -> Self {
        // A nested call belongs to one that the fork is waiting for: to make it wait would hold up both.
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

    /// Lets work of our own in that does not wait, such as closing what nobody uses any more.
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

/// Runs Python code from inside a call, on the thread that the call has for it. Every hook goes through here: a
/// hook may call the API again, and may fork.
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

/// Whether this thread runs Python code from inside a call.
pub fn is_nested() -> bool {
    NESTED.get() > 0
}

/// Attaches a thread of ours to the interpreter, for results and hooks; None if that is ending or gone.
///
/// The limited API cannot ask whether the interpreter is finalising, and attaching then hangs the thread or worse.
/// Hence the count: [`end_visits`] lets no new one in, and waits for those inside.
pub fn visit<R>(code: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    VISITORS.fetch_add(1, SeqCst);
    let result = if ENDING.load(SeqCst) { None } else { Python::try_attach(code) };
    // In the child of a fork that `code` made, the count has started anew.
    VISITORS.fetch_update(SeqCst, SeqCst, |visitors| visitors.checked_sub(1)).ok();
    result
}

/// Whether the interpreter is ending.
pub fn is_ending() -> bool {
    ENDING.load(SeqCst)
}

/// The interpreter is about to end: from here on no thread of ours attaches. Waits a moment for those that have.
pub fn end_visits(py: Python<'_>) {
    ENDING.store(true, SeqCst);
    py.detach(|| wait_until(Instant::now() + Duration::from_secs(1), || VISITORS.load(SeqCst) == 0));
}

/// A fork is coming: new calls wait from here on.
pub fn announce_fork() {
    GATE.fetch_add(FORK, SeqCst);
}

/// Waits for the calls in flight. False if some are left: at the deadline, or at once if the fork is made by a hook
/// of one of them, which would wait for itself.
pub fn wait_for_calls(deadline: Instant) -> bool {
    !is_nested() && wait_until(deadline, || GATE.load(SeqCst) & CALLS == 0)
}

/// Runs what must not run twice at a time when several threads fork at once.
pub fn alone(code: impl FnOnce()) {
    while TIDYING.swap(true, SeqCst) {
        thread::sleep(PAUSE);
    }
    code();
    TIDYING.store(false, SeqCst);
}

/// The fork is over in the parent, or has failed.
pub fn after_fork_in_parent() {
    GATE.fetch_sub(FORK, SeqCst);
}

/// The fork is over in the child: the other threads, and their calls, do not exist here.
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
