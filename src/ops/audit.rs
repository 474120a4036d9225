//! The audit trail: one entry an operation, as a JSON line and, for security events, in the database.

pub(in crate::ops) mod chain;
pub(in crate::ops) mod keys;
pub(in crate::ops) mod seal;
pub(in crate::ops) mod seen;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::{Audit, AuditTarget};
use crate::domain::{
    AuditEvent, AuditKind, AuditResult, Clock as _, Code, Context, Error, Operation, Result, SystemClock,
    Timestamp, UserId, without_controls,
};
use crate::ops::journal::{Journal, Log, Reporting};
use crate::ops::sink::{Sink, Target};

/// The longest name of an application that is kept, in characters.
const MAX_APP_LENGTH: usize = 128;

/// Where entries go beside the database.
#[derive(Debug)]
pub(super) enum AuditLog {
    Lines(Sink),
    Journal(Arc<dyn Journal>),
    Off,
}

impl AuditLog {
    /// Opens what configuration names; what becomes of it is told to the log.
    pub fn open(config: &Audit, reporting: &Reporting, log: &Arc<Log>) -> Result<Self, String> {
        let journal = match reporting {
            Reporting::To(journal) => Some(journal),
            Reporting::Off | Reporting::Server => None,
        };
        let target = match (config.target(journal.is_some()), journal) {
            (AuditTarget::Off, _) => return Ok(Self::Off),
            (AuditTarget::Logging, Some(journal)) => return Ok(Self::Journal(Arc::clone(journal))),
            (AuditTarget::Logging | AuditTarget::Stderr, _) => Target::Stderr,
            (AuditTarget::File(path), _) => Target::File(path),
        };
        let log = Arc::clone(log);
        Sink::open(target, remark, Box::new(move |change| log.say_change(change))).map(Self::Lines)
    }

    /// Writes the line of an entry, in one piece. A log that cannot be written to does not stop the service.
    pub fn write(&self, trail: &Trail) {
        match self {
            Self::Off => {}
            Self::Lines(sink) => sink.send(&format!("{}\n", json(&trail.event))),
            Self::Journal(journal) => journal.audit(&trail.event, &json(&trail.event)),
        }
    }

    /// Ends the entry of what happens beside any call, at this time: a line, and nothing in the database.
    pub fn tell(&self, mut trail: Trail, now: Timestamp, outcome: Result<(), &str>) {
        trail.event.time = now;
        if let Err(why) = outcome {
            trail.event.result = AuditResult::Refused(Code::CommonInternalError);
            trail.note("error", why);
        }
        self.write(&trail);
    }

    /// The way out, if lines are written here.
    pub const fn sink(&self) -> Option<&Sink> {
        match self {
            Self::Lines(sink) => Some(sink),
            Self::Journal(_) | Self::Off => None,
        }
    }
}

fn remark(lost: u64) -> String {
    let result = Code::CommonInternalError.as_str();
    let line = json!({
        "time": SystemClock.now().to_string(),
        "cid": "",
        "op": "audit.lost",
        "current_user": null,
        "target_user": null,
        "result": result,
        "how": "system",
        "extra": {"lines": lost},
    });
    format!("{line}\n")
}

/// The audit entry of an operation under way: what is known of it so far.
#[derive(Debug)]
pub(super) struct Trail {
    pub event: AuditEvent,
    /// Whether the entry is in the database, committed with what it is about.
    pub is_committed: bool,
    /// Whether there is nothing to say, unless the operation fails after all.
    pub is_left_out: bool,
    /// Whether the transaction has put anything into the outbox.
    pub has_mail: bool,
}

impl Trail {
    /// The entry of what begins now.
    pub fn new(ctx: &Context, operation: Operation, now: Timestamp) -> Self {
        let event = AuditEvent {
            time: now,
            cid: ctx.cid.clone(),
            op: operation.name(),
            kind: operation.kind(),
            current_user: None,
            target_user: None,
            result: AuditResult::Ok,
            current_app: clean_app(&ctx.current_app),
            remote_addr: ctx.remote_addr.clone(),
            how: None,
            extra: Vec::new(),
        };
        Self { event, is_committed: false, is_left_out: false, has_mail: false }
    }

    pub fn by(&mut self, user_id: &UserId) {
        self.event.current_user = Some(user_id.clone());
    }

    pub fn on(&mut self, user_id: &UserId) {
        self.event.target_user = Some(user_id.clone());
    }

    /// What a caller reads is their own, which is no disclosure. Changes stay what they are.
    pub fn is_of_oneself(&mut self) {
        if self.event.kind == AuditKind::Disclosure {
            self.event.kind = AuditKind::SessionCheck;
        }
    }

    /// It turned out to be a renewal, whose history the session itself keeps.
    pub const fn count_as_activity(&mut self) {
        self.event.kind = AuditKind::Activity;
    }

    /// The operation had nothing to do: there is no entry.
    pub const fn leave_out(&mut self) {
        self.is_left_out = true;
    }

    /// The operation failed. Whether that is a refusal, which the database keeps, and not a fault.
    pub fn fail(&mut self, error: &Error) -> bool {
        match error {
            Error::Refused { .. } | Error::RateLimited { .. } => {
                self.event.result = AuditResult::Refused(error.code());
                true
            }
            Error::Overloaded(_) | Error::Unavailable(_) | Error::Internal(_) => {
                self.event.result = AuditResult::Refused(error.code());
                self.note("error", error.to_string());
                false
            }
        }
    }

    /// An email is given up: that is kept in the database, too.
    pub fn give_up(&mut self, why: &str) {
        self.event.kind = AuditKind::Change;
        self.event.result = AuditResult::Refused(Code::CommonInternalError);
        self.note("error", format!("given up: {why}"));
    }

    /// What else there is to know, as JSON.
    pub fn extra(&self) -> String {
        extra(&self.event).to_string()
    }

    /// Whether there is a note of this name.
    pub fn has(&self, name: &str) -> bool {
        self.event.extra.iter().any(|(known, _)| *known == name)
    }

    pub fn note(&mut self, name: &'static str, value: impl Into<String>) {
        self.event.extra.push((name, value.into()));
    }
}

/// An application's name as it is stored: any text that the caller sent, also where that is why the call was rejected.
fn clean_app(name: &str) -> String {
    without_controls(name, MAX_APP_LENGTH)
}

fn extra(event: &AuditEvent) -> Value {
    event.extra.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect()
}

/// All of an entry.
fn json(event: &AuditEvent) -> Value {
    let mut all = Map::new();
    all.insert("current_app".into(), json!(event.current_app));
    all.insert("remote_addr".into(), json!(event.remote_addr.joined()));
    if let Value::Object(more) = extra(event) {
        all.extend(more);
    }
    json!({
        "time": event.time.to_string(),
        "cid": event.cid.as_str(),
        "op": event.op,
        "current_user": event.current_user.as_ref().map(UserId::as_str),
        "target_user": event.target_user.as_ref().map(UserId::as_str),
        "result": event.result.as_str(),
        "how": event.how,
        "extra": all,
    })
}
