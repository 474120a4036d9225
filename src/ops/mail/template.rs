//! Templates of emails: text with placeholders, built in or from a folder.
//!
//! A file is called `<name>.<locale>.txt`, or `<name>.txt` for every locale that has none of its own; `.html` beside
//! it makes the email a multi-part one. A text may begin with a line `Subject: …` and an empty one. `{{name}}` stands
//! for a value, and there is nothing else to it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::domain::EmailKind;

/// What a placeholder can stand for, in any template.
const COMMON: &[&str] = &["username", "site_name"];

/// The values of the placeholders of one email.
pub(in crate::ops) type Values<'a> = [(&'static str, &'a str)];

/// The templates of the locale that emails are written in.
#[derive(Debug)]
pub(in crate::ops) struct Templates(HashMap<EmailKind, Template>);

/// One email as it is before its values are known.
#[derive(Debug)]
pub(in crate::ops) struct Template {
    pub subject: Pattern,
    pub text: Pattern,
    pub html: Option<Pattern>,
}

/// Text with placeholders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::ops) struct Pattern(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(String),
}

/// What a file of a template holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Html,
}

/// The name of a file, taken apart.
struct FileName<'a> {
    kind: EmailKind,
    locale: Option<&'a str>,
    format: Format,
}

impl Templates {
    /// The built-in ones, overridden by what is in the folder. Every file there is read, whatever its locale, so that
    /// one that cannot be used is found out now and not when it is needed.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(folder: Option<&Path>, locale: &str) -> Result<Self, String> {
        let mut templates = HashMap::new();
        for kind in EmailKind::ALL {
            let (subject, text) =
                parse_text(kind, built_in(kind)).map_err(|error| format!("{kind:?}: {error}"))?;
            let subject = subject.ok_or_else(|| format!("{kind:?} has no subject"))?;
            templates.insert(kind, Template { subject, text, html: None });
        }
        let Some(folder) = folder else { return Ok(Self(templates)) };
        for name in file_names(folder)? {
            let path = folder.join(&name);
            let told = |error: String| format!("{}: {error}", path.display());
            let Some(file) = FileName::parse(&name).map_err(told)? else { continue };
            let content = read(&path).map_err(told)?;
            let is_used = file.locale.is_none_or(|of_file| of_file == locale);
            match file.format {
                Format::Text => {
                    let (subject, text) = parse_text(file.kind, &content).map_err(told)?;
                    if let Some(template) = templates.get_mut(&file.kind).filter(|_| is_used) {
                        template.text = text;
                        template.subject = subject.unwrap_or_else(|| std::mem::take(&mut template.subject));
                    }
                }
                Format::Html => {
                    let html = Pattern::parse(&content, placeholders(file.kind)).map_err(told)?;
                    if let Some(template) = templates.get_mut(&file.kind).filter(|_| is_used) {
                        template.html = Some(html);
                    }
                }
            }
        }
        Ok(Self(templates))
    }

    pub fn get(&self, kind: EmailKind) -> Option<&Template> {
        self.0.get(&kind)
    }
}

const fn built_in(kind: EmailKind) -> &'static str {
    match kind {
        EmailKind::SignupConfirm => include_str!("templates/signup-confirm.txt"),
        EmailKind::SignupWelcome => include_str!("templates/signup-welcome.txt"),
        EmailKind::PasswordReset => include_str!("templates/password-reset-link.txt"),
    }
}

const fn placeholders(kind: EmailKind) -> &'static [&'static str] {
    match kind {
        EmailKind::SignupConfirm => &["token"],
        EmailKind::SignupWelcome => &[],
        EmailKind::PasswordReset => &["token", "link", "minutes"],
    }
}

/// The names of the files in a folder, those of a locale behind those of none.
fn file_names(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read the folder {}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        names.extend(entry.map_err(unreadable)?.file_name().into_string());
    }
    names.sort_by_key(|name| (name.matches('.').count(), name.clone()));
    Ok(names)
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

impl<'a> FileName<'a> {
    /// None for a file that is no template at all.
    fn parse(name: &'a str) -> Result<Option<Self>, String> {
        let (stem, format) = if let Some(stem) = name.strip_suffix(".txt") {
            (stem, Format::Text)
        } else if let Some(stem) = name.strip_suffix(".html") {
            (stem, Format::Html)
        } else {
            return Ok(None);
        };
        let (kind, locale) = stem.split_once('.').map_or((stem, None), |(kind, locale)| (kind, Some(locale)));
        let known = EmailKind::ALL.into_iter().find(|known| known.as_str() == kind);
        let known = known.ok_or_else(|| {
            let names = EmailKind::ALL.map(EmailKind::as_str).join(", ");
            format!("there is no email of this name, only {names}")
        })?;
        Ok(Some(Self { kind: known, locale, format }))
    }
}

/// The subject, if it has one, and the text of a template.
fn parse_text(kind: EmailKind, content: &str) -> Result<(Option<Pattern>, Pattern), String> {
    let content = content.replace("\r\n", "\n");
    let known = placeholders(kind);
    match content.strip_prefix("Subject:") {
        None => Ok((None, Pattern::parse(&content, known)?)),
        Some(rest) => {
            let (subject, text) = rest.split_once('\n').unwrap_or((rest, ""));
            let text = text.strip_prefix('\n').unwrap_or(text);
            Ok((Some(Pattern::parse(subject.trim(), known)?), Pattern::parse(text, known)?))
        }
    }
}

impl Pattern {
    fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let line = text.len() - after.len();
            let line = 1 + text.bytes().take(line).filter(|byte| *byte == b'\n').count();
            let (name, behind) = after
                .split_once("}}")
                .ok_or_else(|| format!("line {line} of the text has {{{{ without }}}}"))?;
            let name = name.trim();
            if !COMMON.contains(&name) && !known.contains(&name) {
                let names = [COMMON, known].concat().join(", ");
                return Err(format!("line {line} of the text has an unknown placeholder; known are {names}"));
            }
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Value(name.to_owned()));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text with the values in it. What stands in a value is never taken for a placeholder.
    pub fn fill(&self, values: &Values<'_>) -> String {
        self.fill_with(values, str::to_owned)
    }

    /// The same for HTML, in which a value is text, whatever it holds.
    pub fn fill_html(&self, values: &Values<'_>) -> String {
        self.fill_with(values, escaped)
    }

    fn fill_with(&self, values: &Values<'_>, write: fn(&str) -> String) -> String {
        let value =
            |wanted: &str| values.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value);
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Value(name) => write(value(name)),
            })
            .collect()
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &Values<'_> = &[("username", "<b>{{token}}&'\""), ("site_name", "Site"), ("token", "T")];

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    fn loaded(files: &[(&str, &[u8])], locale: &str) -> Result<Templates, String> {
        Templates::load(Some(folder(files).path()), locale)
    }

    fn confirm(templates: &Templates) -> (String, String, Option<String>) {
        let template = templates.get(EmailKind::SignupConfirm).unwrap();
        let html = template.html.as_ref().map(|html| html.fill_html(VALUES));
        (template.subject.fill(VALUES), template.text.fill(VALUES), html)
    }

    #[test]
    fn there_is_a_built_in_template_of_every_kind() {
        let templates = Templates::load(None, "en_GB").unwrap();
        for kind in EmailKind::ALL {
            let template = templates.get(kind).unwrap();
            assert!(template.subject.fill(VALUES).contains("Site"), "{kind:?}");
            assert!(template.text.fill(VALUES).starts_with("Hello <b>"), "{kind:?}");
        }
        assert!(confirm(&templates).1.contains("\n\nT\n\n"));
    }

    #[test]
    fn values_are_put_in_once_and_escaped_in_html() {
        let files: &[(&str, &[u8])] = &[
            ("signup-confirm.txt", b"{{username}} {{ token }} {a} }}"),
            ("signup-confirm.html", b"<p title='{{username}}'>"),
        ];
        let (_, text, html) = confirm(&loaded(files, "en_GB").unwrap());
        assert_eq!(text, "<b>{{token}}&'\" T {a} }}");
        assert_eq!(html.unwrap(), "<p title='&lt;b&gt;{{token}}&amp;&#39;&quot;'>");
    }

    #[test]
    fn a_file_of_the_locale_wins_over_one_of_none_and_that_over_the_built_in() {
        let files: &[(&str, &[u8])] = &[
            ("signup-confirm.txt", b"Subject: Any {{site_name}}\r\n\r\nany\r\n"),
            ("signup-confirm.pl_PL.txt", "Subject: Zażółć\n\npl".as_bytes()),
            ("signup-confirm.de_DE.txt", b"de"),
            ("README.md", b"{{anything}}"),
        ];
        let of = |locale| confirm(&loaded(files, locale).unwrap());
        assert_eq!(of("en_GB"), ("Any Site".to_owned(), "any\n".to_owned(), None));
        assert_eq!(of("pl_PL"), ("Zażółć".to_owned(), "pl".to_owned(), None));
        // Without a subject of its own a file keeps the one that it would have overridden.
        assert_eq!(of("de_DE"), ("Any Site".to_owned(), "de".to_owned(), None));
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_file() {
        let table: [(&str, &[u8], &str); 7] = [
            // The link leads to where a password is reset.
            ("signup-confirm.txt", b"{{link}}", "known are username, site_name, token"),
            ("signup-confirm.txt", b"a\n{{usrname}}", "line 2 of the text has an unknown placeholder"),
            ("signup-welcome.txt", b"{{token}}", "known are username, site_name"),
            ("signup-confirm.txt", b"{{token", "has {{ without }}"),
            ("signup-confirm.pl_PL.html", b"\xff", "is not UTF-8"),
            ("signup-confrim.txt", b"", "only signup-confirm, signup-welcome, password-reset-link"),
            ("password-reset-link.xx.txt", b"{{nothing}}", "unknown placeholder"),
        ];
        for (name, content, expected) in table {
            let error = loaded(&[(name, content)], "en_GB").unwrap_err();
            assert!(error.contains(expected) && error.contains(name), "{error}");
        }
        let error = Templates::load(Some(Path::new("/nowhere/at/all")), "en_GB").unwrap_err();
        assert!(error.starts_with("cannot read the folder /nowhere/at/all: "), "{error}");
    }
}
