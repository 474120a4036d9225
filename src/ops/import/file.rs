//! Users from a file: JSON Lines, or CSV behind a header. Lines are read one by one, and what is held of the file does not
//! grow with it.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use crate::domain::{Code, Error, ImportBatch, ImportRecord, ImportSource, ImportedUser, Result, Unusable};
use crate::ops::import::record::{Members, is_column, may_have_lines, read_user, user_of_row};
use crate::ops::import::told::shown;

/// The longest line that is looked at, in bytes.
const MAX_LINE: usize = 16 << 20;

/// How far a quote that is opened in one line may reach into those behind it, in bytes.
const MAX_QUOTED: usize = 1 << 20;

/// How many bytes of lines make a batch, where they are long.
const MAX_BATCH: u64 = 4 << 20;

/// How much is kept of a line that is too long, in bytes: its username may be in it.
const LOOKED_AT: usize = 4096;

const COMMA: char = ',';

/// What may stand between values, where the header says so by itself.
const DELIMITERS: [char; 4] = [COMMA, ';', '\t', '|'];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How users stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A JSON object a line.
    JsonLines,
    /// Values between commas, semicolons, tabs or bars, behind a line that names them.
    Csv,
}

/// A file, or a stream, of users.
pub struct FileSource(Option<Box<Reading>>);

impl FileSource {
    /// Reads from here. `total` is how many bytes there are, where that is known.
    pub fn new(from: impl Read + Send + 'static, format: FileFormat, total: Option<u64>) -> Self {
        let lines = Lines { reader: BufReader::with_capacity(1 << 16, Box::new(from)), number: 0, read: 0 };
        let reading = Reading {
            lines,
            format,
            total,
            held: VecDeque::new(),
            header: None,
            delimiter: COMMA,
            has_begun: false,
        };
        Self(Some(Box::new(reading)))
    }
}

impl ImportSource for FileSource {
    async fn next_batch(&mut self, limit: usize) -> Result<ImportBatch> {
        // It is gone if an earlier call was given up, and then reading is over.
        let Some(mut reading) = self.0.take() else { return Ok(ImportBatch::default()) };
        let read = move || {
            let batch = reading.next_batch(limit);
            (reading, batch)
        };
        let (reading, batch) = tokio::task::spawn_blocking(read).await.map_err(Error::internal)?;
        self.0 = Some(reading);
        batch
    }
}

struct Reading {
    lines: Lines,
    format: FileFormat,
    total: Option<u64>,
    /// Lines that have been read, and are to be read once more as rows of their own.
    held: VecDeque<Line>,
    header: Option<Vec<String>>,
    /// What stands between the values of a row.
    delimiter: char,
    has_begun: bool,
}

impl Reading {
    fn next_batch(&mut self, limit: usize) -> Result<ImportBatch> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first {
            self.lines.check_encoding()?;
        }
        if self.format == FileFormat::Csv && self.header.is_none() {
            self.header = Some(self.read_header()?);
        }
        let begun_at = self.lines.read;
        let mut records = Vec::new();
        // What is no such file at all is not judged by one long line.
        let mut is_all_foreign = is_first && self.format == FileFormat::JsonLines;
        while records.len() < limit && (is_all_foreign || self.lines.read - begun_at < MAX_BATCH) {
            let record = match self.format {
                FileFormat::JsonLines => self.next_object(&mut is_all_foreign)?,
                FileFormat::Csv => self.next_row()?,
            };
            let Some(record) = record else { break };
            records.push(record);
        }
        if is_all_foreign && !records.is_empty() {
            let detail = "these are not JSON Lines: no line is a JSON object of its own";
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        Ok(ImportBatch { records, done: self.lines.read, total: self.total })
    }

    fn next_object(&mut self, is_all_foreign: &mut bool) -> Result<Option<ImportRecord>> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            let user = match line.text() {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => {
                    *is_all_foreign = *is_all_foreign && Members::parse(text).is_err();
                    read_user(text)
                }
                Err(reason) => Err(Unusable { username: Members::named_in(line.readable()), reason }),
            };
            return Ok(Some(record(line.number, user)));
        }
    }

    fn read_header(&mut self) -> Result<Vec<String>> {
        let refused = |detail: String| Error::refused(Code::CommonInvalidInput, detail);
        let Some(mut line) = self.next_full_line()? else { return Ok(Vec::new()) };
        let wrong = |reason| refused(format!("the first line: {reason}"));
        let named = named_delimiter(line.text().map_err(wrong)?).map_err(wrong)?;
        if named.is_some() {
            line = self.next_full_line()?.ok_or_else(|| refused("there is no header".to_owned()))?;
        }
        let text = line.text().map_err(wrong)?;
        self.delimiter = named.unwrap_or_else(|| delimiter_of(text));
        let Split::Row { cells, .. } = split(text, self.delimiter) else {
            return Err(refused("the first line is no header: a quote in it is not closed".to_owned()));
        };
        let header: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        for (index, name) in header.iter().enumerate() {
            if !is_column(name) {
                let detail = format!("the header names a column that is not known: `{}`", shown(name));
                return Err(refused(detail));
            }
            if header.iter().take(index).any(|earlier| earlier == name) {
                return Err(refused(format!("the header names the column `{}` twice", shown(name))));
            }
        }
        if !header.iter().any(|name| name == "username") {
            return Err(refused("the header names no column `username`".to_owned()));
        }
        Ok(header)
    }

    fn next_full_line(&mut self) -> Result<Option<Line>> {
        loop {
            match self.next_line()? {
                Some(line) if line.is_blank() => {}
                other => return Ok(other),
            }
        }
    }

    fn next_line(&mut self) -> Result<Option<Line>> {
        match self.held.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next(),
        }
    }

    /// A row is a line, or several where a quote reaches over their ends. Where it turns out not to end, or not to make a
    /// row, the first of the lines is at fault, and those behind it are rows of their own.
    fn next_row(&mut self) -> Result<Option<ImportRecord>> {
        let Some(first) = self.next_full_line()? else { return Ok(None) };
        let number = first.number;
        let mut text = match first.text() {
            Ok(text) => text.to_owned(),
            Err(reason) => {
                let header = self.header.as_deref().unwrap_or_default();
                let username = named_in(header, first.readable(), self.delimiter);
                return Ok(Some(record(number, Err(Unusable { username, reason }))));
            }
        };
        let mut behind = Vec::new();
        let split = loop {
            match split(&text, self.delimiter) {
                // What has been looked at is looked at again with twice as many lines.
                Split::Open if self.take_more(&mut behind, &mut text)? => {}
                other => break other,
            }
        };
        let header = self.header.as_deref().unwrap_or_default();
        let (user, used) = match split {
            Split::Row { cells, lines: 1 } => (user_of_row(header, &cells), 0),
            Split::Row { cells, lines } if may_be(header, &cells) => (user_of_row(header, &cells), lines - 1),
            _ => {
                let reason = "a quote in this line is not closed, or closed at the wrong place".to_owned();
                (Err(Unusable { username: named_in(header, first.readable(), self.delimiter), reason }), 0)
            }
        };
        for line in behind.drain(used..).rev() {
            self.held.push_front(line);
        }
        Ok(Some(record(number, user)))
    }

    /// Takes as many lines again as there are, and one; false if there are none, or a quote would reach too far.
    fn take_more(&mut self, behind: &mut Vec<Line>, text: &mut String) -> Result<bool> {
        let had = behind.len();
        while behind.len() <= had * 2 && text.len() < MAX_QUOTED {
            let Some(line) = self.next_line()? else { break };
            let Ok(more) = line.text() else {
                self.held.push_front(line);
                break;
            };
            text.push('\n');
            text.push_str(more);
            behind.push(line);
        }
        Ok(behind.len() > had)
    }
}

/// Whether a row of several lines can be meant: it has all columns, and lines end only where a value may have several.
fn may_be(header: &[String], cells: &[String]) -> bool {
    header.len() == cells.len()
        && header.iter().zip(cells).all(|(name, cell)| !cell.contains('\n') || may_have_lines(name))
}

/// The username in a line that is no row, if it stands in front of what is wrong with it.
fn named_in(header: &[String], line: &str, delimiter: char) -> Option<String> {
    let before = line.find('"').and_then(|quote| line.get(..quote)).unwrap_or(line);
    let Split::Row { mut cells, .. } = split(before, delimiter) else { return None };
    // The last one is not finished.
    cells.pop();
    header.iter().zip(cells).find(|(name, _)| *name == "username").map(|(_, cell)| cell)
}

fn record(line: u64, user: Result<ImportedUser, Unusable>) -> ImportRecord {
    ImportRecord { position: format!("line {line}"), user: user.map(Box::new) }
}

/// The delimiter in a line such as `sep=;`, which spreadsheets write and read in front of the header. None: it is another
/// line.
fn named_delimiter(line: &str) -> Result<Option<char>, String> {
    let line = line.trim_matches(['\u{feff}', '"']);
    let Some(start) = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")) else {
        return Ok(None);
    };
    let mut named = line.trim_start_matches(start).chars();
    match (named.next(), named.next()) {
        (Some(delimiter), None) if !delimiter.is_alphanumeric() && delimiter != '"' => Ok(Some(delimiter)),
        _ => Err("sep= names one character, such as sep=;".to_owned()),
    }
}

/// What stands between the names of a header: that which makes most names of it, `username` among them.
fn delimiter_of(header: &str) -> char {
    let names = |delimiter: char| match split(header, delimiter) {
        Split::Row { cells, .. } if cells.iter().any(|cell| cell.trim() == "username") => cells.len(),
        _ => 0,
    };
    // Of several, the last one would be taken.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| names(*delimiter)).unwrap_or(COMMA)
}

/// What the beginning of some text is.
#[derive(Debug, PartialEq, Eq)]
enum Split {
    /// A row: its values, and how many lines it takes.
    Row { cells: Vec<String>, lines: usize },
    /// It does not end with the text.
    Open,
    /// Something stands behind a quote that was closed.
    Malformed,
}

/// Splits off the first row (RFC 4180). Quotes in a value that does not begin with one are part of it.
fn split(text: &str, delimiter: char) -> Split {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum At {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let (mut cells, mut cell, mut at, mut lines) = (Vec::new(), String::new(), At::Start, 1);
    for c in text.chars() {
        match (at, c) {
            (At::Start, '"') => at = At::Quoted,
            (At::Quoted, '"') => at = At::Closed,
            (At::Quoted, c) => {
                lines += usize::from(c == '\n');
                cell.push(c);
            }
            (At::Closed, '"') => {
                cell.push('"');
                at = At::Quoted;
            }
            (_, '\n') => break,
            (_, c) if c == delimiter => {
                cells.push(std::mem::take(&mut cell));
                at = At::Start;
            }
            (At::Closed, _) => return Split::Malformed,
            (At::Start | At::Plain, c) => {
                cell.push(c);
                at = At::Plain;
            }
        }
    }
    if at == At::Quoted {
        return Split::Open;
    }
    cells.push(cell);
    Split::Row { cells, lines }
}

/// A line without its end. Of one that is too long there is only its beginning.
struct Line {
    number: u64,
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Line {
    fn text(&self) -> Result<&str, String> {
        if self.is_too_long {
            return Err(format!("longer than {MAX_LINE} bytes"));
        }
        std::str::from_utf8(&self.bytes)
            .map_err(|error| format!("not UTF-8: byte {}", error.valid_up_to() + 1))
    }

    /// The text in front of what is not UTF-8.
    fn readable(&self) -> &str {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => text,
            Err(error) => self
                .bytes
                .get(..error.valid_up_to())
                .and_then(|start| std::str::from_utf8(start).ok())
                .unwrap_or_default(),
        }
    }

    fn is_blank(&self) -> bool {
        !self.is_too_long && self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
    read: u64,
}

impl Lines {
    /// Whether it is text at all. What is in UTF-16 begins with a mark.
    fn check_encoding(&mut self) -> Result<()> {
        let start = self.reader.fill_buf().map_err(unreadable)?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            let detail = "it is in UTF-16: convert it to UTF-8";
            return Err(Error::refused(Code::CommonInvalidInput, detail));
        }
        if start.starts_with(BYTE_ORDER_MARK) {
            self.reader.consume(BYTE_ORDER_MARK.len());
            self.read += BYTE_ORDER_MARK.len() as u64;
        }
        Ok(())
    }

    /// The next line. What is too long is read over.
    fn next(&mut self) -> Result<Option<Line>> {
        let mut line = Line { number: self.number + 1, bytes: Vec::new(), is_too_long: false };
        let mut is_there = false;
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(unreadable)?,
            };
            if buffer.is_empty() {
                break;
            }
            is_there = true;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let (part, used) = match end {
                Some(end) => (buffer.get(..end).unwrap_or_default(), end + 1),
                None => (buffer, buffer.len()),
            };
            if line.bytes.len() + part.len() > MAX_LINE {
                line.is_too_long = true;
                line.bytes.truncate(LOOKED_AT);
                line.bytes.shrink_to_fit();
            }
            if !line.is_too_long {
                line.bytes.extend_from_slice(part);
            }
            self.reader.consume(used);
            self.read += used as u64;
            if end.is_some() {
                break;
            }
        }
        if !is_there {
            return Ok(None);
        }
        self.number += 1;
        if line.bytes.last() == Some(&b'\r') {
            line.bytes.pop();
        }
        Ok(Some(line))
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::refused(Code::CommonInvalidInput, format!("it cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str], lines: usize) -> Split {
        Split::Row { cells: cells.iter().map(|&cell| cell.to_owned()).collect(), lines }
    }

    #[test]
    fn rows_are_split_as_the_standard_has_it() {
        let cases = [
            ("a,b", row(&["a", "b"], 1)),
            ("a,,", row(&["a", "", ""], 1)),
            ("", row(&[""], 1)),
            (r#""a,""b""",c"#, row(&[r#"a,"b""#, "c"], 1)),
            ("\"a\nb\",c\nd", row(&["a\nb", "c"], 2)),
            ("a,5\" b\nc", row(&["a", "5\" b"], 1)),
            ("a,\"b", Split::Open),
            ("a,\"b\n\"\"c", Split::Open),
            ("a,\"b\"c", Split::Malformed),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text, COMMA), expected, "{text}");
            let other = |text: &str| text.replace(',', ";");
            let expected = match expected {
                Split::Row { cells, lines } => {
                    Split::Row { cells: cells.iter().map(|cell| other(cell)).collect(), lines }
                }
                other => other,
            };
            assert_eq!(split(&other(text), ';'), expected, "{text}");
        }
    }

    #[test]
    fn the_header_says_what_stands_between_values() {
        for (header, expected) in [
            ("username", ','),
            ("username,email", ','),
            ("username;email", ';'),
            ("\"email\";\"username\"", ';'),
            ("username\temail", '\t'),
            ("username|email", '|'),
            ("username,attr.a;b", ','),
            ("username;attr.a,b;email", ';'),
            ("email;name", ','),
        ] {
            assert_eq!(delimiter_of(header), expected, "{header}");
        }
    }

    #[test]
    fn a_line_of_spreadsheets_says_it_too() {
        for (line, expected) in
            [("sep=;", Some(';')), ("SEP=\t", Some('\t')), ("\"sep=,\"", Some(',')), ("username", None)]
        {
            assert_eq!(named_delimiter(line).unwrap(), expected, "{line}");
        }
        for line in ["sep=", "sep=;;", "sep=a", "sep=ab"] {
            assert!(named_delimiter(line).is_err(), "{line}");
        }
    }
}
