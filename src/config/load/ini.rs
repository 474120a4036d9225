//! The INI dialect of `sso.conf`: sections, `key=value`, comma-separated lists, quotes, `""" """` around values of several
//! lines, and `#` comments, behind values too.

use std::collections::BTreeMap;

use crate::config::load::value::Value;

/// One value.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(in crate::config) struct Pair {
    /// The dotted key.
    pub(in crate::config) key: String,
    /// The line of the key, from 1.
    pub(in crate::config) line: usize,
    /// The value.
    pub(in crate::config) value: Value,
}

/// What is wrong, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct Problem {
    /// The line, from 1.
    pub(in crate::config) line: usize,
    /// What is wrong there.
    pub(in crate::config) text: String,
}

/// Reads a whole file.
pub(in crate::config) fn parse(text: &str) -> Result<Vec<Pair>, Problem> {
    let mut pairs = Vec::new();
    let mut seen = BTreeMap::new();
    let mut section = String::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let problem = |text: String| Problem { line: number, text };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            section = parse_section(rest).map_err(problem)?.to_owned();
            continue;
        }
        let Some((key, raw)) = line.split_once('=') else {
            return Err(problem("expected [section] or key=value".into()));
        };
        let key = unquoted(key.trim());
        if key.is_empty() {
            return Err(problem("expected a key before =".into()));
        }
        let key = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
        let raw = raw.trim();
        let value = match ["\"\"\"", "'''"].into_iter().find(|quotes| raw.starts_with(quotes)) {
            Some(quotes) => {
                let rest = lines.by_ref().map(|(_, line)| line);
                parse_long(raw.strip_prefix(quotes).unwrap_or_default(), rest, quotes)
            }
            None => parse_value(raw),
        };
        if let Some(first) = seen.insert(key.clone(), number) {
            return Err(problem(format!("{key} was already set in line {first}")));
        }
        pairs.push(Pair { key, line: number, value: value.map_err(problem)? });
    }
    Ok(pairs)
}

/// What follows the bracket that opens a section.
fn parse_section(rest: &str) -> Result<&str, String> {
    let (name, rest) = rest.split_once(']').ok_or("expected ] after the name of the section")?;
    let (name, rest) = (name.trim(), rest.trim());
    if name.is_empty() || name.contains('[') {
        return Err("expected the name of a section between [ and ]".into());
    }
    if !rest.is_empty() && !rest.starts_with(['#', ';']) {
        return Err("expected nothing but a comment after [section]".into());
    }
    Ok(name)
}

/// A value in triple quotes, up to the closing ones. As a list its items are separated by commas or line ends.
fn parse_long<'a>(
    first: &'a str,
    lines: impl Iterator<Item = &'a str>,
    quotes: &str,
) -> Result<Value, String> {
    let mut text = String::new();
    for line in std::iter::once(first).chain(lines) {
        let Some((end, rest)) = line.split_once(quotes) else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        text.push_str(end);
        if !rest.trim().is_empty() && !rest.trim().starts_with('#') {
            return Err(format!("expected nothing but a comment after the closing {quotes}"));
        }
        let items = text.split([',', '\n']).map(|item| unquoted(item.trim())).filter(|item| !item.is_empty());
        let items = items.map(str::to_owned).collect();
        return Ok(Value::Text { text: text.trim().to_owned(), items: Some(items) });
    }
    Err(format!("expected {quotes} at the end of the value"))
}

/// A value of one line. A quote begins only where an item does, and a comment only after white space: both may be part of a
/// plain value.
fn parse_value(raw: &str) -> Result<Value, String> {
    let mut items = Vec::new();
    let mut text = String::new();
    let mut item = String::new();
    let mut is_quoted = false;
    let mut open = None;
    for c in raw.chars() {
        if open.is_none() && c == '#' && !text.ends_with(|before: char| !before.is_whitespace()) {
            break;
        }
        text.push(c);
        match (open, c) {
            (Some(quote), _) if c == quote => open = None,
            (Some(_), _) => item.push(c),
            (None, ',') => items.push((std::mem::take(&mut item), std::mem::take(&mut is_quoted))),
            (None, '"' | '\'') if item.trim().is_empty() && !is_quoted => {
                item.clear();
                is_quoted = true;
                open = Some(c);
            }
            (None, _) if is_quoted && !c.is_whitespace() => {
                return Err("expected a comma or a comment after the closing quote".into());
            }
            (None, _) if is_quoted => {}
            (None, _) => item.push(c),
        }
    }
    if let Some(quote) = open {
        return Err(format!("expected {quote} at the end of the value"));
    }
    // One quoted value is what is between its quotes; where there are several, the text is for a message only.
    let text = if items.is_empty() && is_quoted { item.clone() } else { text.trim().to_owned() };
    items.push((item, is_quoted));
    let items =
        items.into_iter().map(|(item, is_quoted)| if is_quoted { item } else { item.trim().to_owned() });
    Ok(Value::Text { text, items: Some(items.filter(|item| !item.is_empty()).collect()) })
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(raw: &str) -> (String, Vec<String>) {
        match parse_value(raw) {
            Ok(Value::Text { text, items }) => (text, items.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    fn problem(text: &str) -> String {
        let problem = parse(text).unwrap_err();
        format!("{}: {}", problem.line, problem.text)
    }

    #[test]
    fn sections_keys_comments_and_long_values() {
        let text = r#"
# A comment
[main]
encrypt_email=True            # Encrypted?
site_name = "My site # 1"     # The name
[apps] # Who
all = CRM, "ERP, old",
signup_allowed =
[password]
reject_list = """
  111111, 123123
  "qwerty"
""" # In many lines
[user_address_list]
joe.doe=*
'ann x' = 10.0.0.1
"#;
        let pairs = parse(text).unwrap();
        let shown: Vec<_> = pairs
            .iter()
            .map(|pair| {
                let Value::Text { text, items } = &pair.value else { panic!() };
                format!("{} {} {text:?} {:?}", pair.line, pair.key, items.as_ref().unwrap())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        4 main.encrypt_email "True" ["True"]
        5 main.site_name "My site # 1" ["My site # 1"]
        7 apps.all "CRM, \"ERP, old\"," ["CRM", "ERP, old"]
        8 apps.signup_allowed "" []
        10 password.reject_list "111111, 123123\n  \"qwerty\"" ["111111", "123123", "qwerty"]
        15 user_address_list.joe.doe "*" ["*"]
        16 user_address_list.ann x "10.0.0.1" ["10.0.0.1"]
        "#);
    }

    #[test]
    fn quotes_and_signs_inside_a_plain_value_are_its_own() {
        assert_eq!(value("it's").0, "it's");
        assert_eq!(value("a#b").0, "a#b");
        assert_eq!(value("a # b").0, "a");
        assert_eq!(value("# b").0, "");
        assert_eq!(value("My site, Inc.").0, "My site, Inc.");
        assert_eq!(value("'a, b'").1, ["a, b"]);
        assert_eq!(value("\"\"").0, "");
    }

    #[test]
    fn what_cannot_be_read_is_told_by_line() {
        assert_eq!(problem("\nexpiry"), "2: expected [section] or key=value");
        assert_eq!(problem("[main"), "1: expected ] after the name of the section");
        assert_eq!(problem("[[main]]"), "1: expected the name of a section between [ and ]");
        assert_eq!(problem("[main] x"), "1: expected nothing but a comment after [section]");
        assert_eq!(problem("=5"), "1: expected a key before =");
        assert_eq!(problem("a=\"b"), "1: expected \" at the end of the value");
        assert_eq!(problem("a=\"b\" c"), "1: expected a comma or a comment after the closing quote");
        assert_eq!(problem("\na=\"\"\"\nb"), "2: expected \"\"\" at the end of the value");
        assert_eq!(problem("a='''b''' c"), "1: expected nothing but a comment after the closing '''");
        assert_eq!(problem("[a]\nb=1\n[a]\nb=2"), "4: a.b was already set in line 2");
    }

    proptest! {
        #[test]
        fn no_input_panics(text in "\\PC*", pieces in "[ab=\\[\\]\"'#,\n ]{0,80}") {
            let _ = parse(&text);
            let _ = parse(&pieces);
        }
    }
}
