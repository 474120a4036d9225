//! Traces: which part of the work took how long, as spans of OpenTelemetry. A span never holds a secret, a name of a user, or
//! an argument of a statement.
//!
//! A face sets the [`Scope`] of the work that it begins; the floors below add their spans to the scope that they are in.
//! Until somebody makes a tracer, all of that is one look at an atomic.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::domain::{Clock as _, SystemClock, Timestamp};

/// Spans of this process that the collector has taken, those that it has not taken, and those for which there was no room.
pub static SENT: AtomicU64 = AtomicU64::new(0);
/// See [`SENT`].
pub static FAILED: AtomicU64 = AtomicU64::new(0);
/// See [`SENT`].
pub static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Whether there has ever been a tracer in this process.
static IS_ON: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The scope of the work that this thread does now.
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// What takes spans.
pub trait Tracer: fmt::Debug + Send + Sync {
    /// The scope of new work: below the span of a caller elsewhere, or the beginning of a trace. Decides whether the work is
    /// recorded.
    fn begin(self: Arc<Self>, caller: Option<&RemoteSpan>) -> Scope;

    /// A number for a span, which no other span of its trace has; not zero.
    fn next_id(&self) -> u64;

    /// Takes a span that has ended. It does not wait.
    fn record(&self, span: Span);
}

/// Where work belongs.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Into a trace that nobody wants.
    Unrecorded,
    /// Below this point of a trace.
    Recorded(Point),
}

/// A point of a trace, below which there are spans.
#[derive(Clone, Debug)]
pub struct Point {
    /// What takes them.
    pub tracer: Arc<dyn Tracer>,
    /// The number of the trace.
    pub trace_id: u128,
    /// The span above; None at the beginning of a trace.
    pub parent: Option<u64>,
    /// What vendors of tracing tell each other (`tracestate`), which goes along unread.
    pub state: Option<Arc<str>>,
}

/// The part that a span has in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Work within the process.
    Internal,
    /// A request, answered.
    Server,
    /// A request to something else, such as a database.
    Client,
}

/// A value that is noted in a span.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A text.
    Text(Cow<'static, str>),
    /// A whole number.
    Number(i64),
    /// A number.
    Real(f64),
}

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The number of its trace.
    pub trace_id: u128,
    /// Its own number.
    pub span_id: u64,
    /// The span above.
    pub parent: Option<u64>,
    /// As [`Point::state`].
    pub state: Option<Arc<str>>,
    /// What it is.
    pub name: Cow<'static, str>,
    /// Its part.
    pub kind: SpanKind,
    /// When it began.
    pub start: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// What was noted.
    pub notes: Vec<(&'static str, Note)>,
    /// Whether it has failed by a fault; a refusal is none.
    pub is_failed: bool,
}

/// A span that is under way. It ends when this is dropped.
#[derive(Debug)]
pub struct OpenSpan {
    tracer: Arc<dyn Tracer>,
    begun: Instant,
    /// Taken by `drop` only.
    span: Option<Span>,
}

/// From here on scopes are looked at.
pub fn switch_on() {
    IS_ON.store(true, Relaxed);
}

/// Whether there has ever been a tracer in this process.
#[must_use]
pub fn is_on() -> bool {
    IS_ON.load(Relaxed)
}

/// The scope of the work that is done now.
#[must_use]
pub fn scope() -> Option<Scope> {
    if !is_on() {
        return None;
    }
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The point of a trace that the work is at which is done now, where it is recorded.
#[must_use]
pub fn point() -> Option<Point> {
    match scope()? {
        Scope::Recorded(point) => Some(point),
        Scope::Unrecorded => None,
    }
}

pin_project! {
    /// Work in a scope.
    pub struct Scoped<F> {
        scope: Option<Scope>,
        #[pin]
        work: F,
    }
}

/// Does work in a scope. None: in the one that there is.
pub const fn within<F: Future>(scope: Option<Scope>, work: F) -> Scoped<F> {
    Scoped { scope, work }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        struct Back(Option<Scope>);
        impl Drop for Back {
            fn drop(&mut self) {
                set(self.0.take());
            }
        }
        let this = self.project();
        let Some(scope) = this.scope else { return this.work.poll(cx) };
        let _back = Back(set(Some(scope.clone())));
        this.work.poll(cx)
    }
}

/// Sets the scope of this thread, and returns the one before.
fn set(scope: Option<Scope>) -> Option<Scope> {
    CURRENT.try_with(|current| current.replace(scope)).ok().flatten()
}

impl Point {
    /// Begins a span here.
    #[must_use]
    pub fn begin(&self, name: impl Into<Cow<'static, str>>, kind: SpanKind) -> OpenSpan {
        let span = Span {
            trace_id: self.trace_id,
            span_id: self.tracer.next_id(),
            parent: self.parent,
            state: self.state.clone(),
            name: name.into(),
            kind,
            start: SystemClock.now(),
            duration: Duration::ZERO,
            notes: Vec::new(),
            is_failed: false,
        };
        OpenSpan { tracer: Arc::clone(&self.tracer), begun: Instant::now(), span: Some(span) }
    }
}

impl OpenSpan {
    /// The scope of what is part of this span.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        let Span { trace_id, span_id, state, .. } = self.span.as_ref()?;
        Some(Scope::Recorded(Point {
            tracer: Arc::clone(&self.tracer),
            trace_id: *trace_id,
            parent: Some(*span_id),
            state: state.clone(),
        }))
    }

    /// Notes a value, once for each name.
    pub fn note(&mut self, name: &'static str, value: Note) {
        if let Some(span) = &mut self.span {
            span.notes.push((name, value));
        }
    }

    /// Notes a text.
    pub fn text(&mut self, name: &'static str, text: impl Into<Cow<'static, str>>) {
        self.note(name, Note::Text(text.into()));
    }

    /// Names the span anew.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.span {
            span.name = name.into();
        }
    }

    /// It has failed: this kind of fault.
    pub fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        self.text("error.type", kind);
        if let Some(span) = &mut self.span {
            span.is_failed = true;
        }
    }

    /// It began earlier, so long ago.
    pub fn move_back(&mut self, by: Duration) {
        if let (Some(span), Some(begun)) = (&mut self.span, self.begun.checked_sub(by)) {
            let micros = i64::try_from(by.as_micros()).unwrap_or(0);
            span.start = Timestamp::from_micros(span.start.as_micros().saturating_sub(micros));
            self.begun = begun;
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.duration = self.begun.elapsed();
            self.tracer.record(span);
        }
    }
}

/// The span of a caller elsewhere, as a request names it (W3C Trace Context, `traceparent` and `tracestate`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSpan {
    /// The number of its trace.
    pub trace_id: u128,
    /// Its own number.
    pub span_id: u64,
    /// Whether the caller records the trace.
    pub is_sampled: bool,
    /// As [`Point::state`].
    pub state: Option<Arc<str>>,
}

impl RemoteSpan {
    /// Reads both headers. None where the first is not as the standard has it: the request then begins a trace.
    #[must_use]
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version = hexadecimal(version, 2)?;
        // Later versions may have more behind the flags.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let trace_id = hexadecimal(trace_id, 32).filter(|id| *id != 0)?;
        let span_id = hexadecimal(span_id, 16).and_then(|id| u64::try_from(id).ok()).filter(|id| *id != 0)?;
        let is_sampled = hexadecimal(flags, 2)? & 1 == 1;
        let state = tracestate.filter(|state| is_state(state)).map(Arc::from);
        Some(Self { trace_id, span_id, is_sampled, state })
    }
}

/// So many digits, in lower case as the standard has them.
fn hexadecimal(digits: &str, count: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (digits.len() == count && digits.bytes().all(is_digit)).then(|| u128::from_str_radix(digits, 16).ok())?
}

/// Whether it can go along: not too long, and nothing but what the standard allows in it.
fn is_state(state: &str) -> bool {
    (1..=512).contains(&state.len()) && state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_span_of_a_caller_is_read_as_the_standard_has_it() {
        let read = RemoteSpan::parse(PARENT, Some("vendor=1")).unwrap();
        assert_eq!(read.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!((read.span_id, read.is_sampled), (0xb7ad_6b71_6920_3331, true));
        assert_eq!(read.state.as_deref(), Some("vendor=1"));
        assert!(!RemoteSpan::parse(&PARENT.replace("-01", "-00"), None).unwrap().is_sampled);
        assert!(RemoteSpan::parse(&format!("{}-more", PARENT.replace("00-0", "01-0")), None).is_some());
        let long = "x".repeat(513);
        for state in ["", "\u{e9}", "a\nb", &long] {
            assert_eq!(RemoteSpan::parse(PARENT, Some(state)).unwrap().state, None, "{state}");
        }
        for wrong in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-+1",
        ] {
            assert_eq!(RemoteSpan::parse(wrong, None), None, "{wrong}");
        }
    }

    #[derive(Debug, Default)]
    struct Kept(std::sync::Mutex<Vec<Span>>);

    impl Tracer for Kept {
        fn begin(self: Arc<Self>, _: Option<&RemoteSpan>) -> Scope {
            switch_on();
            Scope::Recorded(Point { tracer: self, trace_id: 7, parent: None, state: None })
        }

        fn next_id(&self) -> u64 {
            static NEXT: AtomicU64 = AtomicU64::new(1);
            NEXT.fetch_add(1, Relaxed)
        }

        fn record(&self, span: Span) {
            self.0.lock().unwrap().push(span);
        }
    }

    #[tokio::test]
    async fn spans_are_below_the_scope_that_they_are_in() {
        let kept = Arc::new(Kept::default());
        let outer = Arc::clone(&kept).begin(None);
        within(Some(outer), async {
            let mut above = point().unwrap().begin("above", SpanKind::Server);
            within(above.scope(), async {
                tokio::task::yield_now().await;
                drop(point().unwrap().begin("below", SpanKind::Internal));
                within(Some(Scope::Unrecorded), async { assert!(point().is_none()) }).await;
            })
            .await;
            above.fail("500");
            above.move_back(Duration::from_secs(1));
        })
        .await;
        assert!(scope().is_none());
        let spans = kept.0.lock().unwrap();
        let [below, above] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!((below.name.as_ref(), below.parent), ("below", Some(above.span_id)));
        assert_eq!((above.name.as_ref(), above.parent, above.is_failed), ("above", None, true));
        assert!(above.duration >= Duration::from_secs(1) && above.start < below.start);
    }
}
