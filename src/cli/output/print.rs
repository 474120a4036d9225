//! What commands print: text for people, or JSON.

use std::io::{StdoutLock, Write};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::cli::output::failure::Failure;
use crate::cli::output::table::Table;
use crate::domain::{Field, User, UserView, Visibility, one_line};

/// Standard output, in the form that was asked for.
pub(in crate::cli) struct Output {
    json: bool,
}

impl Output {
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the result of a command: the text, or the object.
    pub fn result(&self, text: &str, object: &Value) -> Result<(), Failure> {
        let mut stream = Stream::new();
        if self.json {
            stream.line(&object.to_string())?
        } else {
            stream.line(text)?
        }
        stream.finish()
    }

    /// Prints an object: as JSON, or one line a value behind its name.
    pub fn fields(&self, object: Map<String, Value>) -> Result<(), Failure> {
        let rows: Vec<_> = object.iter().map(|(name, value)| [name.clone(), plain(value)]).collect();
        let table = Table::fitting(&rows);
        let lines: Vec<String> = rows.iter().map(|row| table.line(row)).collect();
        self.result(&lines.join("\n"), &Value::Object(object))
    }
}

/// A value for people.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => yes_or_no(*truth).to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How tables show what is or is not.
pub(in crate::cli) const fn yes_or_no(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}

/// Prints a remark on standard error. A closed stream is ignored.
pub(in crate::cli) fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{}", one_line(text)));
}

/// Standard output for results of any length, written as they come.
pub(in crate::cli) struct Stream(std::io::BufWriter<StdoutLock<'static>>);

impl Stream {
    pub fn new() -> Self {
        Self(std::io::BufWriter::new(std::io::stdout().lock()))
    }

    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.0, "{text}").map_err(Failure::Output)
    }

    pub fn finish(mut self) -> Result<(), Failure> {
        self.0.flush().map_err(Failure::Output)
    }
}

/// Prints a JSON array one item a line, never holding more than one.
pub(in crate::cli) struct JsonArray {
    stream: Stream,
    pending: Option<String>,
}

impl JsonArray {
    pub fn begin(mut stream: Stream) -> Result<Self, Failure> {
        stream.line("[")?;
        Ok(Self { stream, pending: None })
    }

    /// An item is written when it is known whether a comma follows it.
    pub fn push(&mut self, item: &Value) -> Result<(), Failure> {
        match self.pending.replace(item.to_string()) {
            Some(earlier) => self.stream.line(&format!("{earlier},")),
            None => Ok(()),
        }
    }

    pub fn end(mut self) -> Result<(), Failure> {
        if let Some(last) = self.pending.take() {
            self.stream.line(&last)?;
        }
        self.stream.line("]")?;
        self.stream.finish()
    }
}

/// A user as an object: what a super-user sees.
pub(in crate::cli) fn user_object(user: User) -> Map<String, Value> {
    let view =
        UserView { user: Arc::new(user), visibility: Visibility::SuperUser, is_current_super_user: true };
    let value = |field| match field {
        Field::None => Value::Null,
        Field::Bool(truth) => Value::Bool(truth),
        Field::Text(text) => Value::from(text),
        Field::Time(time) => Value::from(time.to_string()),
        Field::List(texts) => Value::from(texts),
    };
    let fields = view.fields().into_iter().map(|(name, field)| (name.to_owned(), value(field)));
    fields.collect()
}
