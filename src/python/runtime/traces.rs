//! Spans of embedded objects, on their way to the OpenTelemetry of the Python process. Python makes the spans: those of a call
//! are collected, and handed over together when the first of them has ended, as its log is.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

use crate::config::OtelPython;
use crate::domain::trace::{self, Note, Point, RemoteSpan, Scope, Span, SpanKind, Tracer};
use crate::python::runtime::journal;
use crate::python::runtime::work::Call;

/// The module of ours that makes the spans.
const MODULE: &str = "zato_sso._otel";

/// What a process imports that uses OpenTelemetry.
const API: &str = "opentelemetry.trace";

/// The headers that name the span of a caller.
const HEADERS: [&str; 2] = ["traceparent", "tracestate"];

/// How many spans of one call are kept at most: an import of users may have any number of them.
const MOST: usize = 1_000;

/// About as many bytes as a span takes.
const SPAN_BYTES: usize = 500;

/// Whether the calls of an object are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traces {
    is_on: bool,
}

impl Traces {
    /// As configuration says.
    ///
    /// # Errors
    /// `ValueError` where there are to be traces, and OpenTelemetry is not installed.
    pub fn new(py: Python<'_>, wanted: OtelPython) -> PyResult<Self> {
        let is_on = match wanted {
            OtelPython::Off => false,
            OtelPython::On => true,
            OtelPython::Auto => py.import("sys")?.getattr("modules")?.contains(API)?,
        };
        if is_on {
            match py.import(MODULE) {
                Ok(_) => trace::switch_on(),
                Err(_) if wanted == OtelPython::Auto => return Ok(Self { is_on: false }),
                Err(error) => {
                    let problem = format!("otel.python: {error}; pip install 'zato-sso[otel]'");
                    return Err(PyValueError::new_err(problem));
                }
            }
        }
        Ok(Self { is_on })
    }

    /// A call in the scope that it is made in: that of the span which is current on this thread, or in this task.
    pub fn record(self, py: Python<'_>, call: Call) -> Call {
        match self.scope(py, &[]) {
            None => call,
            scope => Box::pin(trace::within(scope, call)),
        }
    }

    /// The scope of what begins now on this thread or task; None where nothing is recorded. With the headers of a request it is
    /// below the span that they name, if none is current.
    pub fn scope(self, py: Python<'_>, headers: &[(Vec<u8>, Vec<u8>)]) -> Option<Scope> {
        if !self.is_on {
            return None;
        }
        match context(py, headers) {
            Ok(None) => Some(Scope::Unrecorded),
            Ok(Some(context)) => {
                let call = CallTrace {
                    context: Arc::new(context),
                    spans: Mutex::default(),
                    last_id: AtomicU64::default(),
                };
                Some(Arc::new(call).begin(None))
            }
            // Nothing depends on traces.
            Err(error) => {
                error.write_unraisable(py, None);
                Some(Scope::Unrecorded)
            }
        }
    }
}

/// The Python context that spans belong to; None where they are not wanted.
fn context(py: Python<'_>, headers: &[(Vec<u8>, Vec<u8>)]) -> PyResult<Option<Py<PyAny>>> {
    static CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let named = PyDict::new(py);
    for (name, value) in headers {
        if let Some(known) = HEADERS.iter().find(|known| name.eq_ignore_ascii_case(known.as_bytes()))
            && let Ok(value) = std::str::from_utf8(value)
        {
            named.set_item(known, value)?;
        }
    }
    let context = CONTEXT.import(py, MODULE, "context")?.call1((named,))?;
    Ok((!context.is_none()).then(|| context.unbind()))
}

/// The spans of a call, as far as they have ended.
struct CallTrace {
    context: Arc<Py<PyAny>>,
    spans: Mutex<Vec<Span>>,
    last_id: AtomicU64,
}

impl fmt::Debug for CallTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallTrace").finish_non_exhaustive()
    }
}

impl Tracer for CallTrace {
    fn begin(self: Arc<Self>, _: Option<&RemoteSpan>) -> Scope {
        Scope::Recorded(Point { tracer: self, trace_id: 0, parent: None, state: None })
    }

    fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed).wrapping_add(1)
    }

    fn record(&self, span: Span) {
        let is_whole = span.parent.is_none();
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() >= MOST && !is_whole {
            trace::DROPPED.fetch_add(1, Relaxed);
            return;
        }
        spans.push(span);
        if is_whole {
            let spans = std::mem::take(&mut *spans);
            let (count, context) = (spans.len(), Arc::clone(&self.context));
            let give = Box::new(move |py: Python<'_>| give(py, &context, &spans));
            if !journal::enqueue_errand(count.saturating_mul(SPAN_BYTES), give) {
                trace::DROPPED.fetch_add(count as u64, Relaxed);
            }
        }
    }
}

/// Has Python make the spans: those above first.
fn give(py: Python<'_>, context: &Py<PyAny>, spans: &[Span]) -> PyResult<()> {
    static GIVE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = PyList::empty(py);
    // What is above has a smaller number: it began earlier.
    let mut order: Vec<&Span> = spans.iter().collect();
    order.sort_unstable_by_key(|span| span.span_id);
    for span in order {
        let notes = PyDict::new(py);
        for (name, value) in &span.notes {
            match value {
                Note::Text(text) => notes.set_item(name, text.as_ref())?,
                Note::Number(number) => notes.set_item(name, number)?,
                Note::Real(number) => notes.set_item(name, number)?,
            }
        }
        let kind = match span.kind {
            SpanKind::Internal => "INTERNAL",
            SpanKind::Server => "SERVER",
            SpanKind::Client => "CLIENT",
        };
        let start = span.start.as_micros().saturating_mul(1000);
        let end = start.saturating_add(i64::try_from(span.duration.as_nanos()).unwrap_or(0));
        made.append((
            span.span_id,
            span.parent,
            span.name.as_ref(),
            kind,
            start,
            end,
            notes,
            span.is_failed,
        ))?;
    }
    GIVE.import(py, MODULE, "give")?.call1((context, made)).map(drop)?;
    trace::SENT.fetch_add(spans.len() as u64, Relaxed);
    Ok(())
}
