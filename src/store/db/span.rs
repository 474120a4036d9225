//! The spans of statements. Their text holds no argument: these stand in a place of their own.

use crate::domain::Result;
use crate::domain::trace::{OpenSpan, Point, SpanKind};

/// What the ends of a transaction are called in spans, also where it shares one with others.
pub(in crate::store) const BEGIN: &str = "BEGIN";
pub(in crate::store) const COMMIT: &str = "COMMIT";

/// The words behind which a statement names its table.
const BEFORE_TABLE: [&str; 4] = ["FROM", "INTO", "UPDATE", "TABLE"];

/// The words that say what a statement does which begins with `WITH`.
const MAIN: [&str; 4] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];

/// The tables of the schema begin with it.
const OURS: &str = "sso_";

/// Begins the span of a statement.
pub(in crate::store) fn statement_span(point: &Point, is_sqlite: bool, text: &str) -> OpenSpan {
    let (operation, table) = summary(text);
    let name = match table {
        Some(table) => format!("{operation} {table}"),
        None => operation.to_owned(),
    };
    let mut span = point.begin(name, SpanKind::Client);
    span.text("db.system.name", if is_sqlite { "sqlite" } else { "postgresql" });
    span.text("db.operation.name", operation.to_owned());
    if let Some(table) = table {
        span.text("db.collection.name", table.to_owned());
    }
    span.text("db.query.text", text.to_owned());
    span
}

/// Ends a span.
pub(in crate::store) fn ended<T>(span: Option<OpenSpan>, outcome: &Result<T>) {
    if let (Some(mut span), Err(error)) = (span, outcome) {
        span.fail(error.kind());
    }
}

/// What a statement does, and the first of our tables that it does it with.
fn summary(text: &str) -> (&str, Option<&str>) {
    let first = text.split(is_between).find(|word| !word.is_empty()).unwrap_or("statement");
    let main = if first == "WITH" { behind_with(text) } else { text };
    let operation = main.split(is_between).find(|word| !word.is_empty()).unwrap_or(first);
    (operation, table_in(main).or_else(|| table_in(text)))
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';')
}

/// A statement from the word on that stands outside of all brackets, behind what `WITH` names.
fn behind_with(text: &str) -> &str {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let rest = text.get(at..).unwrap_or_default();
        if depth == 0 && c.is_ascii_uppercase() && MAIN.iter().any(|word| rest.starts_with(word)) {
            return rest;
        }
    }
    text
}

fn table_in(text: &str) -> Option<&str> {
    let mut is_next = false;
    text.split(is_between).filter(|word| !word.is_empty()).find(|word| {
        let is_table = is_next && word.starts_with(OURS);
        is_next = BEFORE_TABLE.contains(word);
        is_table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_does_and_where() {
        for (text, expected) in [
            ("SELECT a, b FROM sso_user WHERE x = $1", ("SELECT", Some("sso_user"))),
            ("INSERT INTO sso_session (a, b) VALUES ($1, $2)", ("INSERT", Some("sso_session"))),
            ("UPDATE sso_user SET x = $1", ("UPDATE", Some("sso_user"))),
            ("DELETE FROM sso_attr WHERE a IN (SELECT a FROM sso_user)", ("DELETE", Some("sso_attr"))),
            ("SELECT COUNT(*) FROM (SELECT 1 FROM sso_audit)", ("SELECT", Some("sso_audit"))),
            ("WITH given AS (SELECT value FROM json_each($1)) SELECT 1", ("SELECT", None)),
            (
                "WITH a AS (INSERT INTO sso_device (x) SELECT 1) INSERT INTO sso_session (a) SELECT 1",
                ("INSERT", Some("sso_session")),
            ),
            ("WITH a AS (SELECT 1 FROM sso_user) SELECT x FROM a", ("SELECT", Some("sso_user"))),
            ("COMMIT", ("COMMIT", None)),
            ("", ("statement", None)),
        ] {
            assert_eq!(summary(text), expected, "{text}");
        }
    }
}
