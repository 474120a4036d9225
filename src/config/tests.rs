//! The configuration as a whole: defaults, precedence, messages.

use std::ffi::OsString;

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;

/// The keys in the order of the documentation, each at its documented default.
const DEFAULTS: &str = include_str!("defaults.txt");

fn toml(text: &str) -> Result<Config, Error> {
    Loader::new().text("sso.toml", text).load()
}

fn conf(text: &str) -> Result<Config, Error> {
    Loader::new().text("sso.conf", text).load()
}

fn variable(name: &str, value: &str) -> Result<Config, Error> {
    Loader::new().environment([(name, value)]).load()
}

fn message(result: Result<Config, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn defaults_are_the_documented_ones() {
    let config = Loader::new().load().unwrap();
    let shown: Vec<_> =
        config.entries().iter().map(|entry| format!("{} = {}", entry.key, entry.value)).collect();
    assert_eq!(shown.join("\n"), DEFAULTS.trim());
    assert!(config.entries().iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn every_key_can_be_given_by_every_kind_of_source() {
    for line in DEFAULTS.trim().lines() {
        let (key, value) = line.split_once(" = ").unwrap();
        if value == "{}" {
            continue;
        }
        let tree = json!({ key: toml_to_json(value) });
        let plain = value.trim_matches(['"', '[', ']']).replace('"', "");
        let name = format!("ZATO_SSO_{}", key.to_uppercase().replace('.', "__"));
        let sources = [
            (toml(line).unwrap(), "sso.toml:1"),
            (conf(&format!("{key}={plain}")).unwrap(), "sso.conf:1"),
            (Loader::new().arguments(tree).load().unwrap(), "argument"),
            (variable(&name, &plain).unwrap(), &format!("environment variable {name}")),
        ];
        for (config, origin) in sources {
            assert_eq!(config.list(), Config::default().list(), "{line}");
            assert_eq!(config.origin(key).to_string(), origin);
        }
    }
}

fn toml_to_json(value: &str) -> serde_json::Value {
    serde_json::to_value(value.parse::<::toml::Value>().unwrap()).unwrap()
}

#[test]
fn arguments_override_the_environment_which_overrides_the_file_and_that_the_default() {
    let base = || Loader::new().text("sso.toml", "[session]\nexpiry = 1\nmax_lifetime = 1\ncache_size = 1\n");
    let config = base()
        .arguments(json!({ "session": { "expiry": 2, "cache_size": null }, "session.max_lifetime": 2 }))
        .environment([
            ("ZATO_SSO_SESSION__EXPIRY", "3"),
            ("ZATO_SSO_SESSION__CACHE_SIZE", "3"),
            ("PATH", "/bin"),
        ])
        .load()
        .unwrap();
    let session: Vec<_> =
        config.entries().into_iter().filter(|entry| entry.key.starts_with("session.")).collect();
    let shown: Vec<_> =
        session.iter().map(|entry| format!("{} = {} ({})", entry.key, entry.value, entry.origin)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    session.expiry = 2 (argument)
    session.max_lifetime = 2 (argument)
    session.idle_timeout = 0 (default)
    session.end_on_password_change = true (default)
    session.end_on_totp_change = true (default)
    session.end_on_lock = true (default)
    session.max_per_user = 1000 (default)
    session.cache = "on" (default)
    session.cache_size = 3 (environment variable ZATO_SSO_SESSION__CACHE_SIZE)
    "#);
}

#[test]
fn the_default_application_and_logins_follow_the_list_of_all() {
    let apps = |tree| Loader::new().arguments(tree).load().unwrap().apps;
    let alone = apps(json!({"apps.all": ["web", "api"]}));
    assert_eq!(
        (alone.default.as_str(), alone.login_allowed),
        ("web", vec!["web".to_owned(), "api".to_owned()])
    );
    let given =
        apps(json!({"apps.all": ["web", "api"], "apps.login_allowed": ["api"], "apps.default": "api"}));
    assert_eq!((given.default.as_str(), given.login_allowed), ("api", vec!["api".to_owned()]));
    let none = apps(json!({}));
    assert_eq!((none.default.as_str(), none.login_allowed), ("CRM", vec!["CRM".to_owned()]));
}

#[test]
fn names_in_tables_are_given_and_overridden_one_by_one() {
    let text = "[user_address_list]\njoe = ['10.0.0.0/8']\n'ann.b' = ['*']\nbob = []\n\
                [password_reset.email_title]\nen_GB = 'Reset'\n";
    let config = Loader::new()
        .text("sso.toml", text)
        .environment([
            ("ZATO_SSO_USER_ADDRESS_LIST__joe", "::1, 127.0.0.1"),
            ("ZATO_SSO_PASSWORD_RESET__EMAIL_TITLE__pl_PL", "Nowe hasło"),
        ])
        .load()
        .unwrap();
    let given: Vec<_> = config
        .entries()
        .into_iter()
        .filter(|entry| entry.origin != Origin::Default)
        .map(|entry| format!("{} = {} ({})", entry.key, entry.value, entry.origin))
        .collect();
    insta::assert_snapshot!(given.join("\n"), @r#"
    user_address_list.ann.b = ["*"] (sso.toml:3)
    user_address_list.bob = [] (sso.toml:4)
    user_address_list.joe = ["::1", "127.0.0.1"] (environment variable ZATO_SSO_USER_ADDRESS_LIST__joe)
    password_reset.email_title.en_GB = "Reset" (sso.toml:6)
    password_reset.email_title.pl_PL = "Nowe hasło" (environment variable ZATO_SSO_PASSWORD_RESET__EMAIL_TITLE__pl_PL)
    "#);
    let joe = config.user_address_list.get("joe").unwrap();
    assert!(joe.allows("127.0.0.1".parse().ok()) && !joe.allows("10.0.0.1".parse().ok()));
    assert!(config.user_address_list.get("ann.b").unwrap().allows(None));
    assert!(!config.user_address_list.get("bob").unwrap().allows("127.0.0.1".parse().ok()));
}

#[test]
fn the_ini_dialect_comes_to_the_same_as_toml() {
    let ini = conf(
        r#"
        [main]
        encrypt_email=False                 # Are emails encrypted?
        [apps]
        all=CRM, "ERP"
        login_allowed=CRM,ERP
        signup_allowed=
        [password]
        min_length=12
        reject_list="""
          qwerty
          123456
        """
        [user_address_list]
        joe.doe=10.0.0.0/8, ::1
        [password_reset]
        email_title.en_GB = Reset, please
        [http]
        request_timeout=500 ms
        "#,
    );
    let toml = toml(
        r#"
        main.encrypt_email = false
        apps = { all = ["CRM", "ERP"], login_allowed = ["CRM", "ERP"], signup_allowed = [] }
        password = { min_length = 12, reject_list = ["qwerty", "123456"] }
        user_address_list."joe.doe" = ["10.0.0.0/8", "::1"]
        password_reset.email_title.en_GB = "Reset, please"
        http.request_timeout = 0.5
        "#,
    );
    assert_eq!(ini.unwrap().list(), toml.unwrap().list());
}

#[test]
fn unknown_names_are_told_with_the_nearest_known_one() {
    insta::assert_snapshot!(message(toml("[main]\n[session]\nexpirty = 5")), @"sso.toml:3: unknown key session.expirty, the nearest known one is session.expiry");
    insta::assert_snapshot!(message(toml("\n[sesion]\n")), @"sso.toml:2: unknown section sesion, the nearest known one is session");
    insta::assert_snapshot!(message(toml("expiry = 5")), @"sso.toml:1: unknown key expiry, the nearest known one is session.expiry");
    insta::assert_snapshot!(message(conf("[session]\n\nexpirty=5")), @"sso.conf:3: unknown key session.expirty, the nearest known one is session.expiry");
    insta::assert_snapshot!(message(Loader::new().argument("session.exp", 5).load()), @"argument: unknown key session.exp, the nearest known one is session.expiry");
    insta::assert_snapshot!(message(variable("ZATO_SSO_SESSION__EXPIRTY", "5")), @"unknown environment variable ZATO_SSO_SESSION__EXPIRTY, the nearest known one is ZATO_SSO_SESSION__EXPIRY");
    insta::assert_snapshot!(message(variable("ZATO_SSO_SESSION_EXPIRY", "5")), @"unknown environment variable ZATO_SSO_SESSION_EXPIRY, the nearest known one is ZATO_SSO_SESSION__EXPIRY");
    insta::assert_snapshot!(message(variable("ZATO_SSO_session__expiry", "5")), @"unknown environment variable ZATO_SSO_session__expiry, the nearest known one is ZATO_SSO_SESSION__EXPIRY");
    assert!(variable("ZATO_SSO_TEST_DATABASE", "x").is_ok());
}

/// A misspelt address of the database was ignored, and an empty SQLite file used.
#[test]
fn every_unknown_variable_of_ours_is_an_error() {
    insta::assert_snapshot!(message(variable("ZATO_SSO_DATABASE_URI", "x")), @"unknown environment variable ZATO_SSO_DATABASE_URI, the nearest known one is ZATO_SSO_DATABASE_URL");
    for (name, near) in [
        ("ZATO_SSO_DATABASE__URI", "ZATO_SSO_DATABASE__URL"),
        ("ZATO_SSO_DATABASEURL", "ZATO_SSO_DATABASE_URL"),
        ("ZATO_SSO_SECRETKEY", "ZATO_SSO_SECRET_KEY"),
        ("ZATO_SSO_DATABASE_URL_FIL", "ZATO_SSO_DATABASE_URL_FILE"),
        ("ZATO_SSO_PASWORD", "ZATO_SSO_PASSWORD"),
        ("ZATO_SSO_PASSWORD_FIEL", "ZATO_SSO_PASSWORD_FILE"),
        ("ZATO_SSO_SMTP_URL", "ZATO_SSO_SMTP__URL"),
        ("ZATO_SSO_Database_Url", "ZATO_SSO_DATABASE_URL"),
        ("ZATO_SSO_HTTP__LISTEN_FILE", "ZATO_SSO_HTTP__LISTEN"),
    ] {
        let said = message(variable(name, "x"));
        assert_eq!(said, format!("unknown environment variable {name}, the nearest known one is {near}"));
    }
    for name in ["ZATO_SSO_", "ZATO_SSO_X", "ZATO_SSO_SERVICE", "ZATO_SSO_PORT", "ZATO_SSO_PORT_X_TCP"] {
        assert!(message(variable(name, "17010")).contains(&format!("variable {name}, ")), "{name}");
    }
    for name in ["ZATO_SSO_PASSWORD", "ZATO_SSO_UST", "ZATO_SSO_TOTP_KEY", "ZATO_SSO_IMPORT_FROM"] {
        assert!(variable(name, "x").is_ok() && variable(&format!("{name}_FILE"), "x").is_ok(), "{name}");
    }
}

/// Kubernetes makes such variables for a service named zato-sso, and for one named zato-sso-web.
#[test]
fn variables_of_service_links_are_not_ours() {
    for (name, value) in [
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT", "17010"),
        ("SERVICE_PORT_HTTP", "17010"),
        ("PORT", "tcp://10.0.0.1:17010"),
        ("PORT_17010_TCP", "tcp://10.0.0.1:17010"),
        ("PORT_17010_TCP_PROTO", "tcp"),
        ("PORT_17010_TCP_PORT", "17010"),
        ("PORT_17010_TCP_ADDR", "10.0.0.1"),
    ] {
        for service in ["ZATO_SSO", "ZATO_SSO_WEB"] {
            assert!(variable(&format!("{service}_{name}"), value).is_ok(), "{service}_{name}");
        }
    }
}

#[test]
fn a_secret_may_stand_in_a_file_that_a_variable_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = |text: &str| {
        let path = folder.path().join("value");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for name in ["ZATO_SSO_DATABASE_URL_FILE", "ZATO_SSO_DATABASE__URL_FILE"] {
        for text in ["postgresql://sso:secret@db/sso\n", "\u{feff}postgresql://sso:secret@db/sso\r\n"] {
            let config = variable(name, &file(text)).unwrap();
            let (_, shown) = config.list().into_iter().find(|(key, _)| key == "database.url").unwrap();
            assert_eq!(shown, "\"postgresql://sso:***@db/sso\"", "{name}");
        }
    }
    let key = variable("ZATO_SSO_SECRET_KEY_FILE", &file("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n"));
    assert!(key.unwrap().main.secret_key.is_some());
    let smtp = variable("ZATO_SSO_SMTP__URL_FILE", &file("smtp://user:pw@mail:25\n")).unwrap();
    assert_eq!(smtp.smtp.url.expose(), "smtp://user:pw@mail:25");
    // The key of that name is a path, as before.
    assert!(variable("ZATO_SSO_MAIN__SECRET_KEY_FILE", "sso.key").unwrap().main.secret_key.is_none());
    let missing = message(variable("ZATO_SSO_DATABASE_URL_FILE", "/none/url"));
    assert!(missing.starts_with(
        "environment variable ZATO_SSO_DATABASE_URL_FILE: names the file /none/url, which cannot be read"
    ));
    assert!(message(variable("ZATO_SSO_DATABASE_URL_FILE", &file("\n"))).ends_with("which is empty"));
    assert!(
        message(variable("ZATO_SSO_DATABASE_URL_FILE", &file(&"x".repeat(70_000))))
            .ends_with("too long for a value")
    );
    let both = Loader::new().environment([
        ("ZATO_SSO_DATABASE_URL", "sqlite:///a.db".to_owned()),
        ("ZATO_SSO_DATABASE_URL_FILE", file("sqlite:///b.db")),
    ]);
    assert!(message(both.load()).contains("sets database.url, and so does ZATO_SSO_DATABASE_URL"));
}

#[test]
fn wrong_types_are_told_with_what_was_expected() {
    insta::assert_snapshot!(message(toml("[session]\nexpiry = 'sixty'")), @r#"sso.toml:2: session.expiry: expected a whole number from 0 to 4294967295, found "sixty""#);
    insta::assert_snapshot!(message(toml("session.expiry = 1.5")), @"sso.toml:1: session.expiry: expected a whole number from 0 to 4294967295, found 1.5");
    insta::assert_snapshot!(message(toml("session.expiry = 99999999999999999999")), @"sso.toml:1: session.expiry: expected a whole number from 0 to 4294967295, found a number that is too large");
    insta::assert_snapshot!(message(toml("session.expiry = { minutes = 5 }")), @"sso.toml:1: session.expiry: expected a whole number from 0 to 4294967295, found a table");
    insta::assert_snapshot!(message(toml("session = 5")), @"sso.toml:1: session: expected a section, found a number");
    insta::assert_snapshot!(message(toml("main.encrypt_email = 1")), @"sso.toml:1: main.encrypt_email: expected true or false, found 1");
    insta::assert_snapshot!(message(toml("apps.all = 'CRM'")), @r#"sso.toml:1: apps.all: expected a list of strings, found "CRM""#);
    insta::assert_snapshot!(message(toml("apps.all = [1]")), @"sso.toml:1: apps.all: expected a list of strings, found a list");
    insta::assert_snapshot!(message(toml("main.site_name = 1979-05-27")), @"sso.toml:1: main.site_name: expected a string, found a date or time");
    insta::assert_snapshot!(message(toml("session.cache = false")), @r#"sso.toml:1: session.cache: expected "on" or "off", found false"#);
    insta::assert_snapshot!(message(toml("password_reset.user_search_by = 'name'")), @r#"sso.toml:1: password_reset.user_search_by: expected "username", "email" or "username_or_email", found "name""#);
    insta::assert_snapshot!(message(toml("password_reset.email_title = 'Reset'")), @r#"sso.toml:1: password_reset.email_title: expected a table, found "Reset""#);
    insta::assert_snapshot!(message(toml("user_address_list.joe = ['10.0.0.300']")), @r#"sso.toml:1: user_address_list.joe: expected a list of addresses, CIDR blocks or "*", such as ["10.0.0.0/8", "::1"], found "10.0.0.300""#);
    insta::assert_snapshot!(message(toml("http.listen = 'localhost'")), @r#"sso.toml:1: http.listen: expected an address and a port, such as "127.0.0.1:17010" or "[::1]:17010", found "localhost""#);
    insta::assert_snapshot!(message(toml("http.request_timeout = 'soon'")), @r#"sso.toml:1: http.request_timeout: expected seconds, or a duration such as "30 s", "500 ms" or "2 m", found "soon""#);
    insta::assert_snapshot!(message(variable("ZATO_SSO_MAIN__ENCRYPT_EMAIL", "maybe")), @r#"environment variable ZATO_SSO_MAIN__ENCRYPT_EMAIL: main.encrypt_email: expected true or false, found "maybe""#);
    insta::assert_snapshot!(message(Loader::new().argument("session.expiry", "5").load()), @r#"argument: session.expiry: expected a whole number from 0 to 4294967295, found "5""#);
    insta::assert_snapshot!(message(Loader::new().arguments(json!(["session"])).load()), @"argument: expected a table of sections");
}

#[test]
fn a_wrong_value_is_an_error_even_where_it_is_overridden() {
    let overridden =
        Loader::new().text("sso.toml", "session.expiry = 'x'").argument("session.expiry", 5).load();
    assert!(message(overridden).starts_with("sso.toml:1: session.expiry"));
}

#[test]
fn values_that_cannot_work_are_told_where_they_were_given() {
    insta::assert_snapshot!(message(toml("session.expiry = 0")), @"sso.toml:1: session.expiry must be from 1 to 52560000, not 0");
    insta::assert_snapshot!(message(toml("\nsearch.default_page_size = 200")), @"sso.toml:2: search.max_page_size must not be below search.default_page_size, which is 200");
    insta::assert_snapshot!(message(toml("search.max_page_size = 20")), @"sso.toml:1: search.max_page_size must not be below search.default_page_size, which is 50");
    insta::assert_snapshot!(message(toml("password.min_length = 500")), @"sso.toml:1: password.max_length must not be below password.min_length, which is 500");
    insta::assert_snapshot!(message(toml("password.reject_list = ['']")), @"sso.toml:1: password.reject_list has a blank string, which would refuse everything");
    insta::assert_snapshot!(message(toml("apps.all = []")), @"sso.toml:1: apps.all must name at least one application, and none may be blank");
    insta::assert_snapshot!(message(toml("apps.login_allowed = ['ERP']")), @r#"sso.toml:1: apps.login_allowed names "ERP", which is not in apps.all"#);
    insta::assert_snapshot!(message(toml("apps.default = 'ERP'")), @r#"sso.toml:1: apps.default is "ERP", which is not in apps.all"#);
    insta::assert_snapshot!(message(toml("apps.http_header = 'X App'")), @"sso.toml:1: apps.http_header must be the name of an HTTP header");
    insta::assert_snapshot!(message(toml("hash_secret.memory_kib = 1024")), @"sso.toml:1: hash_secret.memory_kib of 1024 with 2 iterations is below OWASP's minimum (19456 with 2, or 47104 with 1, 12288 with 3, 9216 with 4, 7168 with 5); hash_secret.allow_weak = true accepts it, for tests");
    insta::assert_snapshot!(message(toml("http.prefix = 'sso/'")), @"sso.toml:1: http.prefix must be a path such as /zato/sso, without a slash at its end, or empty");
    insta::assert_snapshot!(message(toml("http.request_timeout = 0")), @"sso.toml:1: http.request_timeout must be from 1 ms to 24 h");
    insta::assert_snapshot!(message(toml("login_throttle.max_failures = 101")), @"sso.toml:1: login_throttle.max_failures must be from 1 to 100, not 101");
    insta::assert_snapshot!(message(toml("login_throttle.initial_delay = 1000")), @"sso.toml:1: login_throttle.max_delay must not be below login_throttle.initial_delay, which is 1000");
    insta::assert_snapshot!(message(toml("login_throttle = { threshold = 9, max_failures = 8 }")), @"sso.toml:1: login_throttle.max_failures must not be below login_throttle.threshold, which is 9");
    insta::assert_snapshot!(message(toml("password_reset.email_from = 'sso'")), @"sso.toml:1: password_reset.email_from must be an email address");
    insta::assert_snapshot!(message(toml(r#"password_reset.email_from = "a@b\r\nBcc: c@d""#)), @"sso.toml:1: password_reset.email_from must be one line");
    insta::assert_snapshot!(message(toml(r#"password_reset.email_title.en = "a\nb""#)), @"sso.toml:1: password_reset.email_title must be one line for each locale");
    insta::assert_snapshot!(message(toml("password_reset.url = 'example.com'")), @"sso.toml:1: password_reset.url must be a full address, such as https://example.com/reset");
    insta::assert_snapshot!(message(toml("smtp.url = 'host:25'")), @"sso.toml:1: smtp.url must begin with smtp:// or smtps://");
    assert!(toml("apps.all = ['ERP']").is_ok(), "the defaults of the other keys then allow nobody");
}

#[test]
fn what_is_no_toml_and_no_text_is_told_by_line() {
    insta::assert_snapshot!(message(toml("[session]\nexpiry 5")), @"sso.toml:2: key with no value, expected `=`");
    insta::assert_snapshot!(message(toml("[session]\nexpiry = 5\nexpiry = 6")), @"sso.toml:3: duplicate key");
    insta::assert_snapshot!(message(toml("a = \"\nb")), @r#"sso.toml:1: invalid basic string, expected `"`"#);
    insta::assert_snapshot!(message(conf("[session]\nexpiry 5")), @"sso.conf:2: expected [section] or key=value");
    let missing = message(Loader::new().file("no-such\nfile.toml").load());
    assert!(missing.starts_with("no-such file.toml: cannot be read: "), "{missing}");
}

#[cfg(unix)]
#[test]
fn a_variable_must_be_text() {
    use std::os::unix::ffi::OsStringExt as _;
    let wrong = OsString::from_vec(vec![0xff]);
    let load = |name: OsString, value: OsString| Loader::new().environment([(name, value)]).load();
    assert!(load(wrong.clone(), wrong.clone()).is_ok());
    assert_eq!(
        message(load("ZATO_SSO_MAIN__SITE_NAME".into(), wrong)),
        "environment variable ZATO_SSO_MAIN__SITE_NAME: is not UTF-8"
    );
}

#[test]
fn the_two_short_variables_are_the_usual_ones() {
    let config = Loader::new()
        .environment([("ZATO_SSO_DATABASE_URL", "sqlite::memory:"), ("ZATO_SSO_SECRET_KEY", "hunter2")])
        .text("sso.toml", "[database]\nurl = 'sqlite:///other.db'\n")
        .load()
        .unwrap();
    assert!(matches!(config.database.url, DatabaseUrl::SqliteMemory));
    assert_eq!(config.main.secret_key.unwrap().expose_secret(), "hunter2");

    insta::assert_snapshot!(message(variable("ZATO_SSO_SECRET_KEY", "")), @"environment variable ZATO_SSO_SECRET_KEY: is empty");
    let twice = [("ZATO_SSO_DATABASE_URL", "sqlite:a.db"), ("ZATO_SSO_DATABASE__URL", "sqlite:b.db")];
    insta::assert_snapshot!(message(Loader::new().environment(twice).load()), @"environment variable ZATO_SSO_DATABASE__URL: sets database.url, and so does ZATO_SSO_DATABASE_URL");
}

#[test]
fn secrets_show_nowhere() {
    let text = "main.secret_key = 'hunter2'\nsmtp.url = 'smtp://u:hunter2@host'\n\
                database.url = 'postgres://u:hunter2@host/db'\n";
    let config = toml(text).unwrap();
    assert!(!format!("{config:?}{:?}", config.entries()).contains("hunter2"));
    let shown: Vec<_> =
        config.entries().into_iter().filter(|entry| entry.origin != Origin::Default).collect();
    let shown: Vec<_> = shown.iter().map(|entry| format!("{} = {}", entry.key, entry.value)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    main.secret_key = "***"
    database.url = "postgres://u:***@host/db"
    smtp.url = "smtp://u:***@host"
    "#);

    insta::assert_snapshot!(message(toml("database.url = 'mysql://u:hunter2@host'")), @"sso.toml:1: database.url: expected sqlite:///relative.db, sqlite:////absolute/path.db, sqlite::memory: or postgresql://user:password@host/name, found a string that is not shown here");
    insta::assert_snapshot!(message(toml("main.secret_key = 12345")), @"sso.toml:1: main.secret_key: expected a string, found a number");
    insta::assert_snapshot!(message(toml("smtp.url = 'u:hunter2@host'")), @"sso.toml:1: smtp.url must begin with smtp:// or smtps://");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_file() {
    assert_eq!(toml("\u{feff}session.expiry = 5").unwrap().session.expiry, 5);
}

proptest! {
    #[test]
    fn no_file_panics_and_every_message_is_one_line(
        text in "\\PC{0,40}",
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12),
    ) {
        for text in [text, pieces.concat()] {
            for result in [toml(&text), conf(&text), variable("ZATO_SSO_APPS__ALL", &text)] {
                let message = result.err().map(|error| error.to_string()).unwrap_or_default();
                prop_assert!(message.lines().count() <= 1, "{message:?}");
            }
        }
    }
}

const PIECES: &[&str] = &[
    "[session]",
    "[user_address_list]",
    "[password_reset.email_title]",
    "\n",
    "\r\n",
    "expiry",
    " = ",
    "=",
    "5",
    "-1",
    "1e999",
    "\"",
    "'",
    "\"\"\"",
    "#",
    ",",
    "[",
    "]",
    "{",
    "}",
    ".",
    "joe",
    "\u{0}",
    "\u{2028}",
    "\\",
    "\\u0000",
    "apps.all",
    "['CRM']",
    "0x",
    "nan",
    "http.request_timeout",
    "99999999999999999999",
    "\u{feff}",
    "1979-05-27",
];
