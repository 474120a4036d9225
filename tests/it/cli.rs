//! The command: what each part of it does and prints.

use serde_json::json;
use zato_sso::domain::{Code, NewUser};
use zato_sso::ops::Actor;

use crate::command::Folder;
use crate::support::{KEY, Kind, PASSWORD, any_rows, credentials, ctx, refusal};

on_both_databases! {
    of_commands_that_want_a_super_user_one_creates_it;
    the_role_of_a_super_user_is_given_and_taken;
    who_is_made_by_the_command_can_log_in;
    a_locked_user_cannot_log_in_until_unlocked;
    a_user_is_deleted_after_asking;
    every_user_is_listed_however_many_there_are;
    migrate_creates_the_schema_once_and_check_only_tells;
    migrate_makes_usernames_unique_or_tells_which_clash;
    commands_at_the_same_time_all_succeed;
    what_the_command_does_is_in_the_audit_trail;
    secrets_may_stand_in_files_that_variables_name;
}

/// A variable that was nearly right was ignored, and the command worked on an empty database of its own.
async fn secrets_may_stand_in_files_that_variables_name(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.run("migrate");
    let url = folder.unset("ZATO_SSO_DATABASE_URL").unwrap();
    folder.write("url", &format!("{url}\n"));
    folder.write("password.txt", &format!("\u{feff}{PASSWORD}\r\n"));
    for wrong in ["ZATO_SSO_DATABASE_URI", "ZATO_SSO_DATABASE_URL_PATH"] {
        folder.set(wrong, &url);
        let said = folder.run("config show");
        let expected = format!(
            "zato-sso: unknown environment variable {wrong}, the nearest known one is ZATO_SSO_DATABASE_URL"
        );
        assert!(said.status != 0 && said.stderr.starts_with(&expected), "{said}");
        folder.unset(wrong);
    }
    folder.set("ZATO_SSO_DATABASE_URL_FILE", "url");
    folder.set("ZATO_SSO_PASSWORD_FILE", "password.txt");
    assert_eq!(folder.run("create-super-user admin1").text(), "Created super-user `admin1`\n");
    folder.write("key", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    folder.set("ZATO_SSO_TOTP_KEY_FILE", "key");
    let said = folder.run("reset-totp-key admin1 --json").json();
    assert!(said["totp_key"].is_null() && said["uri"].as_str().unwrap().contains("GEZDGNBVGY3TQOJQ"));
    folder.set("ZATO_SSO_PASSWORD_FILE", "none.txt");
    let said = folder.run("create-user user1");
    assert!(
        said.stderr.contains("ZATO_SSO_PASSWORD_FILE: names the file none.txt, which cannot be read"),
        "{said}"
    );
    folder.set("ZATO_SSO_DATABASE_URL", &url);
    let world = folder.world().await;
    world.sso.login(&ctx(), credentials("admin1", PASSWORD)).await.unwrap();
}

async fn who_is_made_by_the_command_can_log_in(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.run("migrate");
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    assert_eq!(folder.run("create-super-user admin1").text(), "Created super-user `admin1`\n");
    let line = "create-user user1 --email u1@example.com --first-name Ann --middle-name B --last-name Lee";
    assert_eq!(folder.run(line).text(), "Created user `user1`\n");
    let user = folder.run("--json create-user user2 --display-name Two").json();
    assert_eq!(user["username"], "user2");
    assert_eq!(user["display_name"], "Two");
    assert_eq!(user["sign_up_status"], "final");
    assert_eq!(user["approval_status"], "approved");
    assert_eq!(user["approval_status_mod_by"], "auto");
    assert_eq!(user["is_super_user"], false);

    let world = folder.world().await;
    for (name, is_super_user) in [("admin1", true), ("user1", false), ("user2", false)] {
        world.login(name).await;
        let view = world.sso.get_user_by_username(&ctx(), name, true).await.unwrap().unwrap();
        assert_eq!(view.user.is_super_user, is_super_user, "{name}");
    }
    let user1 = world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap().user;
    assert_eq!(user1.email.as_deref(), Some("u1@example.com"));
    assert_eq!(user1.display_name.as_deref(), Some("Ann B Lee"));
}

async fn a_locked_user_cannot_log_in_until_unlocked(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let user = world.user("user1").await;
    assert_eq!(folder.run("lock-user user1").text(), "Locked user account `user1`\n");
    let outcome = world.sso.login(&ctx(), credentials("user1", PASSWORD)).await;
    assert_eq!(refusal(outcome), Code::AuthLocked);
    assert_eq!(folder.run("unlock-user user1").text(), "Unlocked user account `user1`\n");
    world.login("user1").await;
    for (command, is_locked) in [("lock-user", true), ("unlock-user", false)] {
        let said = folder.run(&format!("{command} user1 --json")).json();
        let expected = json!({"user_id": user.user_id.as_str(), "username": "user1", "is_locked": is_locked});
        assert_eq!(said, expected);
    }
}

async fn a_user_is_deleted_after_asking(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.user("user1").await;
    let user2 = world.user("user2").await.user_id;
    for answer in ["n\n", "no\n", "maybe\n", ""] {
        let done = folder.run_with("delete-user user1", answer);
        assert_eq!((done.status, done.stdout.as_str()), (0, "User `user1` kept intact\n"), "{answer:?}");
        assert_eq!(done.stderr, "Delete user? `user1` [y/n] ");
    }
    world.login("user1").await;
    let done = folder.run_with("delete-user user1", "Y\n");
    assert_eq!((done.status, done.stdout.as_str()), (0, "Deleted user `user1`\n"));
    let said = folder.run("delete-user user2 --yes --json").json();
    assert_eq!(said, json!({"user_id": user2.as_str(), "username": "user2", "is_deleted": true}));
    assert_eq!(folder.run("list-users --json").json(), json!([]));
    let again = folder.run("delete-user user2 --yes");
    assert!(again.status == 1 && again.stderr.contains("E001001"), "{again}");
}

async fn every_user_is_listed_however_many_there_are(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    let titles = "USERNAME  USER ID  DISPLAY NAME  EMAIL  SUPER-USER  LOCKED  APPROVAL\n";
    assert_eq!(folder.run("list-users").text(), titles);
    assert_eq!(folder.run("list-users --json").json(), json!([]));

    world.super_user("admin1").await;
    let new = NewUser { email: Some("zoe@example.com".into()), ..crate::support::new_user("zoë") };
    world.sso.create_user(&ctx(), Actor::Trusted(None), new, false).await.unwrap();
    let listed = folder.run("list-users");
    insta::allow_duplicates! { insta::assert_snapshot!(without_ids(&listed.to_string()), @r"
    status 0
    out: USERNAME  USER ID                         DISPLAY NAME  EMAIL            SUPER-USER  LOCKED  APPROVAL
    out: admin1    zusr--------------------------                                 yes         no      approved
    out: zoë       zusr--------------------------                zoe@example.com  no          no      before_decision
    "); }

    let names: Vec<String> = (0..1_001).map(|number| format!("user{number:04}")).collect();
    for name in &names {
        let new = NewUser { username: Some(name.clone()), ..NewUser::default() };
        world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    }
    let listed = folder.run("list-users").stdout;
    let first_words: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(first_words[..2], ["USERNAME", "admin1"]);
    assert_eq!(first_words[2..1_003], names);
    let listed = folder.run("list-users --json").json();
    let listed: Vec<&str> =
        listed.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
    assert_eq!(listed, first_words[1..]);
}

/// Ids are random; their length is not.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("zusr");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| format!("{text}zusr{}{}", "-".repeat(26), &part[26..]))
}

async fn migrate_creates_the_schema_once_and_check_only_tells(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let before = folder.names();
    let done = folder.run("migrate --check --json");
    assert_eq!(done.status, 1, "{done}");
    let said: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&said["version"], &said["is_current"]), (&json!(0), &json!(false)));
    assert_eq!(folder.names(), before);

    let done = folder.run("migrate");
    assert!(done.status == 0 && done.stdout.starts_with("Created the schema of "), "{done}");
    let done = folder.run("create-odb");
    assert!(done.status == 0 && done.stdout.ends_with(" is up to date, version 7\n"), "{done}");
    assert_eq!(folder.run("migrate --check").status, 0);
    let said = folder.run("migrate --check --json").json();
    assert_eq!((&said["version"], &said["is_current"]), (&json!(7), &json!(true)));
    let said = folder.run("migrate --json").json();
    assert_eq!((&said["from_version"], &said["to_version"]), (&json!(7), &json!(7)));
}

async fn migrate_makes_usernames_unique_or_tells_which_clash(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.set("ZATO_SSO_PASSWORD", "correct horse battery staple");
    folder.set("ZATO_SSO_USER_VALIDATION__CASE_INSENSITIVE", "false");
    for name in ["anna", "Anna", "bob"] {
        assert_eq!(folder.run(&format!("create-user {name}")).status, 0, "{name}");
    }
    folder.unset("ZATO_SSO_USER_VALIDATION__CASE_INSENSITIVE");
    let done = folder.run("migrate --usernames");
    assert_eq!(done.status, 1, "{done}");
    assert!(done.stdout.contains("anna") && done.stdout.contains("Anna"), "{done}");
    assert!(!done.stdout.contains("bob"), "{done}");
    assert_eq!(folder.run("delete-user Anna --yes").status, 0);
    let said = folder.run("migrate --usernames --json").json();
    assert_eq!(said, json!({"users": 2, "case_insensitive": true, "clashes": []}));
    assert_eq!(folder.run("create-user BOB").status, 1);
}

async fn commands_at_the_same_time_all_succeed(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    let started: Vec<_> =
        (0..8).map(|number| folder.command(&format!("create-user user{number}")).spawn().unwrap()).collect();
    for child in started {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(folder.run("list-users --json").json().as_array().unwrap().len(), 8);
}

async fn what_the_command_does_is_in_the_audit_trail(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    folder.set("ZATO_SSO_AUDIT__FILE", "audit.jsonl");
    folder.run("create-user user1");
    folder.run("create-user user1");
    let lines = folder.read("audit.jsonl");
    let entries: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 2);
    assert_eq!((&entries[0]["op"], &entries[0]["result"]), (&json!("user.create"), &json!("ok")));
    assert_eq!(entries[1]["result"], "E001002");
    assert_eq!(entries[0]["extra"]["current_app"], "CRM");
    assert!(!lines.contains(PASSWORD));

    // Without a file of its own it does not mix with what the command says.
    folder.unset("ZATO_SSO_AUDIT__FILE");
    assert_eq!(folder.run("lock-user user1").stderr, "");
    let kept = any_rows(&world, "SELECT op FROM sso_audit").await;
    assert_eq!(kept.iter().filter(|op| op.as_slice() == b"user.create").count(), 2);
    assert_eq!(kept.iter().filter(|op| op.as_slice() == b"user.lock").count(), 1);
}

#[tokio::test]
async fn the_password_comes_from_the_option_the_environment_or_standard_input() {
    let mut folder = Folder::with_database(Kind::Sqlite).await;
    let option = "create-user user1 --password from-the-option";
    assert_eq!(folder.run_with(option, "from-standard-input\n").status, 0);
    assert_eq!(folder.run_with("create-user user2", "from standard input\nmore\n").status, 0);
    folder.set("ZATO_SSO_PASSWORD", "from the environment");
    assert_eq!(folder.run_with("create-user user3", "from standard input\n").status, 0);
    let world = folder.world().await;
    let expected =
        [("user1", "from-the-option"), ("user2", "from standard input"), ("user3", "from the environment")];
    for (name, password) in expected {
        world.sso.login(&ctx(), credentials(name, password)).await.unwrap();
    }
}

#[test]
fn init_makes_everything_once() {
    let mut folder = Folder::new();
    insta::assert_snapshot!(folder.run("init"), @r"
    status 0
    out: Created configuration file sso.toml
    out: Created secret key file sso.db.key: keep a copy of it, apart from the database's
    out: Created database sqlite:///sso.db
    out: Next: zato-sso create-super-user NAME, then zato-sso serve
    ");
    assert_eq!(folder.names(), ["sso.db", "sso.db-epoch", "sso.db.key", "sso.toml"]);
    assert!(folder.read("sso.toml").contains("#url = \"sqlite:///sso.db\""));
    for secret in ["sso.db", "sso.db-epoch", "sso.db.key", "sso.toml"] {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&folder.path(secret).metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let before = folder.content();
    insta::assert_snapshot!(folder.run("init"), @r"
    status 0
    out: Kept configuration file sso.toml
    out: Kept secret key file sso.db.key
    out: Kept database sqlite:///sso.db
    out: Next: zato-sso create-super-user NAME, then zato-sso serve
    ");
    assert_eq!(folder.content(), before);
    assert_eq!(
        folder.run("init --json").json(),
        json!({
            "config_file": "sso.toml",
            "config_file_created": false,
            "secret_key_file": "sso.db.key",
            "secret_key_file_created": false,
            "database": "sqlite:///sso.db",
            "database_created": false,
        })
    );
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    insta::assert_snapshot!(folder.run("create-super-user admin1"), @r"
    status 0
    out: Created super-user `admin1`
    ");
}

#[test]
fn init_writes_down_which_database_it_was_given() {
    let folder = Folder::new();
    assert_eq!(folder.run("--config my.toml --database-url sqlite:///mine.db init").status, 0);
    assert_eq!(folder.names(), ["mine.db", "mine.db-epoch", "mine.db.key", "my.toml"]);
    insta::assert_snapshot!(folder.run("--config my.toml migrate --check"), @r"
    status 0
    out: The schema of sqlite:///mine.db is up to date, version 7
    ");
    insta::assert_snapshot!(folder.run("--config my.toml --database-url sqlite:///other.db init"), @r"
    status 0
    out: Kept configuration file my.toml
    out: Created secret key file other.db.key: keep a copy of it, apart from the database's
    out: Created database sqlite:///other.db
    out: Next: zato-sso create-super-user NAME, then zato-sso serve
    err: zato-sso: my.toml stays as it is: the other commands need --database-url too, or url in its section [database]
    ");
}

#[test]
fn the_command_line_overrides_the_environment() {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_DATABASE_URL", "sqlite:///one.db");
    insta::assert_snapshot!(folder.run("--database-url sqlite:///two.db init"), @r"
    status 0
    out: Created configuration file sso.toml
    out: Created secret key file two.db.key: keep a copy of it, apart from the database's
    out: Created database sqlite:///two.db
    out: Next: zato-sso create-super-user NAME, then zato-sso serve
    ");
    assert!(folder.read("sso.toml").contains("two.db"));
    insta::assert_snapshot!(folder.run("--database-url sqlite:///two.db migrate --check"), @r"
    status 0
    out: The schema of sqlite:///two.db is up to date, version 7
    ");
}

#[tokio::test]
async fn init_makes_a_key_file_for_postgresql_too() {
    let mut folder = Folder::with_database(Kind::Postgres).await;
    folder.unset("ZATO_SSO_SECRET_KEY");
    let url = folder.unset("ZATO_SSO_DATABASE_URL").unwrap();
    let done = folder.run(&format!("--database-url {url} init"));
    assert_eq!(done.status, 0, "{done}");
    assert_eq!(folder.names(), ["sso.key", "sso.toml"]);
    let done = folder.run_with("create-user user1", PASSWORD);
    assert_eq!(done.to_string(), "status 0\nout: Created user `user1`");

    // A lost key is not made anew beside a database that needs the old one.
    std::fs::remove_file(folder.path("sso.key")).unwrap();
    let done = folder.run("init");
    assert!(done.status == 1 && done.stderr.contains("restore the file sso.key"), "{done}");
    assert_eq!(folder.names(), ["sso.toml"]);
}

#[test]
fn config_show_tells_values_and_where_they_come_from() {
    let mut folder = Folder::new();
    folder.write("sso.toml", "[session]\nexpiry = 5\n[smtp]\nurl = \"smtp://ann:hunter2@mail:25\"\n");
    folder.set("ZATO_SSO_SECRET_KEY", KEY);
    let done = folder.run("config show --database-url sqlite:///b.db");
    assert_eq!((done.status, done.stderr.as_str()), (0, ""));
    for line in [
        "session.expiry = 5  # sso.toml:2",
        "database.url = \"sqlite:///b.db\"  # argument",
        "hash_secret.iterations = 1  # environment variable ZATO_SSO_HASH_SECRET__ITERATIONS",
        "password.min_length = 8  # default",
    ] {
        assert!(done.stdout.lines().any(|shown| shown == line), "{line}\n{done}");
    }
    assert!(!done.stdout.contains("hunter2") && !done.stdout.contains(KEY), "{done}");
    let entries = folder.run("config show --json").json();
    let expected = json!({"key": "session.expiry", "value": 5, "origin": "sso.toml:2"});
    assert!(entries.as_array().unwrap().contains(&expected), "{entries}");
    assert_eq!(folder.names(), ["sso.toml"]);
}

#[test]
fn verbose_says_what_is_used() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.run("-v migrate --check"), @r"
    status 1
    out: There is no schema in sqlite:///sso.db yet: create it with zato-sso migrate
    err: zato-sso: configuration file: none, built-in defaults; database: sqlite:///sso.db; secret key: in sso.db.key
    ");
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let folder = Folder::new();
    let mut child = folder.command("config show").spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

async fn of_commands_that_want_a_super_user_one_creates_it(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    let line = "--json create-super-user root1 --if-missing";
    let started: Vec<_> =
        (0..4).map(|_| folder.command(line).stdout(std::process::Stdio::piped()).spawn().unwrap()).collect();
    let mut ids = std::collections::BTreeSet::new();
    for process in started {
        let done = process.wait_with_output().unwrap();
        assert!(done.status.success());
        let user: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(user["is_super_user"], true);
        ids.insert(user["user_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1);
    // The password of one who exists stays, and none is asked for.
    folder.unset("ZATO_SSO_PASSWORD");
    let said = folder.run("create-super-user root1 --if-missing");
    assert_eq!(said.text(), "Super-user `root1` exists already\n");
    folder.world().await.login("root1").await;
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    assert!(folder.run("create-super-user root1").stderr.contains("E001002"));
    folder.run("create-user user1").text();
    let said = folder.run("create-super-user user1 --if-missing");
    assert!(
        said.status == 1 && said.stderr.contains("E001002") && said.stderr.contains("not a super-user"),
        "{said}"
    );
}

async fn the_role_of_a_super_user_is_given_and_taken(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    let world = folder.world().await;
    world.super_user("root1").await;
    world.user("user1").await;
    let refused = folder.run("update-user root1 --super-user false");
    assert!(refused.status == 1 && refused.stderr.contains("E008002"), "{refused}");
    let said = folder.run("update-user user1 --super-user true");
    assert_eq!(said.text(), "User `user1` is now a super-user\n");
    assert_eq!(folder.run("--json update-user root1 --super-user no").json()["is_super_user"], false);
    assert_eq!(folder.run("update-user user1").status, 2);
}
