//! Bringing users over, and writing them down.

use std::io::Cursor;
use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use zato_sso::crypto::FirebaseParams;
use zato_sso::domain::{
    Code, ImportFinding, ImportObserver, ImportSummary, Password, Result, SecType, TokenRules,
};
use zato_sso::ops::{Actor, FileFormat, FileSource, ImportOptions, LoginRequest, NewSecDef, SetPassword};

use crate::linked_auth::until_it_waits;
use crate::login::{TOTP_KEY, code_of};
use crate::support::{
    Kind, PASSWORD, World, any_rows, credentials, ctx, envelope, execute, new_user, refusal, stored_hash,
};

on_both_databases! {
    who_comes_with_a_hash_logs_in_and_has_argon2id_then;
    everything_that_is_told_of_a_user_is_there;
    a_second_run_changes_nothing;
    bad_records_are_told_and_cost_no_good_one;
    a_dry_run_tells_the_same_and_writes_nothing;
    a_part_that_cannot_come_is_told_and_the_user_comes;
    what_the_database_does_not_take_costs_no_other;
    who_comes_into_being_meanwhile_is_there_already;
    what_is_written_down_comes_back_as_it_was;
    without_secrets_none_is_written_down;
    a_password_that_nobody_has_chosen_stays_one;
    a_run_is_one_entry_in_the_audit_trail;
    who_comes_has_an_identity_like_everybody;
}

/// A hash that is quickly made, of [`PASSWORD`]'s first word.
pub const HASH: &str = "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww";
pub const HASHED: &str = "password";

/// From the README of firebase/scrypt.
const FIREBASE: &str = "hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}";

#[derive(Default)]
pub struct Told {
    pub findings: Vec<ImportFinding>,
    progress: Vec<(u64, u64, Option<u64>)>,
}

impl ImportObserver for Told {
    fn found(&mut self, finding: ImportFinding) -> Result<()> {
        self.findings.push(finding);
        Ok(())
    }

    fn progressed(&mut self, summary: &ImportSummary, done: u64, total: Option<u64>) {
        self.progress.push((summary.read, done, total));
    }
}

impl Told {
    /// Position, name, and why.
    pub fn lines(&self) -> Vec<String> {
        let line = |finding: &ImportFinding| {
            let name = finding.username.as_deref().unwrap_or("-");
            let what = if finding.is_refused { "refused" } else { "left" };
            format!("{} {name} {what}: {}", finding.position, finding.reason)
        };
        self.findings.iter().map(line).collect()
    }
}

pub async fn run(
    world: &World,
    text: impl Into<Vec<u8>>,
    format: FileFormat,
    options: ImportOptions,
) -> (Result<ImportSummary>, Told) {
    let mut told = Told::default();
    let text = text.into();
    let total = Some(text.len() as u64);
    let source = FileSource::new(Cursor::new(text), format, total);
    let outcome = world.sso.import_users(&ctx(), source, options, &mut told).await;
    (outcome, told)
}

pub async fn bring(world: &World, text: impl Into<Vec<u8>>) -> (ImportSummary, Told) {
    let (outcome, told) = run(world, text, FileFormat::JsonLines, ImportOptions::new("jsonl", false)).await;
    (outcome.unwrap(), told)
}

pub async fn bring_rows(world: &World, text: impl Into<Vec<u8>>) -> (ImportSummary, Told) {
    let (outcome, told) = run(world, text, FileFormat::Csv, ImportOptions::new("csv", false)).await;
    (outcome.unwrap(), told)
}

pub fn lines(users: &[Value]) -> String {
    users.iter().map(|user| format!("{user}\n")).collect()
}

pub async fn count(world: &World) -> usize {
    any_rows(world, "SELECT username FROM sso_user").await.len()
}

pub async fn export(world: &World, with_secrets: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let write = |line: &str| {
        lines.push(line.to_owned());
        Ok(())
    };
    world.sso.export_users(&ctx(), with_secrets, write).await.unwrap();
    lines
}

pub fn counts(read: u64, imported: u64, already_there: u64, refused: u64, incomplete: u64) -> ImportSummary {
    ImportSummary { read, imported, already_there, refused, incomplete }
}

async fn who_comes_with_a_hash_logs_in_and_has_argon2id_then(kind: Kind) {
    let world = World::new(kind).await;
    let keycloak = json!({
        "type": "password",
        "secretData": json!({"value": "SwB5AbdlSJq+rUnZJvch0GWkKcE=", "salt": "c2FsdA=="}).to_string(),
        "credentialData": json!({"hashIterations": 4096, "algorithm": "pbkdf2"}).to_string(),
    });
    let cases = [
        ("passlib", json!(HASH), HASHED),
        ("keycloak", keycloak.clone(), "password"),
        ("keycloaktext", json!(keycloak.to_string()), "password"),
        (
            "django",
            json!("pbkdf2_sha256$30000$seasalt$VrX+V8drCGo68wlvy6rfu8i1d1pfkdeXA4LJkRGJodY="),
            "l\u{e8}tmein",
        ),
        (
            "djangoscrypt",
            json!(
                "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw=="
            ),
            "l\u{e8}tmein",
        ),
        (
            "djangoargon2",
            json!("argon2$argon2i$v=19$m=256,t=1,p=1$c29tZXNhbHQ$AJFIsNZTMKTAewB4+ETN1A"),
            "password",
        ),
        (
            "djangobcrypt",
            json!("bcrypt_sha256$$2a$08$NDjSAIcas.EcoxCRiArvT.MkNiPYVhrsrnJsRkLueZOoV1bsQqlmC"),
            "l\u{e8}tmein",
        ),
        ("bcrypt", json!("$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"), "U*U*U"),
        ("bcrypt2y", json!("$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"), "U*U*U"),
        (
            "werkzeug",
            json!(
                "scrypt:1024:8:1$rSSsGSPmGS9wCg7g$bbd2ed3aa77ea77c141064947877453ed3ab0276ec1551f7170ff417f98bdb63b8031b14bba7f7e279db6c089235fa0d67314961bb1564b4fd051c5974bf9ac3"
            ),
            "correct horse",
        ),
        ("phpass", json!("$P$58Z13/P5ZFm.gAgVBpgvA6QperH5OK0"), "correct horse"),
        (
            "wordpress",
            json!("$wp$2y$04$daLajCvzx93oRi4IjCO4Wu0lGfQpsFfMmoI4VKmnQenKJIqyAk1F."),
            "correct horse",
        ),
        ("ldap", json!("{SSHA}TryrN8IlITUJ1mjOmfwkP5F8jwCvNQag"), "correct horse"),
        (
            "ldapcrypt",
            json!(
                "{CRYPT}$6$rounds=1000$bA6mxzY4BXz1OVo7$uwqsq1FoIdn3vWW4GfV19KSd2mivcnoKbF3A3W.Li.oNZeuhoGmDPkaTS9fHgdSgEJEOCy0C3qSw38Fit5gcp0"
            ),
            "correct horse",
        ),
        (
            "passlibbcrypt",
            json!("$bcrypt-sha256$v=2,t=2b,r=4$UyiiY88XpE0o7udkIhS7HO$TGQ0CrNbcdX5UH/kbzQSmzWmTzlfK8O"),
            "correct horse",
        ),
        (
            "betterauth",
            json!(
                "b23580e7343e5882eb31d59e9c52b765:696ebe1e0a50dad234a2b5558f4d2d78ea7e712a2e036a4ee2bc3da40717d19bd9ba23dc45590fa7682a847ddde4501a299a57d179d1286f9099e02b0c27d5ac"
            ),
            "correct horse",
        ),
        (
            "aspnet",
            json!("AQAAAAIAAAPoAAAAEOv2uLvZKfliixsCHLD4KXu2rpkpqUZwWQ0TaBjp3C8ZgqJd695q3jHpFUDUZYY+Ag=="),
            "correct horse",
        ),
        (
            "firebase",
            json!({
                "passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
                "salt": "42xEC+ixf3L2lw==",
            }),
            "user1password",
        ),
    ];
    let users: Vec<_> =
        cases.iter().map(|(name, hash, _)| json!({"username": name, "password_hash": hash})).collect();
    let options = ImportOptions {
        firebase: Some(Arc::new(FirebaseParams::parse(FIREBASE).unwrap())),
        ..ImportOptions::new("jsonl", false)
    };
    let (summary, told) = run(&world, lines(&users), FileFormat::JsonLines, options).await;
    assert_eq!((summary.unwrap(), told.lines()), (counts(18, 18, 0, 0, 0), vec![]));
    // What is exported with its hashes is imported again, that of Firebase without the project's parameters.
    let other = World::new(kind).await;
    let exported = export(&world, true).await.join("\n");
    let (summary, told) = bring(&other, exported).await;
    assert_eq!((summary, told.lines()), (counts(18, 18, 0, 0, 0), vec![]));
    other.sso.login(&ctx(), credentials("firebase", "user1password")).await.unwrap();
    for (name, _, password) in cases {
        let wrong = world.sso.login(&ctx(), credentials(name, "x")).await;
        assert_eq!(refusal(wrong), Code::AuthNotAllowed, "{name}");
        assert!(!stored_hash(&world, name).await.starts_with("$argon2id$"), "{name}");
        world.sso.login(&ctx(), credentials(name, password)).await.unwrap();
        assert!(stored_hash(&world, name).await.starts_with("$argon2id$"), "{name}");
        world.sso.login(&ctx(), credentials(name, password)).await.unwrap();
    }
}

/// All that can be told of a user.
fn whole(username: &str) -> Value {
    json!({
        "user_id": format!("zusr0{username}"), "username": username, "password_hash": HASH,
        "email": format!("{username}@example.com"), "email_is_verified": true, "display_name": "Ann Lee", "first_name": "Ann",
        "middle_name": "B", "last_name": "Lee", "is_active": false, "is_internal": true, "is_super_user": true,
        "is_locked": true, "locked_time": "2020-01-02T03:04:05.000006", "locked_by": "root",
        "sign_up_status": "to_approve", "sign_up_time": "2019-01-01T00:00:00",
        "sign_up_confirm_time": "2019-01-02T00:00:00", "approval_status": "rejected",
        "approval_status_mod_time": "2019-01-03T00:00:00", "approval_status_mod_by": "zusr1",
        "password_last_set": "2019-01-04T00:00:00", "password_expiry": "2029-01-04T00:00:00",
        "password_must_change": true, "is_totp_enabled": true, "totp_key": TOTP_KEY, "totp_label": "phone",
        "is_rate_limit_active": true, "rate_limit_type": "EXACT", "rate_limit_def": "*=5/m",
        "rate_limit_check_parent_def": true, "creation_ctx": "{\"by\":\"hand\"}",
        "attrs": [
            {"name": "a", "value": {"n": 1}, "is_encrypted": false, "creation_time": "2019-02-01T00:00:00",
                "last_modified": "2019-02-02T00:00:00", "expiration_time": "9999-12-31T00:00:00"},
            {"name": "b", "value": "hidden", "is_encrypted": true, "creation_time": "2019-02-01T00:00:00",
                "last_modified": "2019-02-02T00:00:00", "expiration_time": "2027-02-02T00:00:00"},
        ],
    })
}

async fn everything_that_is_told_of_a_user_is_there(kind: Kind) {
    let world = World::new(kind).await;
    let (summary, told) = bring(&world, lines(&[whole("ann")])).await;
    assert_eq!((summary, told.lines()), (counts(1, 1, 0, 0, 0), vec![]));
    let written: Vec<Value> =
        export(&world, true).await.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(written, [whole("ann")]);
    // Nothing of it lies about in clear.
    for (column, secret) in [("email", "ann@"), ("password_hash", "$pbkdf2"), ("totp_key", TOTP_KEY)] {
        let kept = envelope(&world, column, "ann").await;
        assert!(!String::from_utf8_lossy(&kept).contains(secret), "{column}");
    }
    let attr = any_rows(&world, "SELECT value FROM sso_user_attr WHERE name = 'b'").await;
    assert!(!String::from_utf8_lossy(&attr[0]).contains("hidden"));

    // Who may log in does so with the code as well.
    let mut user = whole("bob");
    for (field, value) in [
        ("is_locked", json!(false)),
        ("sign_up_status", json!("final")),
        ("approval_status", json!("approved")),
        ("password_must_change", json!(false)),
    ] {
        user[field] = value;
    }
    bring(&world, lines(&[user])).await;
    let without = world.sso.login(&ctx(), credentials("bob", HASHED)).await;
    assert_eq!(refusal(without), Code::AuthTotpMissing);
    let with_code = |name: &str| LoginRequest {
        totp_code: Some(Password::from(code_of(TOTP_KEY, 0))),
        ..credentials(name, HASHED)
    };
    world.sso.login(&ctx(), with_code("bob")).await.unwrap();
    let locked = world.sso.login(&ctx(), with_code("ann")).await;
    assert_eq!(refusal(locked), Code::AuthLocked);
}

async fn a_second_run_changes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let named = json!({"username": "bob", "password_hash": HASH});
    let text = lines(&[whole("ann"), named]);
    assert_eq!(bring(&world, text.clone()).await.0, counts(2, 2, 0, 0, 0));
    let bob = world.sso.get_user_by_username(&ctx(), "bob", true).await.unwrap().unwrap().user;
    let password = Password::from(PASSWORD);
    let request = SetPassword { password, must_change: false, password_expiry: None, details: None };
    world.sso.set_password(&ctx(), bob.user_id.as_str(), request).await.unwrap();
    let before = export(&world, true).await;
    let (summary, told) = bring(&world, text).await;
    assert_eq!((summary, told.lines()), (counts(2, 0, 2, 0, 0), vec![]));
    assert_eq!(export(&world, true).await, before);
    world.login("bob").await;
}

async fn bad_records_are_told_and_cost_no_good_one(kind: Kind) {
    let world = World::new(kind).await;
    let taken = world.user("taken").await;
    let good = |name: &str| json!({"username": name, "password_hash": HASH}).to_string().into_bytes();
    let long = "x".repeat(10 << 20);
    let told_of = |value: Value| value.to_string().into_bytes();
    let bad: Vec<(Vec<u8>, &str)> = vec![
        (br#"{"username": "cut", "pass"#.to_vec(), "cut refused: the JSON object is cut off"),
        (b"\xff\xfe{}".to_vec(), "- refused: not UTF-8: byte 1"),
        (br#"{"username": "caf\xe9"}"#.to_vec(), "- refused: not a JSON object: column 19"),
        (b"{\"username\": \"caf\xe9\"}".to_vec(), "- refused: not UTF-8: byte 18"),
        (b"[1]".to_vec(), "- refused: not a JSON object: column 0"),
        (
            b"{\"username\": \"latin\", \"first_name\": \"Ren\xe9\"}".to_vec(),
            "latin refused: not UTF-8: byte 41",
        ),
        (told_of(json!({"email": "a@example.com"})), "- refused: username: needed"),
        (
            told_of(json!({"username": "digits", "password_hash": 12345})),
            "digits refused: password_hash: expected text",
        ),
        (told_of(json!({"username": 12345})), "12345 refused: username: expected text"),
        (
            told_of(json!({"username": "md5", "password_hash": "md5$salt$0123456789abcdef"})),
            "md5 refused: password_hash: a stored password hash is of an unknown scheme: md5$",
        ),
        (
            told_of(json!({"username": "costly", "password_hash": HASH.replace("$1212$", "$999999999$")})),
            "costly refused: password_hash: a stored password hash is out of bounds: it costs too much to compute, or nothing",
        ),
        (told_of(json!({"username": "good1"})), "good1 refused: the username has stood there before: the first one counts"),
        (
            told_of(json!({"username": "other", "user_id": "zusr0good"})),
            "other refused: the user_id has stood there before: the first one counts",
        ),
        (told_of(json!({"username": "a b"})), "a b refused: username has_whitespace"),
        (told_of(json!({"username": "nul\0"})), r"nul\u{0} refused: username: control characters are not allowed"),
        (told_of(json!({"username": "id", "user_id": "7"})), "id refused: user_id: `zusr` and letters and digits, 64 at most; leave it out to have one made"),
        (told_of(json!({"username": "totp", "is_totp_enabled": true})), "totp refused: totp_key: needed with is_totp_enabled"),
        (
            told_of(json!({"username": "taken", "user_id": "zusr0mine"})),
            &format!("taken refused: the username is that of user {}", taken.user_id),
        ),
        (
            told_of(json!({"username": "mine", "user_id": taken.user_id.as_str()})),
            "mine refused: the user_id is that of user `taken`",
        ),
        (told_of(json!({"username": "long", "first_name": long})), "long refused: first_name: at most 256 characters"),
        (
            told_of(json!({"username": "longhash", "password_hash": long})),
            "longhash refused: password_hash: at most 4096 bytes",
        ),
        (
            told_of(json!({"username": long})),
            &format!("{}… refused: username: at most 128 characters", "x".repeat(80)),
        ),
        (told_of(json!({"username": "line", "email": "x".repeat(17 << 20)})), "line refused: longer than 16777216 bytes"),
    ]
    .into_iter()
    .map(|(line, reason)| (line, &*Box::leak(reason.to_owned().into_boxed_str())))
    .collect();
    let mut text = Vec::new();
    let mut expected = Vec::new();
    let mut names = vec!["good".to_owned()];
    text.extend(told_of(json!({"username": "good", "user_id": "zusr0good"})));
    text.push(b'\n');
    for (index, (line, reason)) in bad.iter().enumerate() {
        names.push(format!("good{}", index + 1));
        text.extend(good(names.last().unwrap()));
        text.extend(b"\n\r\n");
        text.extend(line);
        text.push(b'\n');
        expected.push(format!("line {} {reason}", 4 + 3 * index));
    }
    // The last line is cut off.
    text.extend(br#"{"username": "last"#);
    expected.push(format!("line {} - refused: the JSON object is cut off", 2 + 3 * bad.len()));

    let (summary, told) = bring(&world, text).await;
    assert_eq!(told.lines(), expected);
    let (imported, refused) = (names.len() as u64, expected.len() as u64);
    assert_eq!(summary, counts(imported + refused, imported, 0, refused, 0));
    for name in &names {
        assert!(world.sso.get_user_by_username(&ctx(), name, true).await.unwrap().is_some(), "{name}");
    }
    assert_eq!(count(&world).await, names.len() + 1);
    let (_, done, total) = told.progress.last().unwrap();
    assert_eq!(Some(*done), *total);
}

async fn a_dry_run_tells_the_same_and_writes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    world.user("there").await;
    let named = |name: &str| json!({"username": name});
    let link = json!({"username": "linked", "linked_auth": [{"auth_type": "jwt", "auth_username": "none"}]});
    let text =
        lines(&[named("ann"), named("there"), named("ann"), json!({"username": "a b"}), link, named("bob")]);
    // Batches so small that what is repeated is in another one.
    let options = |dry_run| ImportOptions { batch_size: 2, ..ImportOptions::new("jsonl", dry_run) };
    let (dry, dry_told) = run(&world, text.clone(), FileFormat::JsonLines, options(true)).await;
    assert_eq!(count(&world).await, 1);
    let (real, real_told) = run(&world, text, FileFormat::JsonLines, options(false)).await;
    assert_eq!(dry.unwrap(), counts(6, 3, 1, 2, 1));
    assert_eq!(real.unwrap(), counts(6, 3, 1, 2, 1));
    assert_eq!(dry_told.lines(), real_told.lines());
    assert_eq!(real_told.progress.iter().map(|(read, ..)| *read).collect::<Vec<_>>(), [2, 4, 6]);
    assert_eq!(count(&world).await, 4);
}

async fn a_part_that_cannot_come_is_told_and_the_user_comes(kind: Kind) {
    let world = World::new(kind).await;
    for (name, username) in [("Free", "free"), ("Taken", "taken")] {
        let (name, username) = (name.to_owned(), username.to_owned());
        let new = NewSecDef {
            sec_type: SecType::BasicAuth,
            name,
            username,
            secret: None,
            token: TokenRules::default(),
        };
        world.sso.create_sec_def(&ctx(), new).await.unwrap();
    }
    let link = |auth_type: &str, auth_username: &str| json!({"auth_type": auth_type, "auth_username": auth_username, "creation_time": "2020-01-01T00:00:00"});
    let user = json!({
        "username": "ann",
        "attrs": [
            {"name": "good", "value": 1}, {"name": "good", "value": 2}, {"name": "x".repeat(192), "value": 1},
            {"name": "big", "value": "x".repeat(10 << 20)}, {"name": "deep", "value": null}, {"value": 1},
        ],
        "linked_auth": [
            link("basic_auth", "free"), link("basic_auth", "taken"), link("jwt", "free"), link("apikey", "free"),
        ],
    });
    let there = json!({"username": "there", "linked_auth": [link("basic_auth", "taken")]});
    assert_eq!(bring(&world, lines(&[there])).await.0, counts(1, 1, 0, 0, 0));
    let deep = format!("\"name\":\"deep\",\"value\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let late = json!({"username": "late", "linked_auth": [link("basic_auth", "free")]});
    let text = lines(&[user, late]).replace("\"name\":\"deep\",\"value\":null", &deep);
    let (summary, told) = bring(&world, text).await;
    assert_eq!(summary, counts(2, 2, 0, 0, 2));
    let long = "x".repeat(80);
    assert_eq!(
        told.lines(),
        [
            "line 1 ann left: attribute 6: name and value are needed",
            "line 1 ann left: attribute `good`: name: stands there twice",
            &format!("line 1 ann left: attribute `{long}…`: name: 1 to 191 characters, none of them NUL"),
            "line 1 ann left: attribute `big`: value: at most 1048576 bytes of JSON",
            "line 1 ann left: attribute `deep`: value: nested more than 64 deep",
            "line 1 ann left: linked_auth `free`: auth_type: basic_auth or jwt",
            "line 1 ann left: linked_auth `taken`: it is linked to another user",
            "line 1 ann left: linked_auth `free`: there is no such definition",
            "line 2 late left: linked_auth `free`: it is linked to another user",
        ]
    );
    let written: Value = serde_json::from_str(&export(&world, true).await[0]).unwrap();
    assert_eq!(
        written["linked_auth"],
        json!([{"auth_type": "basic_auth", "auth_username": "free",
        "is_active": true, "creation_time": "2020-01-01T00:00:00"}])
    );
    assert_eq!(written["attrs"].as_array().unwrap().len(), 1);
}

async fn what_the_database_does_not_take_costs_no_other(kind: Kind) {
    let world = World::new(kind).await;
    if kind == Kind::Sqlite {
        let trigger = "CREATE TRIGGER no_eve BEFORE INSERT ON sso_user WHEN NEW.username = 'eve' \
            BEGIN SELECT RAISE(ABORT, 'not eve'); END";
        execute(&world, trigger).await;
    } else {
        execute(&world, "ALTER TABLE sso_user ADD CONSTRAINT no_eve CHECK (username <> 'eve')").await;
    }
    let users = ["ann", "eve", "bob"].map(|name| json!({"username": name}));
    let (summary, told) = bring(&world, lines(&users)).await;
    assert_eq!(summary, counts(3, 2, 0, 1, 0));
    assert_eq!(told.lines(), ["line 2 eve refused: the database does not take it"]);
    assert_eq!(count(&world).await, 2);
}

/// Somebody else gives out a name between the look whether it is there and the insert.
async fn who_comes_into_being_meanwhile_is_there_already(kind: Kind) {
    async fn meanwhile<C: Connection>(mut conn: C, world: &World) -> (ImportSummary, Told)
    where
        for<'c> &'c mut C: sqlx::Executor<'c, Database = C::Database>,
    {
        let change = "BEGIN; UPDATE sso_user SET username = 'bob' WHERE username = 'before'";
        sqlx::raw_sql(change).execute(&mut conn).await.unwrap();
        let users = ["ann", "bob", "carl"].map(|name| json!({"username": name, "attrs": {"of": name}}));
        let finish = async {
            until_it_waits(world).await;
            sqlx::raw_sql("COMMIT").execute(&mut conn).await.unwrap();
        };
        tokio::join!(bring(world, lines(&users)), finish).0
    }

    let world = World::new(kind).await;
    let bob = world.user("before").await;
    let (summary, told) = match kind {
        Kind::Sqlite => meanwhile(SqliteConnection::connect(&world.db.url).await.unwrap(), &world).await,
        Kind::Postgres => meanwhile(PgConnection::connect(&world.db.url).await.unwrap(), &world).await,
    };
    assert_eq!((summary, told.lines()), (counts(3, 2, 1, 0, 0), vec![]));
    assert_eq!(count(&world).await, 3);
    assert_eq!(any_rows(&world, "SELECT user_id FROM sso_identity").await.len(), 3);
    assert_eq!(any_rows(&world, "SELECT name FROM sso_user_attr").await.len(), 2);
    let still = any_rows(&world, "SELECT user_id FROM sso_user WHERE username = 'bob'").await;
    assert_eq!(still, [bob.user_id.as_str().as_bytes()]);
}

async fn what_is_written_down_comes_back_as_it_was(kind: Kind) {
    let world = World::new(kind).await;
    world.user("user1").await;
    world.super_user("root1").await;
    let mut users = vec![whole("ann")];
    users.extend((0..600).map(|number| json!({"username": format!("u{number:03}"), "attrs": {"n": number}})));
    bring(&world, lines(&users)).await;
    let written = export(&world, true).await;
    assert_eq!(written.len(), 603);
    let other = World::new(kind).await;
    let text: String = written.iter().map(|line| format!("{line}\n")).collect();
    let (summary, told) = bring(&other, text).await;
    assert_eq!((summary, told.lines()), (counts(603, 603, 0, 0, 0), vec![]));
    assert_eq!(export(&other, true).await, written);
    other.login("user1").await;
}

async fn a_password_that_nobody_has_chosen_stays_one(kind: Kind) {
    let (world, other) = (World::new(kind).await, World::new(kind).await);
    let new = zato_sso::domain::NewUser { password: None, ..new_user("user1") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    let written = export(&world, true).await;
    assert!(!written[0].contains("password_hash"), "{}", written[0]);
    bring(&other, written[0].clone()).await;
    let chosen = any_rows(&other, "SELECT user_id FROM sso_user WHERE password_last_set IS NOT NULL").await;
    assert!(chosen.is_empty());
}

async fn without_secrets_none_is_written_down(kind: Kind) {
    let world = World::new(kind).await;
    bring(&world, lines(&[whole("ann")])).await;
    let text = export(&world, false).await.concat();
    for secret in ["$pbkdf2", TOTP_KEY, "hidden"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let written: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(written["attrs"][1]["name"], "b");
    assert_eq!(written["attrs"][0]["value"], json!({"n": 1}));
    assert_eq!(written["email"], "ann@example.com");
}

async fn a_run_is_one_entry_in_the_audit_trail(kind: Kind) {
    let world = World::new(kind).await;
    bring(&world, lines(&[whole("ann"), json!({"username": "a b"})])).await;
    export(&world, true).await;
    let extra = any_rows(&world, "SELECT extra FROM sso_audit WHERE op = 'user.import'").await;
    assert_eq!(extra.len(), 1);
    let extra: Value = serde_json::from_slice(&extra[0]).unwrap();
    let expected = json!({"origin": "jsonl", "read": "2", "imported": "1", "already_there": "0", "refused": "1",
        "incomplete": "0"});
    assert_eq!(extra, expected);
    let extra = any_rows(&world, "SELECT extra FROM sso_audit WHERE op = 'user.export'").await;
    let extra: Value = serde_json::from_slice(&extra[0]).unwrap();
    assert_eq!(extra, json!({"with_secrets": "true", "users": "1"}));
    assert_eq!(any_rows(&world, "SELECT op FROM sso_audit").await.len(), 2);
}

async fn who_comes_has_an_identity_like_everybody(kind: Kind) {
    let world = World::new(kind).await;
    let users: Vec<_> = (0..300).map(|number| json!({"username": format!("u{number}")})).collect();
    bring(&world, lines(&users)).await;
    let users = any_rows(&world, "SELECT user_id FROM sso_user ORDER BY user_id").await;
    let sql =
        "SELECT user_id FROM sso_identity WHERE provider = 'storage' AND site_id IS NULL ORDER BY user_id";
    assert_eq!(any_rows(&world, sql).await, users);
    let tokens = any_rows(&world, "SELECT identity_token FROM sso_identity").await;
    assert_eq!(tokens.into_iter().collect::<std::collections::HashSet<_>>().len(), 300);
}
