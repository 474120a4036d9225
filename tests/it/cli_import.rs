//! The command: bringing users over, and writing them down.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zato_sso::domain::Code;

use crate::command::Folder;
use crate::support::{Kind, any_rows, credentials, ctx, refusal};

on_both_databases! {
    users_come_from_a_file_and_go_to_one;
    what_is_left_behind_is_told_and_is_status_1;
    hashes_of_firebase_need_the_parameters_of_their_project;
    a_wrong_file_is_one_line_and_nothing_is_written;
    a_run_that_cannot_go_on_tells_how_many_have_come;
    a_killed_run_that_is_run_again_ends_like_an_undisturbed_one;
}

const HASH: &str = "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww";

async fn users_come_from_a_file_and_go_to_one(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    folder.write("users.csv", &format!("username,password_hash,attr.city\nann,{HASH},Rome\nbob,,\n"));
    let said = folder.run("import users --format csv users.csv --dry-run");
    assert_eq!(said.text(), "2 records: 2 would be imported, 0 there already, 0 refused\n");
    assert_eq!(folder.run("list-users --json").json(), json!([]));
    let said = folder.run("import users --format csv users.csv");
    assert_eq!(said.text(), "2 records: 2 imported, 0 there already, 0 refused\n");
    let said = folder.run("import users --format csv users.csv --json").json();
    let expected = json!({"read": 2, "imported": 0, "already_there": 2, "refused": 0, "incomplete": 0, "dry_run": false});
    assert_eq!(said, expected);
    let world = folder.world().await;
    world.sso.login(&ctx(), credentials("ann", "password")).await.unwrap();
    let wrong = world.sso.login(&ctx(), credentials("bob", "password")).await;
    assert_eq!(refusal(wrong), Code::AuthNotAllowed);

    let open = folder.run("export users");
    assert!(!open.text().contains("$argon2id$"), "{open}");
    let secret = folder.run("export users --format jsonl --with-secrets");
    let names: Vec<Value> = secret.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(names[0]["username"], "ann");
    assert!(names[0]["password_hash"].as_str().unwrap().starts_with("$argon2id$"));
    assert_eq!(names[0]["attrs"][0]["value"], "Rome");
    assert_eq!(names[1]["username"], "bob");

    let other = Folder::with_database(kind).await;
    other.run("migrate");
    let said = other.run_with("import users --format jsonl -", secret.text());
    assert_eq!(said.text(), "2 records: 2 imported, 0 there already, 0 refused\n");
    assert_eq!(other.run("export users --with-secrets").text(), secret.text());
}

async fn hashes_of_firebase_need_the_parameters_of_their_project(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    let hash = r#"{""passwordHash"": ""lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="", ""salt"": ""42xEC+ixf3L2lw==""}"#;
    folder.write("users.csv", &format!("username;password_hash\r\nann;\"{hash}\"\r\n"));
    let said = folder.run("import users --format csv users.csv");
    let expected = "zato-sso: line 2 `ann`: refused: password_hash: a Firebase hash cannot be verified without the hash \
        parameters of its project: give --firebase-params (Python: firebase)\n";
    assert_eq!((said.status, said.stderr.as_str()), (1, expected));
    folder.write("params.txt", "hash_config {\n  base64_signer_key: !,\n  rounds: 8,\n  mem_cost: 14,\n}\n");
    let wrong = folder.run("import users --format csv users.csv --firebase-params params.txt");
    assert_eq!(
        (wrong.status, wrong.stderr.as_str()),
        (1, "zato-sso: params.txt: base64_signer_key: not base64\n")
    );
    let key = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    let params = format!(
        "\u{feff}hash_config {{\n  algorithm: SCRYPT,\n  base64_signer_key: {key},\n  base64_salt_separator: Bw==,\n  \
         rounds: 8,\n  mem_cost: 14,\n}}\n"
    );
    folder.write("params.txt", &params);
    let said = folder.run("import users --format csv users.csv --firebase-params params.txt");
    assert_eq!(said.text(), "1 records: 1 imported, 0 there already, 0 refused\n");
    let world = folder.world().await;
    let login = async || world.sso.login(&ctx(), credentials("ann", "user1password")).await;
    login().await.unwrap();
    login().await.unwrap();
}

async fn what_is_left_behind_is_told_and_is_status_1(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    let link = json!([{"auth_type": "jwt", "auth_username": "api"}]);
    let text = format!(
        "{}\n{}\n{}\n{{\"user",
        json!({"username": "ann", "linked_auth": link}),
        json!({"username": "bob", "password": "hunter2"}),
        json!({"username": "\u{1b}[31m", "email": "eve@example.com"}),
    );
    folder.write("users.jsonl", &text);
    let said = folder.run("import users --format jsonl users.jsonl --dry-run --report report.jsonl");
    assert_eq!(
        (said.status, said.stdout.as_str(), said.stderr.as_str()),
        (1, "4 records: 1 would be imported (1 of them not in all parts), 0 there already, 3 refused\n", "")
    );
    let report = folder.read("report.jsonl");
    let report: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let entry = |position: &str, username: Value, is_refused: bool, reason: &str| json!({"position": position, "username": username, "is_refused": is_refused, "reason": reason});
    let clear = "password: passwords in clear are not taken, give a hash in password_hash";
    let expected = [
        entry("line 1", json!("ann"), false, "linked_auth `api`: there is no such definition"),
        entry("line 2", json!("bob"), true, clear),
        entry("line 3", json!(r"\u{1b}[31m"), true, "username: control characters are not allowed"),
        entry("line 4", json!(null), true, "the JSON object is cut off"),
    ];
    assert_eq!(report, expected);

    let said = folder.run("import users --format jsonl users.jsonl");
    assert_eq!(said.status, 1);
    let expected = format!(
        "zato-sso: line 1 `ann`: left behind: linked_auth `api`: there is no such definition\n\
         zato-sso: line 2 `bob`: refused: {clear}\n\
         zato-sso: line 3 `\\u{{1b}}[31m`: refused: username: control characters are not allowed\n\
         zato-sso: line 4: refused: the JSON object is cut off\n"
    );
    assert_eq!(said.stderr, expected);
}

async fn a_run_that_cannot_go_on_tells_how_many_have_come(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    let users = (0..4000).map(|number| format!("{{\"username\": \"user{number}\"}}\n"));
    let wrong = std::iter::repeat_n("no user\n".to_owned(), 500);
    folder.write("users.jsonl", &users.chain(wrong).collect::<String>());
    let said = folder.run("import users --format jsonl users.jsonl --report /dev/full");
    let expected = "zato-sso: 4000 users are there: run it once more, and it goes on behind them\n\
        zato-sso: cannot write the report: No space left on device (os error 28)\n";
    assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (1, "", expected));
    folder.write("users.jsonl", "{\"username\": \"user0\"}\n{\"username\": \"last\"}\n");
    let said = folder.run("import users --format jsonl users.jsonl");
    assert_eq!(said.text(), "2 records: 1 imported, 1 there already, 0 refused\n");
}

async fn a_wrong_file_is_one_line_and_nothing_is_written(kind: Kind) {
    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    folder.write("users.csv", "username,colour\nann,red\n");
    std::fs::create_dir(folder.path("sub")).unwrap();
    let cases = [
        ("csv users.csv", "users.csv: the header names a column that is not known: `colour`"),
        ("jsonl users.csv", "users.csv: these are not JSON Lines: no line is a JSON object of its own"),
        ("jsonl none.jsonl", "cannot read none.jsonl: No such file or directory"),
        ("jsonl sub", "cannot read sub: it is a folder"),
        ("jsonl users.csv --report sub/none/report.jsonl", "cannot write the report sub/none/report.jsonl"),
    ];
    for (line, expected) in cases {
        let said = folder.run(&format!("import users --format {line}"));
        assert_eq!((said.status, said.stdout.as_str(), said.stderr.lines().count()), (1, "", 1), "{said}");
        assert!(said.stderr.starts_with(&format!("zato-sso: {expected}")), "{said}");
    }
    assert_eq!(folder.run("import users --format xml users.csv").status, 2);
    assert_eq!(folder.run("list-users --json").json(), json!([]));
}

async fn a_killed_run_that_is_run_again_ends_like_an_undisturbed_one(kind: Kind) {
    const USERS: usize = 4_000;
    let line = |number: usize| {
        let user = json!({
            "user_id": format!("zusr0{number}"), "username": format!("user{number}"), "password_hash": HASH,
            "email": format!("user{number}@example.com"), "sign_up_time": "2020-01-01T00:00:00",
            "approval_status_mod_time": "2020-01-01T00:00:00", "password_last_set": "2020-01-01T00:00:00",
            "password_expiry": "2030-01-01T00:00:00", "totp_key": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "attrs": [{"name": "n", "value": number, "creation_time": "2020-01-01T00:00:00"}],
        });
        // A batch of an import is so many users or so many bytes. Blanks are the cheaper of the two.
        format!("{user}{:2000}\n", "")
    };
    let text: String = (0..USERS).map(line).collect();
    let undisturbed = Folder::with_database(kind).await;
    undisturbed.run("migrate");
    undisturbed.run_with("import users --format jsonl -", &text).text();

    let folder = Folder::with_database(kind).await;
    folder.run("migrate");
    // It gets half of the file, and no end of it: it cannot have come to its own.
    let mut running = folder.command("import users --format jsonl -").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    let half = text.as_bytes()[..text.len() / 2].to_vec();
    let feeding = std::thread::spawn(move || {
        drop(input.write_all(&half));
        input
    });
    let world = folder.world().await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while any_rows(&world, "SELECT user_id FROM sso_user").await.is_empty() {
        assert!(Instant::now() < deadline, "nothing comes");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.kill().unwrap();
    running.wait().unwrap();
    drop(feeding.join().unwrap());

    // Whole users, with all that is theirs, and not all of them.
    let users = any_rows(&world, "SELECT user_id FROM sso_user ORDER BY user_id").await;
    assert!(!users.is_empty() && users.len() < USERS);
    for table in ["sso_identity", "sso_user_attr"] {
        let sql = format!("SELECT user_id FROM {table} ORDER BY user_id");
        assert_eq!(any_rows(&world, &sql).await, users, "{table}");
    }
    let said = folder.run_with("import users --format jsonl --json -", &text).json();
    assert_eq!(said["already_there"], users.len());
    assert_eq!(said["imported"], USERS - users.len());
    let written = undisturbed.run("export users --with-secrets");
    assert_eq!(written.text().lines().count(), USERS);
    assert!(folder.run("export users --with-secrets").text() == written.text());
}
