//! Templates of emails: Jinja templates, built in or from a folder.
//!
//! A file is called `<name>.<locale>.txt`, or `<name>.txt` for every locale that has none of its own; `.html` beside
//! it makes the email a multi-part one. A text may begin with a line `Subject: …` and an empty one. `{{name}}` stands
//! for a value, which is escaped in HTML.
//!
//! The built-in ones are there in several languages. An email that a file overrides is the same in all of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

use crate::domain::{EmailKind, Error, Language, Result};

/// The values that every template has.
const COMMON: &[&str] = &["username", "site_name"];

/// The values of one email.
pub(in crate::ops) type Values<'a> = HashMap<&'static str, &'a str>;

/// The built-in ones, which are compiled once in a process: that takes longer than all else that opening an object does.
static BUILT_IN: LazyLock<Result<Arc<Templates>, String>> =
    LazyLock::new(|| Templates::built_in().map(Arc::new));

/// The templates of the locale that emails are written in, and the built-in ones of other languages.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Templates {
    environment: Environment<'static>,
    overridden: HashSet<EmailKind>,
}

/// What an email says.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ops) struct Content {
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
}

/// A part of an email that has a template of its own.
#[derive(Clone, Copy, Debug)]
enum Part {
    Subject,
    Text,
    Html,
}

impl Part {
    /// The name of its template, which says whether values are escaped. English has none of its own.
    fn template(self, kind: EmailKind, language: Option<Language>) -> String {
        let ending = match self {
            Self::Subject => "subject",
            Self::Text => "txt",
            Self::Html => "html",
        };
        let folder = language.filter(|language| *language != Language::English);
        let folder = folder.map(|language| format!("{}/", language.as_str())).unwrap_or_default();
        format!("{folder}{}.{ending}", kind.as_str())
    }
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
    /// The built-in ones, overridden by what is in the folder. Every file there is read, of every locale, so that
    /// one that cannot be used is found now and not when it is needed.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(folder: Option<&Path>, locale: &str) -> Result<Arc<Self>, String> {
        let built_in = BUILT_IN.clone()?;
        let Some(folder) = folder else { return Ok(built_in) };
        let mut templates = (*built_in).clone();
        for name in file_names(folder)? {
            let path = folder.join(&name);
            let told = |error: String| format!("{}: {error}", path.display());
            let Some(file) = FileName::parse(&name).map_err(told)? else { continue };
            let content = read(&path).map_err(told)?;
            let is_used = file.locale.is_none_or(|of_file| of_file == locale);
            match file.format {
                Format::Text => templates.add_text(file.kind, None, &content, is_used),
                Format::Html => templates.add(file.kind, None, Part::Html, &content, is_used),
            }
            .map_err(told)?;
            if is_used {
                templates.overridden.insert(file.kind);
            }
        }
        Ok(Arc::new(templates))
    }

    fn built_in() -> Result<Self, String> {
        let environment = environment().map_err(|error| error.to_string())?;
        let mut templates = Self { environment, overridden: HashSet::new() };
        for kind in EmailKind::ALL {
            let told = |error: String| format!("{kind:?}: {error}");
            templates.add_text(kind, None, built_in(kind), true).map_err(told)?;
            for language in Language::OTHERS {
                let Some(content) = translated(kind, language) else { continue };
                templates.add_text(kind, Some(language), content, true).map_err(told)?;
            }
        }
        Ok(templates)
    }

    /// Adds the text of a template, and its subject if it has one: without, the one that is there stays.
    fn add_text(
        &mut self,
        kind: EmailKind,
        language: Option<Language>,
        content: &str,
        is_used: bool,
    ) -> Result<(), String> {
        let content = content.replace("\r\n", "\n");
        let Some(rest) = content.strip_prefix("Subject:") else {
            return self.add(kind, language, Part::Text, &content, is_used);
        };
        let (subject, text) = rest.split_once('\n').unwrap_or((rest, ""));
        self.add(kind, language, Part::Subject, subject.trim(), is_used)?;
        self.add(kind, language, Part::Text, text.strip_prefix('\n').unwrap_or(text), is_used)
    }

    /// Checks a template, and adds it if it is used.
    fn add(
        &mut self,
        kind: EmailKind,
        language: Option<Language>,
        part: Part,
        source: &str,
        is_used: bool,
    ) -> Result<(), String> {
        let name = part.template(kind, language);
        check(&name, source, &[COMMON, own_values(kind)].concat())?;
        if is_used {
            let added = self.environment.add_template_owned(name, source.to_owned());
            added.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The language that an email is written in for who speaks this one; None for the one of the locale.
    pub fn language(&self, kind: EmailKind, wanted: Option<Language>) -> Option<Language> {
        let is_there = |language: &Language| {
            let name = Part::Text.template(kind, Some(*language));
            *language != Language::English && self.environment.get_template(&name).is_ok()
        };
        wanted.filter(is_there).filter(|_| !self.overridden.contains(&kind))
    }

    /// Puts values into the templates of an email.
    ///
    /// # Errors
    /// Where a template asks something of these values that it did not ask at loading.
    pub fn fill(&self, kind: EmailKind, wanted: Option<Language>, values: &Values<'_>) -> Result<Content> {
        let language = self.language(kind, wanted);
        let html = self.environment.get_template(&Part::Html.template(kind, language)).is_ok();
        let render = |part: Part| self.render(&part.template(kind, language), values);
        Ok(Content {
            subject: render(Part::Subject)?,
            text: render(Part::Text)?,
            html: if html { Some(render(Part::Html)?) } else { None },
        })
    }

    fn render(&self, name: &str, values: &Values<'_>) -> Result<String> {
        let rendered =
            self.environment.get_template(name).and_then(|template| template.render(context(values)));
        // What else there is to say may hold a value, a token for one.
        rendered.map_err(|error| {
            let line = error.line().unwrap_or_default();
            Error::internal(format!("the email template {name}, line {line}: {}", error.kind()))
        })
    }
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    Ok(environment)
}

fn context(values: &Values<'_>) -> Value {
    values.iter().map(|(name, value)| (*name, Value::from(*value))).collect::<BTreeMap<_, _>>().into()
}

/// Renders a template once with any values, and looks for names that none of these has, also where that did not get to.
fn check(name: &str, source: &str, known: &[&'static str]) -> Result<(), String> {
    let told = |error: &minijinja::Error| {
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("line {} of the text: {}{detail}", error.line().unwrap_or_default(), error.kind())
    };
    let mut environment = environment().map_err(|error| told(&error))?;
    environment.add_template(name, source).map_err(|error| told(&error))?;
    let template = environment.get_template(name).map_err(|error| told(&error))?;
    let rendered = template.render(context(&known.iter().map(|name| (*name, "1")).collect()));
    let is_known = |name: &String| {
        known.contains(&name.as_str()) || environment.globals().any(|(global, _)| global == name.as_str())
    };
    if let Some(unknown) =
        template.undeclared_variables(false).into_iter().filter(|name| !is_known(name)).min()
    {
        let line = rendered.err().and_then(|error| error.line());
        let line = line.map(|line| format!("line {line} of ")).unwrap_or_default();
        let names = known.join(", ");
        return Err(format!("{line}the text has an unknown value `{unknown}`; known are {names}"));
    }
    rendered.map(drop).map_err(|error| told(&error))
}

const fn built_in(kind: EmailKind) -> &'static str {
    match kind {
        EmailKind::SignupConfirm => include_str!("templates/signup-confirm.txt"),
        EmailKind::SignupExists => include_str!("templates/signup-exists.txt"),
        EmailKind::SignupWelcome => include_str!("templates/signup-welcome.txt"),
        EmailKind::PasswordReset => include_str!("templates/password-reset-link.txt"),
        EmailKind::EmailConfirm => include_str!("templates/email-confirm.txt"),
        EmailKind::EmailChanged => include_str!("templates/email-changed.txt"),
        EmailKind::PasswordChanged => include_str!("templates/password-changed.txt"),
        EmailKind::SecondFactorChanged => include_str!("templates/second-factor-changed.txt"),
        EmailKind::RecoveryCodeUsed => include_str!("templates/recovery-code-used.txt"),
        EmailKind::NewDevice => include_str!("templates/new-device.txt"),
    }
}

macro_rules! translations {
    ($language:literal: $($name:literal),+) => {
        &[$(($name, include_str!(concat!("templates/", $language, "/", $name, ".txt")))),+]
    };
    ($($language:literal),+) => {
        &[$(($language, translations!($language: "signup-confirm", "signup-exists", "signup-welcome", "password-reset-link",
            "email-confirm", "email-changed", "password-changed", "second-factor-changed", "recovery-code-used",
            "new-device"))),+]
    };
}

/// The templates of a language, by their names.
type Translation = (&'static str, &'static [(&'static str, &'static str)]);

/// The built-in templates in other languages.
const TRANSLATIONS: &[Translation] = translations!("de", "fr", "es", "pl", "ja", "ar");

/// A built-in template in another language. Where there is none, the email is in English.
fn translated(kind: EmailKind, language: Language) -> Option<&'static str> {
    let (_, templates) = TRANSLATIONS.iter().find(|(tag, _)| *tag == language.as_str())?;
    templates.iter().find(|(name, _)| *name == kind.as_str()).map(|(_, template)| *template)
}

/// The values that only this template has.
const fn own_values(kind: EmailKind) -> &'static [&'static str] {
    match kind {
        EmailKind::SignupConfirm => &["token", "link"],
        EmailKind::SignupExists
        | EmailKind::SignupWelcome
        | EmailKind::EmailChanged
        | EmailKind::PasswordChanged => &[],
        EmailKind::SecondFactorChanged => &["change"],
        EmailKind::RecoveryCodeUsed => &["left"],
        EmailKind::NewDevice => &["time", "remote_addr", "user_agent", "device"],
        EmailKind::PasswordReset | EmailKind::EmailConfirm => &["token", "link", "minutes"],
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

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values<'static> {
        let given = [("username", "<b>{{token}}&'\""), ("site_name", "Site"), ("token", "T")];
        let own = [("link", "L"), ("minutes", "30"), ("change", "totp-on"), ("left", "9")];
        let device = [("time", "2026-02-25T12:00:00"), ("remote_addr", "10.0.0.1"), ("user_agent", "Lynx")];
        let device = device.into_iter().chain([("device", "Lynx")]);
        given.into_iter().chain(own).chain(device).collect()
    }

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    fn loaded(files: &[(&str, &[u8])], locale: &str) -> Result<Arc<Templates>, String> {
        Templates::load(Some(folder(files).path()), locale)
    }

    fn confirm(templates: &Templates) -> (String, String, Option<String>) {
        let Content { subject, text, html } =
            templates.fill(EmailKind::SignupConfirm, None, &values()).unwrap();
        (subject, text, html)
    }

    #[test]
    fn there_is_a_built_in_template_of_every_kind() {
        let templates = Templates::load(None, "en_GB").unwrap();
        for kind in EmailKind::ALL {
            let content = templates.fill(kind, None, &values()).unwrap();
            assert!(content.subject.contains("Site"), "{kind:?}");
            assert!(content.text.starts_with("Hello <b>") && content.text.ends_with(".\n"), "{kind:?}");
        }
        assert!(confirm(&templates).1.contains("\n\nL\n\n"));
    }

    #[test]
    fn every_email_is_there_in_every_language_and_has_what_the_english_one_has() {
        let templates = Templates::load(None, "en_GB").unwrap();
        for kind in EmailKind::ALL {
            let english = templates.fill(kind, None, &values()).unwrap();
            assert_eq!(templates.fill(kind, Some(Language::English), &values()).unwrap(), english);
            for language in Language::OTHERS {
                assert_eq!(templates.language(kind, Some(language)), Some(language), "{kind:?} {language:?}");
                let content = templates.fill(kind, Some(language), &values()).unwrap();
                assert_ne!(content.text, english.text, "{kind:?} {language:?}");
                assert!(content.subject.contains("Site"), "{kind:?} {language:?}");
                assert!(content.text.contains("<b>{{token}}&'\""), "{kind:?} {language:?}");
                for value in ["\nL\n", "30", "2026-02-25T12:00:00", "10.0.0.1", "Lynx"] {
                    let (own, other) = (content.text.contains(value), english.text.contains(value));
                    assert_eq!(own, other, "{kind:?} {language:?} {value}");
                }
            }
        }
    }

    #[test]
    fn an_email_that_a_file_overrides_is_the_same_in_every_language() {
        let files: &[(&str, &[u8])] = &[("signup-confirm.txt", b"own"), ("signup-welcome.xx.txt", b"other")];
        let templates = loaded(files, "en_GB").unwrap();
        let text = |kind| templates.fill(kind, Some(Language::German), &values()).unwrap().text;
        assert_eq!(text(EmailKind::SignupConfirm), "own");
        assert!(text(EmailKind::SignupWelcome).starts_with("Guten Tag"));
    }

    #[test]
    fn values_are_put_in_once_and_escaped_in_html() {
        let files: &[(&str, &[u8])] = &[
            ("signup-confirm.txt", b"{{username}} {{ token }} {a} }}"),
            ("signup-confirm.html", b"<p title='{{username}}'>"),
        ];
        let (_, text, html) = confirm(&loaded(files, "en_GB").unwrap());
        assert_eq!(text, "<b>{{token}}&'\" T {a} }}");
        assert_eq!(html.unwrap(), "<p title='&lt;b&gt;{{token}}&amp;&#x27;&quot;'>");
    }

    #[test]
    fn a_template_may_have_conditions_and_filters() {
        let files: &[(&str, &[u8])] = &[(
            "signup-confirm.txt",
            b"{% if token %}{{ token|lower }}{% endif %}{% raw %}{{ x }}{% endraw %}",
        )];
        assert_eq!(confirm(&loaded(files, "en_GB").unwrap()).1, "t{{ x }}");
    }

    #[test]
    fn what_goes_wrong_only_with_some_values_is_told_without_them() {
        let files: &[(&str, &[u8])] =
            &[("signup-confirm.txt", b"{% if token == 'T' %}{{ token + 1 }}{% endif %}")];
        let error =
            loaded(files, "en_GB").unwrap().fill(EmailKind::SignupConfirm, None, &values()).unwrap_err();
        let expected = "the email template signup-confirm.txt, line 1: invalid operation";
        assert!(error.to_string().ends_with(expected), "{error}");
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
        let table: [(&str, &[u8], &str); 10] = [
            // A sign-up says nothing of minutes.
            ("signup-confirm.txt", b"{{minutes}}", "known are username, site_name, token, link"),
            ("signup-confirm.txt", b"a\n{{usrname}}", "line 2 of the text has an unknown value `usrname`"),
            // No values that it is tried with get there.
            ("signup-confirm.txt", b"{% if token == '' %}{{usrname}}{% endif %}", "unknown value `usrname`"),
            ("signup-confirm.txt", b"a\n{{token|uper}}", "line 2 of the text: unknown filter"),
            (
                "signup-confirm.html",
                b"<style>@media print {#a {}}</style>",
                "line 1 of the text: syntax error",
            ),
            ("signup-welcome.txt", b"{{token}}", "known are username, site_name"),
            ("signup-confirm.txt", b"{{token", "line 1 of the text: syntax error"),
            ("signup-confirm.pl_PL.html", b"\xff", "is not UTF-8"),
            ("signup-confrim.txt", b"", "only signup-confirm, signup-exists, signup-welcome"),
            ("password-reset-link.xx.txt", b"{{nothing}}", "unknown value"),
        ];
        for (name, content, expected) in table {
            let error = loaded(&[(name, content)], "en_GB").unwrap_err();
            assert!(error.contains(expected) && error.contains(name), "{error}");
        }
        let error = Templates::load(Some(Path::new("/nowhere/at/all")), "en_GB").unwrap_err();
        assert!(error.starts_with("cannot read the folder /nowhere/at/all: "), "{error}");
    }
}
