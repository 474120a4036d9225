//! The audit trail: one entry an operation, as a JSON line and, for security events, in the database.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::Sso;
use crate::config::AuditFile;
use crate::domain::{
    AuditEvent, AuditKind, AuditResult, Code, Context, Error, Result, Timestamp, UserId, time_ordered_uuid,
};
use crate::store::{self, Tx};

/// The longest name of an application that is kept, in characters.
const MAX_APP_LENGTH: usize = 128;

/// Where JSON lines go.
#[derive(Debug)]
pub(super) enum Log {
    Stderr,
    File(Mutex<File>),
    Off,
}

impl Log {
    /// Opens what configuration names. A file is appended to, and made if missing, for its owner to read.
    pub fn open(target: &AuditFile) -> Result<Self, String> {
        let path = match target {
            AuditFile::Stderr => return Ok(Self::Stderr),
            AuditFile::Off => return Ok(Self::Off),
            AuditFile::File(path) => path,
        };
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file =
            options.open(path).map_err(|error| format!("cannot write to {}: {error}", path.display()))?;
        Ok(Self::File(Mutex::new(file)))
    }

    /// Writes one line, in one piece. A log that cannot be written to does not stop the service.
    fn write(&self, line: &str) {
        let line = format!("{line}\n");
        let written = match self {
            Self::Off => return,
            Self::Stderr => std::io::stderr().lock().write_all(line.as_bytes()),
            Self::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.write_all(line.as_bytes())
            }
        };
        drop(written);
    }
}

impl Log {
    /// Ends the entry of what happens beside any call, at this time: a line, and nothing in the database.
    pub fn tell(&self, mut trail: Trail, now: Timestamp, outcome: Result<(), &str>) {
        trail.event.time = now;
        if let Err(why) = outcome {
            trail.event.result = AuditResult::Refused(Code::CommonInternalError);
            trail.note("error", why);
        }
        self.write(&json_line(&trail.event));
    }
}

/// The audit entry of an operation under way: what is known of it so far.
#[derive(Debug)]
pub(super) struct Trail {
    event: AuditEvent,
    is_committed: bool,
}

impl Trail {
    /// The entry of what begins now.
    pub fn new(ctx: &Context, op: &'static str, kind: AuditKind, now: Timestamp) -> Self {
        let event = AuditEvent {
            time: now,
            cid: ctx.cid.clone(),
            op,
            kind,
            current_user: None,
            target_user: None,
            result: AuditResult::Ok,
            current_app: clean_app(&ctx.current_app),
            remote_addr: ctx.remote_addr.clone(),
            extra: Vec::new(),
        };
        Self { event, is_committed: false }
    }

    pub fn by(&mut self, user_id: &UserId) {
        self.event.current_user = Some(user_id.clone());
    }

    pub fn on(&mut self, user_id: &UserId) {
        self.event.target_user = Some(user_id.clone());
    }

    /// It turned out to be a renewal, whose history the session itself keeps.
    pub const fn is_activity(&mut self) {
        self.event.kind = AuditKind::Activity;
    }

    pub fn note(&mut self, name: &'static str, value: impl Into<String>) {
        self.event.extra.push((name, value.into()));
    }
}

impl Sso {
    /// Starts the entry of an operation.
    pub(super) fn trail(&self, ctx: &Context, op: &'static str, kind: AuditKind) -> Trail {
        Trail::new(ctx, op, kind, self.now())
    }

    /// Commits an operation's changes together with its entry: there is never one without the other.
    pub(super) async fn commit(&self, mut tx: Tx, trail: &mut Trail) -> Result<()> {
        self.insert(&mut tx, &trail.event).await?;
        tx.commit().await?;
        trail.is_committed = true;
        Ok(())
    }

    /// Ends an operation: a refusal, or a success that changed nothing, is recorded now.
    pub(super) async fn conclude<T>(&self, mut trail: Trail, outcome: Result<T>) -> Result<T> {
        match &outcome {
            Ok(_) if trail.is_committed => {}
            Ok(_) => {
                if trail.event.kind == AuditKind::SessionCheck && !self.config().audit.session_checks {
                    return outcome;
                }
                self.record_alone(&trail.event).await?;
            }
            Err(error @ (Error::Refused { .. } | Error::RateLimited { .. })) => {
                trail.event.result = AuditResult::Refused(error.code());
                // The refusal stands whether or not it could be recorded.
                if let Err(failed) = self.record_alone(&trail.event).await {
                    trail.note("audit_error", failed.to_string());
                }
            }
            Err(error @ (Error::Unavailable(_) | Error::Internal(_))) => {
                trail.event.result = AuditResult::Refused(Code::CommonInternalError);
                trail.note("error", error.to_string());
            }
        }
        self.core.audit.write(&json_line(&trail.event));
        outcome
    }

    async fn record_alone(&self, event: &AuditEvent) -> Result<()> {
        if !self.is_for_database(event) {
            return Ok(());
        }
        let mut tx = self.db().write().await?;
        self.insert(&mut tx, event).await?;
        tx.commit().await
    }

    fn is_for_database(&self, event: &AuditEvent) -> bool {
        self.config().audit.to_database
            && match event.kind {
                AuditKind::Change | AuditKind::Disclosure => true,
                AuditKind::Activity | AuditKind::SessionCheck => false,
            }
    }

    async fn insert(&self, tx: &mut Tx, event: &AuditEvent) -> Result<()> {
        if !self.is_for_database(event) {
            return Ok(());
        }
        let audit_id = time_ordered_uuid(event.time, &*self.core.random)?;
        store::audit::insert(tx, audit_id, event, &extra(event).to_string()).await
    }
}

/// An application's name as it is kept: it is whatever the caller sent, also where that is why the call was refused.
fn clean_app(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_APP_LENGTH).collect()
}

fn extra(event: &AuditEvent) -> Value {
    event.extra.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect()
}

fn json_line(event: &AuditEvent) -> String {
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
        "extra": all,
    })
    .to_string()
}
