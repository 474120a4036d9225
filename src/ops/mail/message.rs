//! Emails to users: what is written to whom.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::Config;
use crate::domain::{EmailAddress, EmailKind, Language, Password, Result};
use crate::ops::mail::envelope::Letter;
use crate::ops::mail::template::{Content, Templates};

/// The locale of emails where configuration does not ask for another.
const DEFAULT_LOCALE: &str = "en_GB";

/// Takes no room, and ends what looks like a link.
const WORD_JOINER: char = '\u{2060}';

/// What a site without a name is called.
const NAMELESS_SITE: &str = "our site";

/// Reads the templates that this configuration asks for.
///
/// # Errors
/// What is wrong with which file.
pub(in crate::ops) fn load_templates(config: &Config) -> Result<Arc<Templates>, String> {
    let folder = config.email.templates.as_deref();
    Templates::load(folder, locale(config)).map_err(|error| format!("email.templates: {error}"))
}

/// The locale of emails in no other language. It is en_GB unless there are titles, and none for that.
fn locale(config: &Config) -> &str {
    let titles = &config.password_reset.email_title;
    match titles.keys().next() {
        Some(first) if !titles.contains_key(DEFAULT_LOCALE) => first,
        _ => DEFAULT_LOCALE,
    }
}

/// What an email is about.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct About<'a> {
    /// Which it is.
    pub kind: EmailKind,
    /// The token in it, if there is one.
    pub token: Option<&'a Password>,
    /// Minutes that the token is valid.
    pub minutes: i64,
    /// The other values of its template.
    pub details: &'a [(&'static str, &'a str)],
}

/// Whom an email is for.
#[derive(Debug)]
pub(in crate::ops) struct Reader {
    /// Their name.
    pub username: String,
    /// Their address.
    pub to: String,
    /// The language that they read, as far as it is known.
    pub language: Option<Language>,
}

impl About<'_> {
    /// An email without a token.
    pub const fn plain(kind: EmailKind) -> Self {
        Self { kind, token: None, minutes: 0, details: &[] }
    }
}

/// Writes an email.
///
/// # Errors
/// As [`Templates::fill`].
pub(in crate::ops) fn write(
    (config, is_server): (&Config, bool),
    templates: &Templates,
    about: About<'_>,
    reader: Reader,
) -> Result<Letter> {
    let Reader { username, to, language } = reader;
    let About { kind, token, minutes, details } = about;
    let site_name = Some(config.main.site_name.trim()).filter(|name| !name.is_empty());
    let token = token.map_or("", Password::expose);
    let link = link(config, is_server, kind, token);
    let minutes = minutes.to_string();
    let shown = without_links(&username);
    let values = [
        ("username", &*shown),
        ("site_name", site_name.unwrap_or(NAMELESS_SITE)),
        ("token", token),
        ("link", &link),
        ("minutes", &minutes),
    ];
    let Content { subject, text, html } =
        templates.fill(kind, language, &values.into_iter().chain(details.iter().copied()).collect())?;
    let titles = &config.password_reset.email_title;
    let title = match templates.language(kind, language) {
        None => titles.get(locale(config)),
        // A title of another language would not do.
        Some(language) => {
            let own = titles.iter().find(|(locale, _)| Language::of_tag(locale) == Some(language));
            own.map(|(_, title)| title)
        }
    };
    let title = title.filter(|_| kind == EmailKind::PasswordReset);
    Ok(Letter {
        username,
        to,
        // A line end would let a header be added.
        subject: title.unwrap_or(&subject).split(char::is_control).collect::<Vec<_>>().join(" "),
        text,
        html,
    })
}

/// A name as emails show it: programs that show emails make links of what looks like one, and whoever has chosen the name
/// would choose where they lead. An invisible character behind each dot, colon and slash keeps them from that; an email
/// address stays as it is.
pub(in crate::ops) fn without_links(name: &str) -> Cow<'_, str> {
    let is_email = !name.contains([':', '/']) && EmailAddress::parse(name).is_ok();
    if is_email || !name.contains(['.', ':', '/']) {
        return Cow::Borrowed(name);
    }
    let apart = |c: char| [Some(c), matches!(c, '.' | ':' | '/').then_some(WORD_JOINER)];
    Cow::Owned(name.chars().flat_map(apart).flatten().collect())
}

/// The link of an email: to the page that configuration names, else to ours, else the token alone.
fn link(config: &Config, is_server: bool, kind: EmailKind, token: &str) -> String {
    let (page, own_path) = page(config, kind);
    if !page.is_empty() || own_path.is_empty() {
        return with_token(page, token);
    }
    let is_shown = config.pages.are_shown(is_server, &config.http.prefix);
    let base = config.pages.base(config.http.listen).filter(|_| is_shown);
    // Behind the #, where no server, log or Referer sees it.
    base.map_or_else(|| token.to_owned(), |base| format!("{base}{own_path}#token={token}"))
}

/// The page that configuration has for an email, and the path of ours; both empty where an email has no link.
fn page(config: &Config, kind: EmailKind) -> (&str, &'static str) {
    match kind {
        EmailKind::SignupConfirm => (&config.signup.url, "/signup/confirm"),
        EmailKind::PasswordReset => (&config.password_reset.url, "/password/reset"),
        EmailKind::EmailConfirm => (&config.email.confirm_url, "/email/confirm"),
        EmailKind::SignupExists
        | EmailKind::SignupWelcome
        | EmailKind::EmailChanged
        | EmailKind::PasswordChanged
        | EmailKind::SecondFactorChanged
        | EmailKind::RecoveryCodeUsed
        | EmailKind::NewDevice => ("", ""),
    }
}

/// The page where something is confirmed, or a new password chosen, with the token; without such a page, the token itself. Tokens can stand in
/// a URL as they are.
fn with_token(page: &str, token: &str) -> String {
    if page.is_empty() {
        return token.to_owned();
    }
    let (page, fragment) = page.split_once('#').map_or((page, None), |(page, behind)| (page, Some(behind)));
    let separator = if page.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{page}{separator}token={token}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_page_with_the_token_or_the_token() {
        let table = [
            ("", "T"),
            ("https://example.com/reset", "https://example.com/reset?token=T"),
            ("https://example.com/reset?a=1", "https://example.com/reset?a=1&token=T"),
            ("https://example.com/#/reset", "https://example.com/?token=T#/reset"),
        ];
        for (page, expected) in table {
            assert_eq!(with_token(page, "T"), expected);
        }
    }

    #[test]
    fn no_name_becomes_a_link() {
        for name in ["ann", "O'Brien", "ann.lee@example.com", "李小龍"] {
            assert_eq!(without_links(name), name);
        }
        for name in ["http://evil.example/x", "www.evil.example", "evil.example", "evil.example/@a", "a.b"] {
            let shown = without_links(name);
            assert_ne!(shown, name);
            assert!(!shown.contains("://") && !shown.contains("www.e") && !shown.contains(".e"), "{shown}");
            assert_eq!(shown.replace(WORD_JOINER, ""), name);
        }
    }

    #[test]
    fn each_link_leads_to_the_page_of_its_email() {
        let mut config = Config::default();
        let templates = Templates::load(None, "en_GB").unwrap();
        let token = Password::from("T");
        let text = |config: &Config, kind| {
            let about = About { token: Some(&token), minutes: 30, ..About::plain(kind) };
            let (username, to) = ("ann".to_owned(), "ann@example.com".to_owned());
            let reader = Reader { username, to, language: None };
            write((config, false), &templates, about, reader).unwrap().text
        };
        let kinds = [EmailKind::SignupConfirm, EmailKind::PasswordReset, EmailKind::EmailConfirm];
        for kind in kinds {
            assert!(text(&config, kind).contains("\nT\n"), "{kind:?}");
        }
        config.pages.is_active = Some(true);
        config.pages.url = "https://sso.example".to_owned();
        for (path, kind) in ["/signup/confirm", "/password/reset", "/email/confirm"].into_iter().zip(kinds) {
            let link = format!("\nhttps://sso.example{path}#token=T\n");
            assert!(text(&config, kind).contains(&link), "{kind:?}");
        }
        config.signup.url = "https://example.com/0".to_owned();
        config.password_reset.url = "https://example.com/1".to_owned();
        config.email.confirm_url = "https://example.com/2".to_owned();
        for (number, kind) in kinds.into_iter().enumerate() {
            let link = format!("\nhttps://example.com/{number}?token=T\n");
            assert!(text(&config, kind).contains(&link), "{kind:?}");
        }
    }

    #[test]
    fn a_title_is_used_in_its_own_language_alone() {
        let templates = Templates::load(None, "en_GB").unwrap();
        let mut config = Config::default();
        let titles = [("en_GB", "English title"), ("pl_PL", "Polish title")];
        config.password_reset.email_title =
            titles.map(|(key, title)| (key.to_owned(), title.to_owned())).into();
        let subject = |language| {
            let reader = Reader { username: "ann".to_owned(), to: String::new(), language };
            write((&config, false), &templates, About::plain(EmailKind::PasswordReset), reader)
                .unwrap()
                .subject
        };
        assert_eq!(subject(None), "English title");
        assert_eq!(subject(Some(Language::English)), "English title");
        assert_eq!(subject(Some(Language::Polish)), "Polish title");
        assert!(subject(Some(Language::German)).starts_with("Ein neues Passwort"));
    }

    #[test]
    fn the_locale_is_that_of_the_titles() {
        let of = |locales: &[&str]| {
            let mut config = Config::default();
            let titles = locales.iter().map(|locale| ((*locale).to_owned(), "Title".to_owned()));
            config.password_reset.email_title = titles.collect();
            locale(&config).to_owned()
        };
        assert_eq!(of(&[]), "en_GB");
        assert_eq!(of(&["de_DE", "en_GB"]), "en_GB");
        assert_eq!(of(&["pl_PL", "de_DE"]), "de_DE");
    }
}
