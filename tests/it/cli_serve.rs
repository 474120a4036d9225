//! `zato-sso serve`: where it listens, that it answers, and how it ends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::{Folder, Running};
use crate::rest::request;
use crate::support::{Kind, PASSWORD, execute};

on_both_databases! {
    a_database_that_goes_and_comes_back_is_logged_also_without_an_audit;
}

/// One login over a connection of its own: the status line, and the body.
fn login(address: &str, username: &str) -> (String, Value) {
    let body = json!({"username": username, "password": PASSWORD, "current_app": "CRM"}).to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request("POST /user/login", &["Connection: close"], &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}

#[test]
fn a_user_made_while_it_runs_logs_in_and_a_signal_ends_it() {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    assert_eq!(folder.run("init").status, 0);
    for signal in ["-TERM", "-INT"] {
        let server = Running::start(&folder, "serve --listen 127.0.0.1:0");
        let line = server.line.strip_suffix(", stop it with Ctrl-C").unwrap();
        let address = line.strip_prefix("zato-sso listens on http://").unwrap();
        assert!(!address.ends_with(":0"), "{line}");

        let name = format!("user{signal}");
        assert_eq!(folder.run(&format!("create-user {name}")).status, 0);
        let (status, body) = login(address, &name);
        assert_eq!((status.as_str(), &body["status"]), ("HTTP/1.1 200 OK", &json!("ok")));
        assert_eq!(folder.run(&format!("lock-user {name}")).status, 0);
        let (status, body) = login(address, &name);
        assert_eq!((status.as_str(), &body["sub_status"]), ("HTTP/1.1 403 Forbidden", &json!(["E005002"])));

        server.signal(signal);
        let (status, text) = server.end();
        assert_eq!(status, Some(0), "{text}");
        let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let results: Vec<&Value> = entries.iter().map(|entry| &entry["result"]).collect();
        assert_eq!(results, ["ok", "E005002"], "{text}");
    }
    assert!(folder.names().iter().all(|name| !name.ends_with("-wal")), "{:?}", folder.names());
}

#[test]
fn json_is_one_line_on_standard_output() {
    let folder = Folder::new();
    let server = Running::start(&folder, "serve --json --listen 127.0.0.1:0");
    let said: Value = serde_json::from_str(&server.line).unwrap();
    let address = said["listen"].as_str().unwrap();
    assert_eq!(said["url"], format!("http://{address}"));
    TcpStream::connect(address).unwrap();
    server.signal("-TERM");
    assert_eq!(server.end(), (Some(0), "zato-sso: made the database sqlite:///sso.db\n".to_owned()));
}

#[test]
fn metrics_may_have_an_address_of_their_own() {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_HTTP__ADMIN_LISTEN", "127.0.0.1:0");
    let server = Running::start(&folder, "serve --json --listen 127.0.0.1:0");
    let said: Value = serde_json::from_str(&server.line).unwrap();
    let mut stream = TcpStream::connect(said["admin_listen"].as_str().unwrap()).unwrap();
    stream.write_all(request("GET root:/metrics", &["Connection: close"], "").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    server.signal("-TERM");
    assert_eq!(server.end().0, Some(0));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    folder.set("ZATO_SSO_HTTP__ADMIN_LISTEN", &address);
    let done = folder.run("serve --listen 127.0.0.1:0");
    insta::assert_snapshot!(done.to_string().replace(&address, "ADDRESS"), @r"
    status 1
    err: zato-sso: ADDRESS is in use by another program: stop that, or choose another port with http.admin_listen
    ");
}

#[test]
fn addresses_that_cannot_be_listened_on_leave_nothing_behind() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let done = folder.run(&format!("serve --listen {address}"));
    insta::assert_snapshot!(done.to_string().replace(&address, "ADDRESS"), @r"
    status 1
    err: zato-sso: ADDRESS is in use by another program: stop that, or choose another port with --listen
    ");
    insta::assert_snapshot!(folder.run("serve --listen 203.0.113.1:17010"), @r"
    status 1
    err: zato-sso: 203.0.113.1:17010 is not an address of this machine: choose one that is, or 0.0.0.0 for all, with --listen
    ");
    insta::assert_snapshot!(folder.run("serve --listen here"), @r#"
    status 1
    err: zato-sso: argument: http.listen: expected an address and a port, such as "127.0.0.1:17010" or "[::1]:17010", found "here"
    "#);
    assert_eq!(folder.names(), Vec::<String>::new());
}

#[test]
fn a_second_signal_does_not_wait_for_requests_under_way() {
    let folder = Folder::new();
    let mut server = Running::start(&folder, "serve --json --listen 127.0.0.1:0");
    let said: Value = serde_json::from_str(&server.line).unwrap();
    let mut slow = TcpStream::connect(said["listen"].as_str().unwrap()).unwrap();
    slow.write_all(b"POST /zato/sso/user/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    server.signal("-TERM");
    // Longer than connections without a request are left open.
    std::thread::sleep(Duration::from_secs(1));
    assert!(server.child.try_wait().unwrap().is_none(), "it did not wait for the request");
    server.signal("-TERM");
    assert_eq!(server.end().0, Some(0));
}

/// One request over a connection of its own: the status, and the body.
fn ask(address: &str, line: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request(line, &["Connection: close"], body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Waits for something to be so.
#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !is_so() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
}

const SERVE: &str = "serve --json --listen 127.0.0.1:0";

#[test]
fn the_log_is_json_lines_on_standard_output_and_tells_start_and_stop() {
    let mut folder = Folder::new();
    for (level, events) in
        [("info", &["server.start", "server.stopping", "server.stop"][..]), ("warning", &[]), ("off", &[])]
    {
        folder.set("ZATO_SSO_LOG__LEVEL", level);
        let server = Running::start(&folder, SERVE);
        server.signal("-TERM");
        let (status, _, log) = server.end_with_log();
        assert_eq!(status, Some(0));
        let found: Vec<&str> = log.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(found, events);
        for line in log {
            assert_eq!(line["level"], "info");
            assert!(line["time"].as_str().unwrap().len() > 20 && !line["text"].as_str().unwrap().is_empty());
        }
    }
}

#[test]
fn files_that_were_moved_away_are_opened_anew_at_a_hangup() {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_AUDIT__FILE", "audit.jsonl");
    folder.set("ZATO_SSO_LOG__FILE", "log.jsonl");
    let server = Running::start(&folder, SERVE);
    let address = server.address();
    let guess = |name: &str| {
        ask(&address, "POST /user/login", &json!({"username": name, "password": "x"}).to_string())
    };
    guess("before");
    for name in ["audit.jsonl", "log.jsonl"] {
        std::fs::rename(folder.path(name), folder.path(&format!("{name}.1"))).unwrap();
    }
    server.signal("-HUP");
    until(|| folder.path("log.jsonl").exists() && folder.read("log.jsonl").contains("file.reopened"));
    guess("after");
    assert_eq!(folder.read("audit.jsonl").lines().count(), 1);
    assert_eq!(folder.read("audit.jsonl.1").lines().count(), 1);
    assert!(folder.read("log.jsonl.1").contains("server.start"));
    // One that cannot be opened is named, and nobody is told that it was.
    std::fs::remove_file(folder.path("audit.jsonl")).unwrap();
    std::fs::create_dir(folder.path("audit.jsonl")).unwrap();
    server.signal("-HUP");
    until(|| folder.read("log.jsonl").contains("file.not_reopened"));
    server.signal("-TERM");
    let (status, text, log) = server.end_with_log();
    assert_eq!((status, log.len()), (Some(0), 0), "{text}");
    let log = folder.read("log.jsonl");
    assert!(log.contains("server.stop\""));
    assert_eq!(log.matches("file.reopened").count(), 1, "{log}");
}

/// Metrics that begin so.
fn metric(address: &str, name: &str) -> String {
    let (_, text) = ask(address, "GET root:/metrics", "");
    text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap().to_owned()
}

#[test]
fn an_audit_file_that_cannot_be_written_to_is_told_until_it_can() {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_AUDIT__FILE", "audit.jsonl");
    let most = 4 << 20;
    let audit = std::fs::File::create(folder.path("audit.jsonl")).unwrap();
    // As a disk that is full: a file that may not grow.
    audit.set_len(most).unwrap();
    let mut server = Running::start_limited(&folder, SERVE, most);
    let address = server.address();
    let (status, _) = ask(&address, "GET root:/health/ready", "");
    assert_eq!((status, metric(&address, "zato_sso_audit_writable").as_str()), (200, "1"));
    let body = json!({"username": "nobody", "password": "x"}).to_string();
    assert_eq!(ask(&address, "POST /user/login", &body).0, 403);
    let broken = server.until_logged("audit.broken");
    assert!(broken["text"].as_str().unwrap().contains("audit.jsonl: File too large"), "{broken}");
    let (status, body) = ask(&address, "GET root:/health/ready", "");
    assert!(status == 503 && body.contains("E008006"), "{body}");
    assert_eq!(metric(&address, "zato_sso_audit_writable"), "0");
    let not_ready = server.until_logged("ready.not");
    assert!(not_ready["text"].as_str().unwrap().contains("audit.jsonl"), "{not_ready}");

    audit.set_len(0).unwrap();
    assert_eq!(ask(&address, "GET root:/health/ready", "").0, 200);
    assert_eq!(metric(&address, "zato_sso_audit_writable"), "1");
    assert_eq!(server.until_logged("audit.mended")["level"], "warning");
    server.until_logged("ready.again");
    server.signal("-TERM");
    assert_eq!(server.end().0, Some(0));
    // Nothing was lost.
    assert_eq!(folder.read("audit.jsonl").lines().count(), 1);
}

#[test]
fn an_audit_device_that_is_full_stops_nobody() {
    let mut folder = Folder::new();
    std::os::unix::fs::symlink("/dev/full", folder.path("audit.jsonl")).unwrap();
    folder.set("ZATO_SSO_AUDIT__FILE", "audit.jsonl");
    let mut server = Running::start(&folder, SERVE);
    let address = server.address();
    let body = json!({"username": "nobody", "password": "x"}).to_string();
    assert_eq!(ask(&address, "POST /user/login", &body).0, 403);
    assert!(server.until_logged("audit.broken")["text"].as_str().unwrap().contains("No space left"));
    assert_eq!(ask(&address, "GET root:/health/ready", "").0, 503);
    server.signal("-TERM");
    let start = Instant::now();
    assert_eq!(server.end().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn streams_that_nobody_reads_do_not_stop_the_server() {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_LOGIN_THROTTLE__ENABLED", "false");
    let mut server = Running::start(&folder, SERVE);
    let address = server.address();
    let body = json!({"username": "x", "password": "x", "current_app": "a".repeat(128)}).to_string();
    let wrong = request("POST /user/login", &[], &body);
    let last = request("POST /user/login", &["Connection: close"], &body);
    // More than a pipe and the server hold together.
    let count = 8_000;
    let mut stream = TcpStream::connect(&address).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        for _ in 1..count {
            stream.write_all(wrong.as_bytes()).unwrap();
        }
        stream.write_all(last.as_bytes()).unwrap();
    });
    let mut answers = String::new();
    reader.read_to_string(&mut answers).unwrap();
    sending.join().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 403").count(), count);
    let lost: u64 = metric(&address, "zato_sso_audit_lines_lost_total").parse().unwrap();
    assert!(lost > 0 && lost < 8_000, "{lost}");
    // That is said, and no reason to send requests elsewhere.
    assert_eq!(ask(&address, "GET root:/health/ready", "").0, 200);
    server.signal("-TERM");
    let start = Instant::now();
    until(|| server.child.try_wait().unwrap().is_some());
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_is_read_is_answered_where_nothing_can_be_written() {
    let mut folder = Folder::new();
    folder.set("ZATO_SSO_PASSWORD", PASSWORD);
    assert_eq!(folder.run("create-super-user admin1").status, 0);
    let length = std::fs::metadata(folder.path("sso.db")).unwrap().len();
    // The write-ahead log may not become longer than the database is, and some.
    let mut server = Running::start_limited(&folder, SERVE, length + (128 << 10));
    let address = server.address();
    let ust = login(&address, "admin1").1["ust"].as_str().unwrap().to_owned();
    let mut written = 0;
    let refused = loop {
        let attr = json!({"ust": ust, "name": format!("a{written}"), "value": "x".repeat(60_000)});
        let (status, body) = ask(&address, "PUT /user/attr", &attr.to_string());
        if status != 200 {
            break (status, body);
        }
        written += 1;
        assert!(written < 16, "the quota comes first");
    };
    assert!(refused.0 == 503 && refused.1.contains("E008006"), "{refused:?}");
    // What is smaller may have found room.
    let small = json!({"ust": ust, "name": "small", "value": "x"}).to_string();
    until(|| ask(&address, "PUT /user/attr", &small).0 == 503);
    until(|| ask(&address, "GET root:/health/ready", "").0 == 503);
    let search = json!({"ust": ust, "username": "admin", "is_name_exact": false});
    let (status, body) = ask(&address, "GET /user/search", &search.to_string());
    assert!(status == 200 && body.contains("admin1"), "{status} {body}");
    let (status, body) = ask(&address, "GET /user", &json!({"ust": ust}).to_string());
    assert_eq!(status, 200, "{body}");
    server.until_logged("ready.not");
    server.signal("-TERM");
    assert_eq!(server.end().0, Some(0));
}

#[tokio::test]
async fn whether_sessions_are_cached_is_logged() {
    let mut folder = Folder::with_database(Kind::Postgres).await;
    folder.set("ZATO_SSO_LOG__FILE", "log.jsonl");
    let world = folder.world().await;
    world.user("user1").await;
    let server = Running::start(&folder, SERVE);
    let address = server.address();
    let ust = login(&address, "user1").1["ust"].as_str().unwrap().to_owned();
    let verify = || assert_eq!(ask(&address, "GET /user", &json!({"ust": ust}).to_string()).0, 200);
    let said = |event: &str| folder.read("log.jsonl").matches(event).count();
    until(|| {
        verify();
        said("cache.on") == 1
    });
    // The connection by which changes are heard of.
    let listening = "datname = current_database() AND query = 'SELECT pg_backend_pid()'";
    execute(&world, &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listening}"))
        .await;
    until(|| said("cache.off") == 1);
    until(|| {
        verify();
        said("cache.on") == 2
    });
    server.signal("-TERM");
    assert_eq!(server.end().0, Some(0));
    world.sso.close().await;
}

async fn a_database_that_goes_and_comes_back_is_logged_also_without_an_audit(kind: Kind) {
    let mut folder = Folder::with_database(kind).await;
    folder.set("ZATO_SSO_AUDIT__FILE", "off");
    let world = folder.world().await;
    let mut server = Running::start(&folder, SERVE);
    let address = server.address();
    assert_eq!(ask(&address, "GET root:/health/ready", "").0, 200);
    execute(&world, "UPDATE sso_setting SET name = 'hidden' WHERE name = 'keyring_check'").await;
    let (status, body) = ask(&address, "GET root:/health/ready", "");
    assert!(status == 503 && body.contains("E008006"), "{body}");
    let gone = server.until_logged("ready.not");
    assert!(gone["level"] == "error" && gone["text"].as_str().unwrap().contains("emptied"), "{gone}");
    execute(&world, "UPDATE sso_setting SET name = 'keyring_check' WHERE name = 'hidden'").await;
    server.until_logged("ready.again");
    // What becomes of an operation that fails is logged with its correlation id.
    execute(&world, "ALTER TABLE sso_user RENAME TO hidden").await;
    let mut stream = TcpStream::connect(&address).unwrap();
    let body = json!({"username": "nobody", "password": PASSWORD}).to_string();
    let text = request("POST /user/login", &["X-Zato-CID: cid-of-500", "Connection: close"], &body);
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    let failed = server.until_logged("error.internal");
    assert_eq!(failed["cid"], "cid-of-500");
    let text = failed["text"].as_str().unwrap();
    assert!(text.contains("user.login") && !text.contains(PASSWORD), "{text}");
    assert_eq!(server.until_logged("http.error")["cid"], "cid-of-500");
    execute(&world, "ALTER TABLE hidden RENAME TO sso_user").await;
    server.signal("-TERM");
    let (status, text) = server.end();
    assert_eq!((status, text.as_str()), (Some(0), ""));
    world.sso.close().await;
}
