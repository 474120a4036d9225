//! The command: the doctor finds what is wrong, says what to do, and changes nothing.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::command::{Done, Folder, Running};
use crate::smtp::{Manner, SmtpServer};
use crate::support::{Kind, PASSWORD, execute};

on_both_databases! {
    a_healthy_installation_has_no_problem;
    what_is_not_there_yet_is_said_and_not_made;
    a_schema_that_is_not_this_version_is_told;
    the_wrong_key_is_told;
    a_proxy_that_is_not_trusted_is_told;
}

/// Runs the doctor, which must leave every file as it was.
#[track_caller]
fn doctor(folder: &Folder, options: &str) -> Done {
    let before = folder.content();
    let done = folder.run(&format!("doctor {options}"));
    let after = folder.content();
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{done}");
    assert!(after == before, "a file was changed");
    assert_eq!(done.stderr, "");
    done
}

/// Check and result of each finding, and all of it.
fn findings(folder: &Folder) -> (i32, Vec<String>, String) {
    let done = doctor(folder, "--json");
    let found: Value = serde_json::from_str(&done.stdout).unwrap();
    let line = |finding: &Value| format!("{} {}", finding["check"], finding["result"]).replace('"', "");
    (done.status, found.as_array().unwrap().iter().map(line).collect(), done.stdout)
}

/// A folder with everything in it, at its defaults but for the hash.
fn initialised() -> Folder {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    assert_eq!(folder.run("init").status, 0);
    assert_eq!(folder.run("create-user user1").status, 0);
    folder.unset("ZATO_SSO_HASH_SECRET__ALLOW_WEAK");
    folder.unset("ZATO_SSO_HASH_SECRET__MEMORY_KIB");
    folder.unset("ZATO_SSO_HASH_SECRET__ITERATIONS");
    folder
}

async fn a_proxy_that_is_not_trusted_is_told(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.sso.close().await;
    let seen = |time: i64| {
        let value = format!(r#"{{"peer":"192.0.2.7","time":{time}}}"#);
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        if kind == Kind::Sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") }
    };
    execute(&world, "DELETE FROM sso_setting WHERE name = 'untrusted_proxy'").await;
    let long_ago = seen(1_500_000_000_000_000);
    execute(&world, &format!("INSERT INTO sso_setting (name, value) VALUES ('untrusted_proxy', {long_ago})"))
        .await;
    assert!(!findings(&folder).2.contains("X-Forwarded-For"));
    let lately = seen(4_000_000_000_000_000);
    execute(&world, &format!("UPDATE sso_setting SET value = {lately} WHERE name = 'untrusted_proxy'")).await;
    let (status, lines, text) = findings(&folder);
    assert!(status == 0 && lines.contains(&"proxies warning".to_owned()), "{text}");
    assert!(text.contains("192.0.2.7") && text.contains("http.trusted_proxies"), "{text}");
    folder.set("ZATO_SSO_HTTP__TRUSTED_PROXIES", "192.0.2.0/24");
    assert!(!findings(&folder).2.contains("X-Forwarded-For"));
}

async fn a_healthy_installation_has_no_problem(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    let (status, lines, text) = findings(&folder);
    assert_eq!(status, 0, "{text}");
    let expected = ["configuration warning", "key ok", "database ok", "database ok", "clock ok", "smtp ok"];
    assert_eq!(lines, expected, "{text}");
    let of_kind = if kind == Kind::Sqlite { "no other clock" } else { "agrees with the database server" };
    assert!(text.contains("hash_secret.allow_weak") && text.contains(of_kind), "{text}");
    assert!(text.contains("the one of this database, from the configuration"), "{text}");
}

async fn what_is_not_there_yet_is_said_and_not_made(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.unset("ZATO_SSO_SECRET_KEY");
    let (status, lines, text) = findings(&folder);
    assert_eq!(status, 1, "{text}");
    if kind == Kind::Sqlite {
        assert_eq!(
            lines,
            ["configuration warning", "key warning", "database problem", "clock ok", "smtp ok"],
            "{text}"
        );
        assert!(text.contains("make it with zato-sso init"), "{text}");
    } else {
        let expected = [
            "configuration warning",
            "key problem",
            "database ok",
            "database problem",
            "clock ok",
            "smtp ok",
        ];
        assert_eq!(lines, expected, "{text}");
        assert!(text.contains("create it with zato-sso migrate"), "{text}");
    }
}

async fn a_schema_that_is_not_this_version_is_told(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.sso.close().await;
    execute(&world, "DELETE FROM sso_schema_version WHERE version < 7").await;
    for (version, result, status) in [(0, "warning", 0), (999, "problem", 1)] {
        execute(&world, &format!("UPDATE sso_schema_version SET version = {version}")).await;
        let (found, lines, text) = findings(&folder);
        assert_eq!((found, lines[3].as_str()), (status, format!("database {result}").as_str()), "{text}");
    }
}

async fn the_wrong_key_is_told(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.run("migrate");
    folder.set("ZATO_SSO_SECRET_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    let (status, lines, text) = findings(&folder);
    assert_eq!((status, lines[1].as_str()), (1, "key problem"), "{text}");
    assert!(text.contains("wrong key") && !text.contains("AQEB"), "{text}");
    folder.unset("ZATO_SSO_SECRET_KEY");
    let (status, lines, text) = findings(&folder);
    assert_eq!((status, lines[1].as_str()), (1, "key problem"), "{text}");
    assert!(text.contains("was made with a secret key that is not here"), "{text}");
}

#[test]
fn the_table_says_what_to_do() {
    let folder = initialised();
    let done = doctor(&folder, "").to_string();
    let clock = done.lines().find(|line| line.contains("clock")).unwrap().to_owned();
    insta::assert_snapshot!(done.replace(&clock, "out: clock …"), @r"
    status 0
    out: CHECK          RESULT  FINDING
    out: configuration  ok      valid, and nothing in it is weak
    out: key            ok      the one of this database, in sso.db.key
    out: database       ok      sqlite:///sso.db is whole
    out: database       ok      its schema is up to date, version 7
    out: clock …
    out: smtp           ok      smtp.url is not set: no email is sent
    ");
}

#[test]
fn a_configuration_that_cannot_be_read_is_all_there_is_to_say() {
    let folder = initialised();
    folder.write("sso.toml", "[session]\nexpiri = 5\n");
    insta::assert_snapshot!(doctor(&folder, ""), @r"
    status 1
    out: CHECK          RESULT   FINDING
    out: configuration  problem  sso.toml:2: unknown key session.expiri, the nearest known one is session.expiry
    ");
}

#[test]
fn a_key_file_that_others_can_read_is_told_here_and_by_the_server() {
    let folder = initialised();
    fs::set_permissions(folder.path("sso.db.key"), Permissions::from_mode(0o640)).unwrap();
    let (status, lines, text) = findings(&folder);
    assert_eq!((status, lines[2].as_str()), (0, "key warning"), "{text}");
    assert!(text.contains("run chmod 600 sso.db.key"), "{text}");
    let server = Running::start(&folder, "serve --json --listen 127.0.0.1:0");
    server.signal("-TERM");
    let (status, said) = server.end();
    assert_eq!(status, Some(0));
    assert_eq!(
        said,
        "zato-sso: others than its owner may use the key file sso.db.key, its mode is 0640: run chmod 600 sso.db.key\n"
    );
}

#[test]
fn a_damaged_file_is_told() {
    let folder = initialised();
    let mut file = OpenOptions::new().write(true).open(folder.path("sso.db")).unwrap();
    // Pages behind the first, which holds the schema.
    for page in [3, 5, 8, 13] {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xff; 4096]).unwrap();
    }
    drop(file);
    let (status, lines, text) = findings(&folder);
    assert!(status == 1 && lines.contains(&"database problem".to_owned()), "{text}");
    assert!(text.contains("restore it from a backup"), "{text}");
}

#[test]
fn a_server_that_is_away_is_told() {
    let mut folder = initialised();
    folder.set("ZATO_SSO_DATABASE_URL", "postgresql://ann:hunter2@127.0.0.1:1/sso");
    let (status, lines, text) = findings(&folder);
    assert_eq!(status, 1);
    assert_eq!(
        lines,
        ["configuration ok", "key problem", "database problem", "clock ok", "smtp ok"],
        "{text}"
    );
    assert!(text.contains("Connection refused") && !text.contains("hunter2"), "{text}");
}

#[test]
fn an_smtp_server_that_is_away_or_does_not_do_is_told() {
    let mut folder = initialised();
    let smtp = |folder: &Folder| {
        let (status, lines, text) = findings(folder);
        assert!(!text.contains("hunter2"), "{text}");
        (status, lines.last().unwrap().clone(), text)
    };
    folder.set("ZATO_SSO_SMTP__URL", "smtp://ann:hunter2@127.0.0.1:1?tls=none");
    let (status, line, text) = smtp(&folder);
    assert_eq!((status, line.as_str()), (1, "smtp problem"), "{text}");
    assert!(text.contains("smtp://ann:***@127.0.0.1:1?tls=none: no connection to the server"), "{text}");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(SmtpServer::new(Manner::Kind));
    folder.set("ZATO_SSO_SMTP__URL", &server.url);
    let (status, line, text) = smtp(&folder);
    assert_eq!((status, line.as_str()), (0, "smtp ok"), "{text}");
    folder.set("ZATO_SSO_SMTP__URL", &format!("{}?tls=starttls", server.url));
    let (status, line, text) = smtp(&folder);
    assert_eq!((status, line.as_str()), (1, "smtp problem"), "{text}");
    assert!(server.received().is_empty());
}

#[test]
fn it_can_look_while_the_server_runs() {
    let folder = initialised();
    let server = Running::start(&folder, "serve --json --listen 127.0.0.1:0");
    let done = folder.run("doctor");
    assert_eq!(done.status, 0, "{done}");
    server.signal("-TERM");
    assert_eq!(server.end().0, Some(0));
    assert_eq!(
        json!(folder.names()),
        json!(["sso.db", "sso.db-epoch", "sso.db.key", "sso.db.key.audit-head", "sso.toml"])
    );
}

#[test]
fn an_audit_file_that_cannot_be_written_to_is_told() {
    let mut folder = initialised();
    let audit = |folder: &Folder| {
        let (status, lines, text) = findings(folder);
        (status, lines.into_iter().find(|line| line.starts_with("audit")), text)
    };
    assert_eq!(audit(&folder).1, None);
    folder.set("ZATO_SSO_AUDIT__FILE", "audit.jsonl");
    let (status, line, text) = audit(&folder);
    assert_eq!((status, line.as_deref()), (0, Some("audit ok")), "{text}");
    folder.write("audit.jsonl", "");
    assert_eq!(audit(&folder).1.as_deref(), Some("audit ok"));
    for wrong in ["nowhere/audit.jsonl", "."] {
        folder.set("ZATO_SSO_AUDIT__FILE", wrong);
        let (status, line, text) = audit(&folder);
        assert_eq!((status, line.as_deref()), (1, Some("audit problem")), "{text}");
        assert!(text.contains("cannot be written to"), "{text}");
    }
}
