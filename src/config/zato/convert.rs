//! From the `sso.conf` of a Zato 3.x server to `sso.toml`.

use std::borrow::Cow;
use std::path::Path;

use crate::config::Config;
use crate::config::load::error::{Error, OneLine, Origin};
use crate::config::load::ini::Pair;
use crate::config::load::schema::{Key, Schema};
use crate::config::load::setting::as_toml;
use crate::config::load::values::Values;
use crate::config::zato::files as zato;

const HEAD: &str = "\
# The configuration of zato-sso, converted from an sso.conf. What was set there is set here; every other key is at its
# default: to change one, remove the # before it. What could not be converted is listed at the end.
# Any key can also be given in the environment, as ZATO_SSO_<SECTION>__<KEY>, for instance ZATO_SSO_SESSION__EXPIRY=30,
# which overrides this file. The command line and arguments in Python override both.
";

/// An `sso.conf` as TOML, and what did not go over.
#[derive(Clone, Debug)]
pub struct Converted {
    /// The text of the `sso.toml`, with comments; what did not go over is listed at its end.
    pub toml: String,
    /// What has no counterpart, in the order of the file.
    pub unmatched: Vec<Unmatched>,
}

/// A key that has no counterpart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The dotted key.
    pub key: String,
    /// Its line, from 1.
    pub line: usize,
    /// What to do instead, on one line.
    pub advice: Cow<'static, str>,
}

/// A locale's email title as Zato writes it, and as it is here.
const TITLE: (&str, &str) = ("password_reset.email_title_", "password_reset.email_title.");

/// What has no counterpart, by the beginning of its key, and what to do instead.
const GONE: [(&str, &str); 6] = [
    ("main.smtp_conn", "set smtp.url to the mail server that this connection of Zato's leads to"),
    ("backend.", "nothing to do: database.url says where users are kept"),
    ("sql.", "nothing to do: database.url says where users are kept"),
    (
        "hash_secret.rounds",
        "nothing to do: imported hashes keep their rounds until the next login, and are Argon2id from then on",
    ),
    ("hash_secret.salt_size", "nothing to do: the salt of a hash has 16 bytes"),
    (
        "login_list.",
        "if these are addresses by username, write them into [user_address_list], as NAME = [\"10.0.0.0/8\"]",
    ),
];

/// The same by a part of the key: what Zato calls or sends.
const GONE_PARTS: [(&str, &str); 4] = [
    ("callback", "write a hook, such as on_signup"),
    ("service", "write a hook, such as validate_signup"),
    ("hook", "write a hook, such as session_expiry"),
    ("template", "put the template into the folder that email.templates names"),
];

/// Converts a file. Loading the result gives the same configuration as the file does without what has no counterpart.
///
/// # Errors
/// When it cannot be read, is no `sso.conf`, or has a value that a key cannot have: the line is named.
pub fn convert(path: &Path) -> Result<Converted, Error> {
    if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml")) {
        return Err(foreign(path, "is TOML already, which is read as it is"));
    }
    let schema = Schema::new(Config::sections());
    let mut values = Values::default();
    let mut unmatched = Vec::new();
    let pairs = zato::read(path)?;
    let count = pairs.len();
    for Pair { key, line, value } in pairs {
        let key = match key.strip_prefix(TITLE.0) {
            Some(locale) if !locale.is_empty() => format!("{}{locale}", TITLE.1),
            _ => key,
        };
        if schema.is_known(&key) {
            values.set(key, value, Origin::File { path: path.to_owned(), line });
        } else {
            let advice = advice(&schema, &key);
            unmatched.push(Unmatched { key, line, advice });
        }
    }
    if unmatched.len() == count {
        return Err(foreign(
            path,
            "has none of the keys of an sso.conf: give the one of a Zato server, which is in its folder config/repo",
        ));
    }
    let config = Config::read(&values)?;
    config.validate()?;
    let list = config.list();
    let mut toml = Config::explained(HEAD, |key| given(key, &values, &list));
    if !unmatched.is_empty() {
        toml.push_str("\n# What has no counterpart:\n");
        toml.extend(unmatched.iter().map(|one| format!("# {one}\n")));
    }
    Ok(Converted { toml, unmatched })
}

impl std::fmt::Display for Unmatched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}: {}", self.line, OneLine(&self.key), self.advice)
    }
}

fn foreign(path: &Path, problem: &'static str) -> Error {
    Error::Foreign { path: path.to_owned(), problem }
}

fn advice(schema: &Schema, key: &str) -> Cow<'static, str> {
    let known = GONE.iter().find(|(start, _)| key.starts_with(start));
    let by_part = || GONE_PARTS.iter().find(|(part, _)| key.contains(part));
    match known.or_else(by_part) {
        Some((_, advice)) => (*advice).into(),
        None => format!("there is no such key; the nearest one is {}", schema.nearest_key(key)).into(),
    }
}

/// The lines of a key that was given; none if it was not.
fn given(key: &Key, values: &Values, list: &[(String, String)]) -> Vec<String> {
    let name = key.dotted.split_once('.').map(|(_, name)| name);
    if key.is_table {
        let prefix = format!("{}.", key.dotted);
        let inside = list.iter().filter_map(|(dotted, value)| Some((dotted.strip_prefix(&prefix)?, value)));
        // A table within a section is written as the section is: name.inner = value.
        let outer = name.map_or(String::new(), |name| format!("{name}."));
        return inside.map(|(inner, value)| format!("{outer}{} = {value}", quoted_key(inner))).collect();
    }
    let Some(given) = values.get(key.dotted).map(|(value, _)| value) else { return Vec::new() };
    let shown = list.iter().find(|(dotted, _)| dotted == key.dotted).map(|(_, value)| value.clone());
    // What is masked where it is shown is written as it was given.
    let value = if key.is_secret { given.string().map(as_toml) } else { shown };
    name.zip(value).map(|(name, value)| format!("{name} = {value}")).into_iter().collect()
}

/// A free name as a TOML key.
fn quoted_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(is_bare) {
        return name.to_owned();
    }
    // A basic string, whose escapes JSON has too, and one that JSON need not escape.
    serde_json::Value::from(name).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Loader;

    const DEFAULTS: &str = include_str!("../../../tests/data/sso.conf");

    fn converted(text: &str) -> Result<Converted, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sso.conf");
        std::fs::write(&path, text).unwrap();
        convert(&path)
    }

    fn list(name: &str, text: &str) -> Vec<(String, String)> {
        Loader::new().text(name, text).load().unwrap().list()
    }

    /// What both files come to.
    #[track_caller]
    fn assert_same(text: &str) -> Converted {
        let converted = converted(text).unwrap();
        assert_eq!(converted.unmatched, []);
        assert_eq!(list("sso.conf", text), list("sso.toml", &converted.toml), "{}", converted.toml);
        converted
    }

    #[test]
    fn every_kind_of_value_is_the_same_afterwards() {
        let text = r#"
            [main]
            encrypt_email=False # In clear
            site_name = My "site", Inc.
            [apps]
            all=CRM, ERP, "Odd, one"
            signup_allowed=CRM
            login_metadata_allowed=
            [session]
            expiry=30 # In minutes
            [password]
            log_in_if_about_to_expire=no
            reject_list = """
              111111, 123123
              C:\temp "x"
            """ # Many
            [password_reset]
            email_title.en_GB = """Your "new" password"""
            email_title.de_DE = Passwort \ neu
            user_search_by=username_or_email
            [user_address_list]
            joe=*
            joe.doe=10.0.0.0/8, ::1
            "ann x"=192.168.1.1
            nobody=
            [http]
            request_timeout=45 s
            trusted_proxies=10.0.0.1
        "#;
        let toml = assert_same(text).toml;
        for line in [
            "encrypt_email = false",
            r#"all = ["CRM", "ERP", "Odd, one"]"#,
            "login_metadata_allowed = []",
            r#""joe.doe" = ["10.0.0.0/8", "::1"]"#,
            "nobody = []",
            "#encrypt_password = true",
        ] {
            assert!(toml.lines().any(|found| found == line), "{line}\n{toml}");
        }
    }

    #[test]
    fn secrets_are_written_as_they_are() {
        let toml = assert_same("[smtp]\nurl=smtp://user:pass'word@host:25\n[main]\nsecret_key=a'b\"c\n").toml;
        let config = Loader::new().text("sso.toml", toml).load().unwrap();
        assert_eq!(config.smtp.url.expose(), "smtp://user:pass'word@host:25");
        assert_eq!(secrecy::ExposeSecret::expose_secret(&config.main.secret_key.unwrap()), "a'b\"c");
    }

    /// The documented default of Zato 3.3 as far as it is published, with applications, which it does not have.
    #[test]
    fn what_zato_has_beyond_is_listed_with_what_to_do() {
        let converted = converted(DEFAULTS).unwrap();
        let list: Vec<_> = converted.unmatched.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(list.join("\n"), @r#"
        line 4: main.smtp_conn: set smtp.url to the mail server that this connection of Zato's leads to
        line 7: backend.default: nothing to do: database.url says where users are kept
        line 10: sql.name: nothing to do: database.url says where users are kept
        line 13: hash_secret.rounds: nothing to do: imported hashes keep their rounds until the next login, and are Argon2id from then on
        line 14: hash_secret.salt_size: nothing to do: the salt of a hash has 16 bytes
        line 30: login_list.joe: if these are addresses by username, write them into [user_address_list], as NAME = ["10.0.0.0/8"]
        line 51: signup.callback_service_list: write a hook, such as on_signup
        line 52: signup.email_confirm_template: put the template into the folder that email.templates names
        line 55: user_validation.service: write a hook, such as validate_signup
        "#);
        for line in list {
            assert!(converted.toml.lines().any(|comment| comment == format!("# {line}")), "{line}");
        }
        let config = Loader::new().text("sso.toml", converted.toml).load().unwrap();
        let titles: Vec<_> = config.password_reset.email_title.iter().collect();
        assert_eq!(titles.len(), 2);
        assert_eq!(titles[0], (&"en_GB".to_owned(), &"Password reset".to_owned()));
        assert_eq!(config.apps.login_allowed, ["CRM"]);
        assert_eq!(config.password_reset.email_from, "hello@example.com");
    }

    #[test]
    fn what_is_no_sso_conf_is_told_in_one_line() {
        let said = |text: &str| converted(text).unwrap_err().to_string();
        for text in ["", "# Nothing\n", "[component_enabled]\nsso=True\n", "[secret_keys]\nkey1=x\n"] {
            assert!(said(text).contains("has none of the keys of an sso.conf"), "{text}");
        }
        assert!(
            said("[main]\nencrypt_email=maybe\n")
                .ends_with("sso.conf:2: main.encrypt_email: expected true or false, found \"maybe\"")
        );
        assert!(said("[main]\nencrypt_email=True\n[apps]\nall=\n").contains("sso.conf:4: apps.all"));
        assert!(said("nonsense").ends_with("sso.conf:1: expected [section] or key=value"));
        assert!(
            convert(Path::new("sso.toml")).unwrap_err().to_string().starts_with("sso.toml: is TOML already")
        );
        assert!(convert(Path::new("nowhere.conf")).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn names_of_any_kind_stay_inside_their_comment() {
        let toml = converted("[main]\nencrypt_email=True\na\u{1}b\u{2028}c=1\n").unwrap().toml;
        let last = toml.lines().last().unwrap();
        let shown = "# line 3: main.a\\u{1}b\\u{2028}c: there is no such key; the nearest one is ";
        assert!(last.starts_with(shown), "{last}");
        list("sso.toml", &toml);
    }

    proptest! {
        #[test]
        fn whatever_names_and_values_there_are(name in "[^=\\[\\]\"'#;\\s\\pC]\\PC{0,8}[^=\"'\\s\\pC]", title in "\\PC{0,20}") {
            prop_assume!(!name.contains('=') && !title.trim().starts_with(['"', '\'']));
            let text = format!("[password_reset]\nemail_title.{name}={title}\n[user_address_list]\n{name}=*\n");
            // What the reader refuses is refused by both.
            if Loader::new().text("sso.conf", text.as_str()).load().is_ok() {
                assert_same(&text);
            }
        }
    }
}
