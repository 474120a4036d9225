//! What `os.fork()` does to engines: the child inherits neither database connections nor threads.
//!
//! ```text
//! before     new calls wait; running calls end; engines close; the runtime ends
//! in parent  calls go on, and create runtime and engine again
//! in child   the same; what could not be closed in time is left alone, never dropped
//! ```
//!
//! An engine with a database in memory stays open in the parent, and so does the runtime it needs. A fork made in C
//! (uWSGI) runs none of these hooks, or only the child's: every call compares the process id, and the first one in the
//! child does what its hook would have done. Nothing could be closed then.

use std::pin::Pin;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pyo3::prelude::*;
use pyo3::types::IntoPyDict;
use tokio::time::Instant;

use crate::python::runtime::gate;
use crate::python::runtime::journal;
use crate::python::runtime::process::Process;

/// How long a fork waits for running calls, and for engines to close.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits for the threads of the runtime, which are idle by then.
const PATIENCE_WITH_THREADS: Duration = Duration::from_secs(1);

/// Closing something before a fork.
pub type PuttingAway<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Something that must be closed before a fork.
pub trait Forkable: Send + Sync {
    /// Closes what the child must not inherit, until the deadline at most.
    fn put_away(&self, deadline: Instant) -> PuttingAway<'_>;

    /// Whether everything is closed.
    fn is_put_away(&self) -> bool;

    /// Called in the parent after the fork.
    fn after_in_parent(&self);

    /// Called in the child after the fork.
    fn after_in_child(&self);
}

type Registry = Vec<Weak<dyn Forkable>>;

/// All that a fork has to close. Without a lock: another thread could hold it during the fork.
static REGISTRY: ArcSwapOption<Registry> = ArcSwapOption::const_empty();

/// The process that runtime and engines belong to; 0 before there is an object.
static HOME: AtomicU32 = AtomicU32::new(0);
/// The process in which a thread is making them its own.
static MOVING: AtomicU32 = AtomicU32::new(0);

/// Notices whether this is the child of a fork that has run no hook, before anything is used that is still the parent's.
pub fn notice() {
    let here = process::id();
    if HOME.load(SeqCst) != here {
        arrive(here);
    }
}

/// Leaves behind what is the parent's. Other threads wait meanwhile.
#[cold]
fn arrive(here: u32) {
    loop {
        // In the child of a fork in the middle of this, it is the number of the parent.
        let moving = MOVING.load(SeqCst);
        if moving != here && MOVING.compare_exchange(moving, here, SeqCst, SeqCst).is_ok() {
            break;
        }
        if HOME.load(SeqCst) == here {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    if HOME.load(SeqCst) != here {
        leave_behind();
        HOME.store(here, SeqCst);
    }
    MOVING.store(0, SeqCst);
}

fn leave_behind() {
    Process::forget();
    journal::forget();
    for forkable in registered() {
        forkable.after_in_child();
    }
    gate::after_fork_in_child();
}

/// Includes this in every fork for as long as it lives.
pub fn register(forkable: Weak<dyn Forkable>) {
    REGISTRY.rcu(|registry| {
        let known = registry.iter().flat_map(|registry| registry.iter());
        let alive = known.filter(|known| known.strong_count() > 0).cloned();
        Some(Arc::new(alive.chain([Weak::clone(&forkable)]).collect::<Registry>()))
    });
}

fn registered() -> Vec<Arc<dyn Forkable>> {
    REGISTRY.load().iter().flat_map(|registry| registry.iter()).filter_map(Weak::upgrade).collect()
}

#[pyfunction]
fn before_fork(py: Python<'_>) {
    notice();
    gate::announce_fork();
    py.detach(|| {
        let deadline = Instant::now() + PATIENCE;
        if !gate::wait_for_calls(deadline.into_std()) {
            return;
        }
        gate::alone(|| {
            let Some(process) = Process::existing() else { return };
            let all = registered();
            process.block_on(async {
                for forkable in &all {
                    forkable.put_away(deadline).await;
                }
            });
            // An object that was dropped in the meantime closes by itself.
            let is_quiet = gate::wait_for_calls(deadline.into_std());
            if is_quiet && all.iter().all(|forkable| forkable.is_put_away()) {
                Process::shut_down(PATIENCE_WITH_THREADS);
            }
        });
    });
}

#[pyfunction]
fn after_fork_in_parent() {
    journal::after_fork_in_parent();
    for forkable in registered() {
        forkable.after_in_parent();
    }
    gate::after_fork_in_parent();
}

#[pyfunction]
fn after_fork_in_child() {
    if gate::is_fork_announced() {
        // Whatever the number of the process: it may be the parent's, in a namespace of its own.
        leave_behind();
        HOME.store(process::id(), SeqCst);
    } else {
        notice();
    }
}

/// Registers the hooks above with the interpreter. Once, before there is anything that a fork has to close.
pub fn install_hooks(py: Python<'_>) -> PyResult<()> {
    HOME.store(process::id(), SeqCst);
    let os = py.import("os")?;
    if !os.hasattr("register_at_fork")? {
        return Ok(());
    }
    let hooks = [
        ("before", pyo3::wrap_pyfunction!(before_fork, py)?),
        ("after_in_parent", pyo3::wrap_pyfunction!(after_fork_in_parent, py)?),
        ("after_in_child", pyo3::wrap_pyfunction!(after_fork_in_child, py)?),
    ];
    os.call_method("register_at_fork", (), Some(&hooks.into_py_dict(py)?))?;
    Ok(())
}
