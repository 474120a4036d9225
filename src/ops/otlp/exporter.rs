//! Collects spans, and sends them together. Whoever adds one never waits: where there is no room, it is dropped and counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::config::LogLevel;
use crate::domain::trace::{self, Point, RemoteSpan, Scope, Span, Tracer};
use crate::domain::{Random, one_line};
use crate::ops::journal::Log;
use crate::ops::otlp::client::{Client, NotSent};
use crate::ops::otlp::encode;
use crate::ops::otlp::settings::{Sampler, Settings};

/// How often a message is sent again that the collector has not taken, and how long that waits at first and at most.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long the last spans may take when the process ends.
const CLOSING: Duration = Duration::from_secs(2);

/// Takes the spans of a server.
#[derive(Debug)]
pub(in crate::ops) struct Exporter {
    queue: mpsc::Sender<Span>,
    sampler: Sampler,
    reads_callers: bool,
    random: Arc<dyn Random>,
    /// The number of the last span, before it is mixed.
    last_id: AtomicU64,
    closing: Arc<Notify>,
    sending: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    /// Begins to send, in a task of its own.
    ///
    /// # Errors
    /// What of the settings cannot be used.
    pub fn start(settings: Settings, random: Arc<dyn Random>, log: Arc<Log>) -> Result<Self, String> {
        let client = Client::new(&settings)?;
        let seed = random.bytes().map_err(|error| error.to_string())?;
        let (queue, spans) = mpsc::channel(settings.max_queue);
        let closing = Arc::new(Notify::new());
        let (sampler, reads_callers) = (settings.sampler, settings.reads_callers);
        let sender = Sender { client, settings, log, closing: Arc::clone(&closing), is_broken: false };
        let sending = tokio::spawn(sender.run(spans));
        trace::switch_on();
        Ok(Self {
            queue,
            sampler,
            reads_callers,
            random,
            last_id: AtomicU64::new(u64::from_be_bytes(seed)),
            closing,
            sending: Mutex::new(Some(sending)),
        })
    }

    /// Sends what waits, for a moment at most, and ends.
    pub async fn close(&self) {
        let sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut sending) = sending else { return };
        self.closing.notify_one();
        if timeout(CLOSING, &mut sending).await.is_err() {
            sending.abort();
        }
    }

    /// Whether a trace is recorded, by its number.
    fn is_wanted(&self, trace_id: u128) -> bool {
        let Sampler { ratio, .. } = self.sampler;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of the number is what is meant"
        )]
        let (number, bound) = ((trace_id as u64) >> 1, (ratio * (1_u64 << 63) as f64) as u64);
        ratio >= 1.0 || number < bound
    }
}

impl Tracer for Exporter {
    fn begin(self: Arc<Self>, caller: Option<&RemoteSpan>) -> Scope {
        let caller = caller.filter(|_| self.reads_callers);
        let trace_id = match caller {
            Some(caller) => Ok(caller.trace_id),
            None => self.random.bytes().map(u128::from_be_bytes),
        };
        let Ok(trace_id) = trace_id else { return Scope::Unrecorded };
        let is_wanted = match caller {
            Some(caller) if self.sampler.follows_caller => caller.is_sampled,
            _ => self.is_wanted(trace_id),
        };
        if !is_wanted {
            return Scope::Unrecorded;
        }
        Scope::Recorded(Point {
            tracer: self,
            trace_id,
            parent: caller.map(|caller| caller.span_id),
            state: caller.and_then(|caller| caller.state.clone()),
        })
    }

    fn next_id(&self) -> u64 {
        // SplitMix64: each number comes once, and they look as if they had nothing to do with each other.
        let mut id = self.last_id.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (id ^ (id >> 31)).max(1)
    }

    fn record(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            trace::DROPPED.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let Some(sending) = self.sending.lock().unwrap_or_else(PoisonError::into_inner).take() {
            sending.abort();
        }
    }
}

/// What sends.
struct Sender {
    client: Client,
    settings: Settings,
    log: Arc<Log>,
    closing: Arc<Notify>,
    /// Whether the log says that traces are lost.
    is_broken: bool,
}

impl Sender {
    async fn run(mut self, mut spans: mpsc::Receiver<Span>) {
        let closing = Arc::clone(&self.closing);
        let mut closing = std::pin::pin!(closing.notified());
        let mut is_closing = false;
        loop {
            let mut batch = Vec::new();
            let max = self.settings.max_batch;
            tokio::select! {
                _ = spans.recv_many(&mut batch, max) => {}
                () = &mut closing, if !is_closing => {
                    is_closing = true;
                    spans.close();
                    continue;
                }
            }
            // Nothing comes any more.
            if batch.is_empty() {
                return;
            }
            let end = Instant::now() + self.settings.delay;
            while batch.len() < max && !is_closing {
                let room = max - batch.len();
                tokio::select! {
                    more = timeout_at(end, spans.recv_many(&mut batch, room)) => {
                        if !matches!(more, Ok(1..)) {
                            break;
                        }
                    }
                    () = &mut closing => {
                        is_closing = true;
                        spans.close();
                    }
                }
            }
            self.send(&batch, is_closing).await;
        }
    }

    async fn send(&mut self, batch: &[Span], is_closing: bool) {
        let message = Bytes::from(encode::request(&self.settings.resource, batch));
        let mut pause = FIRST_PAUSE;
        let attempts = if is_closing { 1 } else { ATTEMPTS };
        let mut why = String::new();
        for attempt in 1..=attempts {
            match self.client.send(message.clone()).await {
                Ok(()) => {
                    trace::SENT.fetch_add(batch.len() as u64, Relaxed);
                    if std::mem::take(&mut self.is_broken) {
                        self.log.say(
                            LogLevel::Info,
                            "traces.sent",
                            "the collector of traces takes them again",
                            None,
                        );
                    }
                    return;
                }
                Err(NotSent::ForGood(reason)) => {
                    why = reason;
                    break;
                }
                Err(NotSent::ForNow(reason, after)) => {
                    why = reason;
                    if attempt < attempts {
                        sleep(after.unwrap_or(pause).min(LONGEST_PAUSE)).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        }
        trace::FAILED.fetch_add(batch.len() as u64, Relaxed);
        if !std::mem::replace(&mut self.is_broken, true) {
            let text =
                format!("the collector of traces does not take them, and they are lost: {}", one_line(&why));
            self.log.say(LogLevel::Warning, "traces.lost", &text, None);
        }
    }
}
