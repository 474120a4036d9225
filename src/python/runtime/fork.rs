//! What `os.fork()` means for engines: neither a database connection nor a thread of ours goes across.
//!
//! ```text
//! before     new calls wait; those in flight end; engines close; the runtime ends
//! in parent  calls go on, and make runtime and engine again
//! in child   the same; what could not be closed in time is left alone, never dropped
//! ```
//!
//! An engine whose data lives in memory stays as it is in the parent, and so does the runtime it needs. A fork made
//! in C without Python's hooks is not noticed; one that runs only the child's hook (uWSGI) is like one that could
//! not close anything.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pyo3::prelude::*;
use pyo3::types::IntoPyDict;
use tokio::time::Instant;

use crate::python::runtime::gate;
use crate::python::runtime::process::Process;

/// How long a fork waits for calls in flight, and for engines to close.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits for the threads of the runtime, which have nothing left to do.
const PATIENCE_WITH_THREADS: Duration = Duration::from_secs(1);

/// Puts something away.
pub type PuttingAway<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What must be put away before a fork.
pub trait Forkable: Send + Sync {
    /// Closes what must not go across, until the deadline at most.
    fn put_away(&self, deadline: Instant) -> PuttingAway<'_>;

    /// Whether nothing is left open.
    fn is_put_away(&self) -> bool;

    /// The fork is over, this is the parent.
    fn after_in_parent(&self);

    /// The fork is over, this is the child.
    fn after_in_child(&self);
}

type Registry = Vec<Weak<dyn Forkable>>;

/// Everything that a fork has to think of. Without a lock, which another thread could hold at the fork.
static REGISTRY: ArcSwapOption<Registry> = ArcSwapOption::const_empty();

/// Has a fork think of it, for as long as it lives.
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
            // An object that went out of use meanwhile closes by itself.
            let is_quiet = gate::wait_for_calls(deadline.into_std());
            if is_quiet && all.iter().all(|forkable| forkable.is_put_away()) {
                Process::shut_down(PATIENCE_WITH_THREADS);
            }
        });
    });
}

#[pyfunction]
fn after_fork_in_parent() {
    for forkable in registered() {
        forkable.after_in_parent();
    }
    gate::after_fork_in_parent();
}

#[pyfunction]
fn after_fork_in_child() {
    Process::forget();
    for forkable in registered() {
        forkable.after_in_child();
    }
    gate::after_fork_in_child();
}

/// Has the interpreter call the hooks above. Once, at import.
pub fn install_hooks(py: Python<'_>) -> PyResult<()> {
    // The hooks of whoever registered before run after ours. `logging` takes its lock there, which a call in flight
    // may want while we wait for it.
    py.import("logging")?;
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
