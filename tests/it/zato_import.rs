//! `import zato`: from the database of a Zato server to ours, by the command.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use zato_sso::domain::{Code, Password};
use zato_sso::ops::LoginRequest;

use crate::command::{Done, Folder};
use crate::support::{Kind, World, any_rows, credentials, ctx, dump, refusal, stored_hash};
use crate::zato_data::{USERS, Zato, expected, keys, path};

on_both_databases! {
    everybody_comes_over_and_hashes_become_argon2id;
    a_database_in_postgresql_comes_over_alike;
    a_second_run_changes_no_byte;
    a_user_who_cannot_be_read_is_in_the_report_and_comes_later;
    nothing_is_written_unless_all_fits_together;
    links_come_over_to_the_definitions_that_are_named;
    no_secret_of_zatos_is_left_in_clear;
}

/// A folder with an empty database of ours.
async fn target(kind: Kind) -> Folder {
    let mut folder = Folder::with_database(kind).await;
    folder.set("ZATO_SSO_AUDIT__FILE", "off");
    folder.run("migrate").text();
    folder
}

fn import_line(zato: &Zato) -> String {
    format!("--json import zato --from {} --secrets {}", zato.db.url, path("secrets.conf").display())
}

#[track_caller]
fn summary(done: &Done) -> (i32, u64, u64, u64, u64) {
    let said: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done}"));
    let count = |name: &str| said[name].as_u64().unwrap();
    (done.status, count("imported"), count("already_there"), count("refused"), count("incomplete"))
}

fn all() -> u64 {
    u64::try_from(USERS).unwrap()
}

async fn user_rows(world: &World) -> Vec<Vec<u8>> {
    let columns = "user_id || username || COALESCE(display_name, '') || approval_status || sign_up_status || \
                   CAST(password_expiry AS TEXT) || CAST(is_locked AS TEXT) || CAST(password_last_set AS TEXT)";
    let mut rows = any_rows(world, &format!("SELECT {columns} FROM sso_user ORDER BY user_id")).await;
    for column in ["password_hash", "totp_key", "totp_label", "email", "email_index"] {
        let sql = format!("SELECT {column} FROM sso_user WHERE {column} IS NOT NULL ORDER BY user_id");
        rows.extend(any_rows(world, &sql).await);
    }
    rows.extend(any_rows(world, "SELECT value FROM sso_user_attr ORDER BY user_id, name").await);
    rows
}

async fn everybody_comes_over_and_hashes_become_argon2id(kind: Kind) {
    let zato = Zato::new(Kind::Sqlite).await;
    let folder = target(kind).await;
    let done = folder.run(&import_line(&zato));
    assert_eq!(summary(&done), (0, all(), 0, 0, 0), "{done}");
    assert_eq!(done.stderr, "");
    let world = folder.world().await;
    for user in expected() {
        let name = user["username"].as_str().unwrap();
        assert!(stored_hash(&world, name).await.starts_with("$pbkdf2-sha512$120000$"), "{name}");
    }
    for kind in ["root", "plain", "names"] {
        let users = expected();
        let start = format!("{kind}.");
        let user = users.iter().find(|user| user["username"].as_str().unwrap().starts_with(&start)).unwrap();
        let (name, password) = (user["username"].as_str().unwrap(), user["password"].as_str().unwrap());
        world.sso.login(&ctx(), credentials(name, password)).await.unwrap();
        assert!(stored_hash(&world, name).await.starts_with("$argon2id$"), "{name}");
        world.sso.login(&ctx(), credentials(name, password)).await.unwrap();
        assert_eq!(refusal(world.sso.login(&ctx(), credentials(name, "wrong")).await), Code::AuthNotAllowed);
    }
    // Who must change the password has a hash of the new one.
    let must = LoginRequest {
        new_password: Some(Password::from("chosen after moving")),
        ..credentials("must_change.4.pcxjk", "eccorlxb-xxwezklc-9X")
    };
    world.sso.login(&ctx(), must).await.unwrap();
    assert!(stored_hash(&world, "must_change.4.pcxjk").await.starts_with("$argon2id$"));
}

async fn a_database_in_postgresql_comes_over_alike(kind: Kind) {
    let listed = async |source: Kind| {
        let zato = Zato::new(source).await;
        let folder = target(kind).await;
        let done = folder.run(&import_line(&zato));
        assert_eq!(summary(&done), (0, all(), 0, 0, 0), "{done}");
        let mut users = folder.run("--json list-users").json();
        for user in users.as_array_mut().unwrap() {
            // Zato does not know since when; it is since the import then.
            user["locked_time"].take();
        }
        users
    };
    let (sqlite, postgres) = (listed(Kind::Sqlite).await, listed(Kind::Postgres).await);
    assert!(sqlite == postgres, "{sqlite}\n{postgres}");
}

async fn a_second_run_changes_no_byte(kind: Kind) {
    let zato = Zato::new(Kind::Sqlite).await;
    let mut folder = target(kind).await;
    folder.run(&import_line(&zato)).text();
    let world = folder.world().await;
    let password = "ojecrzwu-btmouxtu-9X";
    world.sso.login(&ctx(), credentials("plain.0.utzfd", password)).await.unwrap();
    let before = user_rows(&world).await;
    // Where it comes from may be a secret, and then stands in no command line.
    folder.set("ZATO_SSO_IMPORT_FROM", &zato.db.url);
    let done = folder.run(&format!("--json import zato --secrets {}", path("secrets.conf").display()));
    assert_eq!(summary(&done), (0, 0, all(), 0, 0), "{done}");
    assert_eq!(user_rows(&world).await, before);
    assert!(stored_hash(&world, "plain.0.utzfd").await.starts_with("$argon2id$"));
}

async fn a_user_who_cannot_be_read_is_in_the_report_and_comes_later(kind: Kind) {
    let zato = Zato::new(Kind::Sqlite).await;
    zato.execute("CREATE TABLE kept AS SELECT password FROM zato_sso_user WHERE id = 2").await;
    zato.execute("UPDATE zato_sso_user SET password = 'damaged' WHERE id = 2").await;
    zato.execute("UPDATE zato_sso_attr SET value = 'damaged' WHERE id = 1").await;
    let folder = target(kind).await;
    let line = format!("{} --report report.jsonl", import_line(&zato));
    let done = folder.run(&line);
    assert_eq!(summary(&done), (1, all() - 1, 0, 1, 1), "{done}");
    let report: Vec<Value> =
        folder.read("report.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reason =
        "password: is not a Fernet token; if sso.conf has encryption switched off, give it with --sso-conf";
    assert_eq!(
        report,
        [
            json!({"position": "row 2", "username": "plain.0.utzfd", "is_refused": true, "reason": reason}),
            json!({"position": "row 8", "username": "attrs.6.qpvkw", "is_refused": false, "reason": "attribute \"city\": is not JSON"}),
        ]
    );
    zato.execute("UPDATE zato_sso_user SET password = (SELECT password FROM kept) WHERE id = 2").await;
    let done = folder.run(&line);
    assert_eq!(summary(&done), (0, 1, all() - 1, 0, 0), "{done}");
}

async fn nothing_is_written_unless_all_fits_together(kind: Kind) {
    let zato = Zato::new(Kind::Sqlite).await;
    let folder = target(kind).await;
    folder.write("other.conf", "[secret_keys]\nkey1=cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n");
    folder.write("empty.conf", "[zato]\n");
    folder.write("wrong-sso.conf", "[main]\nencrypt_email=perhaps\n");
    folder.write("text.db", "no database\n");
    let secrets = path("secrets.conf");
    let secrets = secrets.display();
    let url = &zato.db.url;
    for (options, part) in [
        (format!("--from {url} --secrets other.conf"), "decrypts with the keys of secrets.conf"),
        (format!("--from {url} --secrets empty.conf"), "has no key in a section [secret_keys]"),
        (format!("--from {url} --secrets nowhere.conf"), "nowhere.conf: cannot be read"),
        (
            format!("--from {url} --secrets {secrets} --sso-conf wrong-sso.conf"),
            "wrong-sso.conf:2: main.encrypt_email",
        ),
        (format!("--from sqlite:///text.db --secrets {secrets}"), "file is not a database"),
        (format!("--from sqlite:///nowhere.db --secrets {secrets}"), "there is no such file"),
        (format!("--from mysql://u:hunter2@h/zato --secrets {secrets}"), "a MySQL database cannot be read"),
        (format!("--from zato.db --secrets {secrets}"), "--from: expected sqlite:///"),
        (
            format!("--from postgresql+psycopg2://u:hunter2@127.0.0.1:1/zato --secrets {secrets}"),
            "cannot read the database postgresql://127.0.0.1:1/zato",
        ),
    ] {
        let done = folder.run(&format!("import zato {options}"));
        assert_eq!((done.status, done.stdout.as_str(), done.stderr.lines().count()), (1, "", 1), "{done}");
        assert!(done.stderr.contains(part) && !done.stderr.contains("hunter2"), "{part}\n{done}");
    }
    let half = folder.path("half.db");
    let whole = std::fs::read(path("zato.db")).unwrap();
    std::fs::write(half, &whole[..whole.len() / 2]).unwrap();
    let done = folder.run(&format!("import zato --from sqlite:///half.db --secrets {secrets}"));
    assert!(done.status == 1 && done.stderr.contains("is not whole"), "{done}");
    assert_eq!(folder.run("--json list-users").json(), json!([]));
    let names = folder.names();
    assert!(!names.iter().any(|name| name.contains("nowhere") || name.contains("-wal")), "{names:?}");
}

async fn links_come_over_to_the_definitions_that_are_named(kind: Kind) {
    let zato = Zato::new(Kind::Sqlite).await;
    zato.execute(
        "INSERT INTO zato_sso_linked_auth SELECT 1, 1, 0, '2026-11-22 10:00:00', NULL, 0, 'basic_auth', 12, NULL, \
         'reserved', NULL, user_id FROM zato_sso_user WHERE id = 2",
    )
    .await;
    let folder = target(kind).await;
    let done = folder.run(&format!("{} --dry-run", import_line(&zato)));
    assert_eq!(summary(&done), (1, all(), 0, 0, 1), "{done}");
    let advice = "make one with zato-sso create-sec-def basic_auth NAME USERNAME, and import with --sec-def basic_auth:12=USERNAME";
    assert!(done.stderr.contains(advice), "{done}");
    folder.run("create-sec-def basic_auth api client1").text();
    let done = folder.run(&format!("{} --sec-def basic_auth:12=client1", import_line(&zato)));
    assert_eq!(summary(&done), (0, all(), 0, 0, 0), "{done}");
    let listed = folder.run("--json list-sec-defs").json();
    assert_eq!(listed[0]["linked_to"], "plain.0.utzfd");
    for wrong in ["basic_auth=client1", "vault:1=x", "jwt:x=y", "jwt:1=", "jwt:1"] {
        assert_eq!(folder.run(&format!("{} --sec-def {wrong}", import_line(&zato))).status, 2, "{wrong}");
    }
}

async fn no_secret_of_zatos_is_left_in_clear(kind: Kind) {
    let zato = Zato::new(Kind::Sqlite).await;
    let folder = target(kind).await;
    let done = folder.run(&import_line(&zato));
    let files: Vec<u8> = folder.content().into_values().flatten().flatten().collect();
    let files = String::from_utf8_lossy(&files);
    let everything = format!("{files}{}{}{}", dump(&folder.world().await).await, done.stdout, done.stderr);
    for secret in
        ["$pbkdf2-sha512$", "gAAAAA", "U4MOS7AF5R2FQUOS", "label acsy", "748732592", "@htayo.example"]
    {
        assert!(!everything.contains(secret), "{secret}");
    }
    assert!(!everything.contains(keys()[0].expose_secret()));
    assert!(everything.contains("plain.0.utzfd"));
}
