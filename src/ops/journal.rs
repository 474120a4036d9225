//! The log of a process: what happens to it, as opposed to what is done with it, which is audited. Never a secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::config::{LogFile, LogLevel};
use crate::domain::{AuditEvent, Cid, Clock as _, SystemClock};
use crate::ops::sink::{Change, Sink, Target};

/// Who takes the log and the audit entries of an embedded object.
pub trait Journal: fmt::Debug + Send + Sync {
    /// An audit entry, with all of it as JSON.
    fn audit(&self, event: &AuditEvent, entry: &Value);

    /// Something that happened, whose name is `event`.
    fn log(&self, level: LogLevel, event: &'static str, text: &str, cid: Option<&Cid>);
}

/// Where the log goes.
#[derive(Clone, Debug, Default)]
pub enum Reporting {
    /// Nowhere: who calls learns of what goes wrong.
    #[default]
    Off,
    /// Where `log.file` says: this is a server.
    Server,
    /// To the program that this is embedded in, as do audit entries, unless `audit.sink` says otherwise.
    To(Arc<dyn Journal>),
}

/// The log.
#[derive(Debug)]
pub struct Log {
    level: LogLevel,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Off,
    Lines(Sink),
    Journal(Arc<dyn Journal>),
}

impl Log {
    pub(in crate::ops) fn open(
        reporting: &Reporting,
        file: &LogFile,
        level: LogLevel,
    ) -> Result<Self, String> {
        let lines = |target| {
            // Nobody can be told that this log is broken, but whoever asks for the server's state.
            Sink::open(target, remark, Box::new(|_| {})).map(Way::Lines)
        };
        let way = match (reporting, file) {
            (Reporting::Off, _) | (Reporting::Server, LogFile::Off) => Way::Off,
            (Reporting::Server, LogFile::Stdout) => lines(Target::Stdout)?,
            (Reporting::Server, LogFile::Stderr) => lines(Target::Stderr)?,
            (Reporting::Server, LogFile::File(path)) => lines(Target::File(path.clone()))?,
            (Reporting::To(journal), _) => Way::Journal(Arc::clone(journal)),
        };
        Ok(Self { level, way })
    }

    /// Says something, unless the level is below what configuration wants.
    pub fn say(&self, level: LogLevel, event: &'static str, text: &str, cid: Option<&Cid>) {
        if level > self.level || level == LogLevel::Off {
            return;
        }
        match &self.way {
            Way::Off => {}
            Way::Lines(sink) => sink.send(&line(level, event, text, cid)),
            Way::Journal(journal) => journal.log(level, event, text, cid),
        }
    }

    /// What has become of the audit log.
    pub(in crate::ops) fn say_change(&self, change: Change) {
        match change {
            Change::Broken(why) => {
                let text = format!("audit entries {why}; they wait in memory as far as there is room");
                self.say(LogLevel::Error, "audit.broken", &text, None);
            }
            Change::Mended(lost) => {
                let text = format!("audit entries are written again; {lost} lines were lost");
                self.say(LogLevel::Warning, "audit.mended", &text, None);
            }
        }
    }

    pub(in crate::ops) fn reopen(&self) -> Result<(), String> {
        match &self.way {
            Way::Lines(sink) => sink.reopen(),
            Way::Off | Way::Journal(_) => Ok(()),
        }
    }

    /// How many lines were lost.
    pub(in crate::ops) fn lost(&self) -> u64 {
        match &self.way {
            Way::Lines(sink) => sink.lost(),
            Way::Off | Way::Journal(_) => 0,
        }
    }

    pub(in crate::ops) fn close(&self, patience: Duration) {
        if let Way::Lines(sink) = &self.way {
            sink.close(patience);
        }
    }
}

fn remark(lost: u64) -> String {
    let text = format!("{lost} lines of this log were lost: they could not be written, or nobody read them");
    line(LogLevel::Warning, "log.lost", &text, None)
}

fn line(level: LogLevel, event: &str, text: &str, cid: Option<&Cid>) -> String {
    let mut all = Map::new();
    all.insert("time".to_owned(), SystemClock.now().to_string().into());
    all.insert("level".to_owned(), level.as_str().into());
    all.insert("event".to_owned(), event.into());
    if let Some(cid) = cid {
        all.insert("cid".to_owned(), cid.as_str().into());
    }
    all.insert("text".to_owned(), text.into());
    format!("{}\n", json!(all))
}
