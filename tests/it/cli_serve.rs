//! `zato-sso serve`: where it listens, that it answers, and how it ends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::command::{Folder, Running};
use crate::rest::request;
use crate::support::PASSWORD;

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
