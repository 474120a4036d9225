//! The server: connections, time limits, and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rest::{Server, request};
use crate::support::{Kind, PASSWORD};

on_both_databases! {
    a_request_under_way_is_answered_when_the_server_ends;
    a_connection_kept_alive_is_told_of_the_end_and_an_idle_one_is_closed;
    what_is_connected_but_not_accepted_yet_is_answered;
    busy_clients_lose_nothing_when_the_server_ends;
    a_request_that_takes_too_long_is_given_up;
    the_end_does_not_wait_for_a_client_that_never_finishes;
    the_prefix_is_configurable;
    requests_may_follow_each_other_on_a_connection;
    a_client_that_begins_with_http2_is_answered_so;
    a_head_that_does_not_come_ends_the_connection;
    a_connection_may_be_silent_between_requests_but_not_for_long;
    others_wait_while_there_are_as_many_connections_as_may_be;
    a_head_that_is_too_large_is_refused;
    metrics_and_documentation_have_an_address_of_their_own;
    metrics_and_documentation_can_be_switched_off;
}

fn login() -> String {
    let body = json!({"username": "user1", "password": PASSWORD}).to_string();
    request("POST /user/login", &[], &body)
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn a_request_under_way_is_answered_when_the_server_ends(kind: Kind) {
    let mut server = Server::new(kind).await;
    server.world.user("user1").await;
    let text = login();
    let (head, tail) = text.split_at(text.len() - 10);
    let mut connection = server.connect();
    connection.write(head);
    pause().await;
    server.begin_stop();
    // Longer than connections without a request are left open.
    tokio::time::sleep(Duration::from_millis(600)).await;
    connection.write(tail);
    let answer = connection.answer();
    answer.ok();
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(connection.is_closed());
    server.ended().await;
}

async fn a_connection_kept_alive_is_told_of_the_end_and_an_idle_one_is_closed(kind: Kind) {
    let mut server = Server::new(kind).await;
    server.world.user("user1").await;
    let (mut busy, mut idle, mut fresh) = (server.connect(), server.connect(), server.connect());
    for connection in [&mut busy, &mut idle] {
        connection.write(login());
        let answer = connection.answer();
        answer.ok();
        assert_eq!(answer.header("connection"), None);
    }
    pause().await;
    server.begin_stop();
    pause().await;
    busy.write(login());
    let last = busy.answer();
    last.ok();
    assert_eq!(last.header("connection"), Some("close"));
    assert!(busy.is_closed() && idle.is_closed() && fresh.is_closed());
    server.ended().await;
}

async fn what_is_connected_but_not_accepted_yet_is_answered(kind: Kind) {
    let mut server = Server::new(kind).await;
    server.world.user("user1").await;
    let address = server.address;
    // The end and the connections come at the same time.
    let mut connections: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.write(request("GET root:/health/live", &[], ""));
    }
    server.begin_stop();
    for connection in &mut connections {
        connection.answer().ok();
    }
    drop(connections);
    server.ended().await;
    assert!(std::net::TcpStream::connect(address).is_err());
}

/// Clients that send one request after the other, until an answer tells them that it was the last.
async fn busy_clients_lose_nothing_when_the_server_ends(kind: Kind) {
    let mut server = Server::new(kind).await;
    server.world.user("user1").await;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let mut connection = server.connect();
            std::thread::spawn(move || {
                for count in 1.. {
                    connection.write(login());
                    let answer = connection.answer();
                    answer.ok();
                    if answer.header("connection") == Some("close") {
                        return count;
                    }
                }
                unreachable!()
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.begin_stop();
    server.ended().await;
    for client in clients {
        assert!(client.join().unwrap() > 1);
    }
}

async fn a_request_that_takes_too_long_is_given_up(kind: Kind) {
    let server = Server::with(kind, json!({"http.request_timeout": "300 ms"})).await;
    let mut connection = server.connect();
    let text = login();
    connection.write(&text[..text.len() - 1]);
    let answer = connection.answer();
    insta::allow_duplicates! {
        insta::assert_snapshot!(answer.shape(), @r#"503 {"cid":"…","status":"error","sub_status":["E008004"]}"#);
    }
    server.ask("GET root:/health/live", &[], "").ok();
}

async fn the_end_does_not_wait_for_a_client_that_never_finishes(kind: Kind) {
    let mut server = Server::with(kind, json!({"http.request_timeout": "500 ms"})).await;
    let (mut in_head, mut in_body) = (server.connect(), server.connect());
    in_head.write("POST /zato/sso/user/login HTTP/1.1\r\nHost:");
    let text = login();
    in_body.write(&text[..text.len() - 1]);
    pause().await;
    let start = Instant::now();
    server.begin_stop();
    server.ended().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(in_body.answer().status, 503);
    assert!(in_head.is_closed());
}

async fn the_prefix_is_configurable(kind: Kind) {
    for prefix in ["", "/sso", "/health"] {
        let server = Server::with(kind, json!({"http.prefix": prefix})).await;
        assert_eq!(server.ask(&format!("GET root:{prefix}/user"), &[], "").status, 400, "{prefix}");
        assert_eq!(server.ask("GET /user", &[], "").status, 404, "{prefix}");
        server.ask("GET root:/health/live", &[], "").ok();
    }
}

async fn requests_may_follow_each_other_on_a_connection(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    let mut connection = server.connect();
    let wrong = request("POST /user/login", &[], r#"{"username":"user1","password":"wrong"}"#);
    connection.write([login(), wrong, request("GET /nothing", &[], "{"), login()].concat());
    let statuses: Vec<u16> = (0..4).map(|_| connection.answer().status).collect();
    assert_eq!(statuses, [200, 403, 404, 200]);
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0, high, low, kind, flags, 0, 0, 0, stream], payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

/// The next frame: its type, its stream and what it holds.
fn read_frame(stream: &mut TcpStream) -> (u8, u8, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).unwrap();
    (head[3], head[8], payload)
}

async fn a_client_that_begins_with_http2_is_answered_so(kind: Kind) {
    let mut server = Server::new(kind).await;
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // In two pieces, and it is the same.
    stream.write_all(b"PR").unwrap();
    pause().await;
    stream.write_all(b"I * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    // How many requests at a time, and how long a head (RFC 9113, section 6.5.2).
    let (first, _, settings) = read_frame(&mut stream);
    assert_eq!(first, SETTINGS);
    for limit in [[0, 3, 0, 0, 0, 16], [0, 6, 0, 0, 64, 0]] {
        assert!(settings.chunks(6).any(|setting| setting == limit), "{settings:?}");
    }
    // GET, http, the path and the host (RFC 7541, appendix A).
    let head = [&[0x82, 0x86, 0x04, 12], b"/health/live".as_slice(), &[0x01, 9], b"localhost"].concat();
    let (end_headers, end_stream) = (0x4, 0x1);
    for id in [1, 3] {
        stream.write_all(&frame(HEADERS, end_headers | end_stream, id, &head)).unwrap();
    }
    // A field costs five bytes here, and one with a table: their number is limited too.
    let many = [head, [0x00, 1, b'x', 1, b'1'].repeat(101)].concat();
    stream.write_all(&frame(HEADERS, end_headers | end_stream, 5, &many)).unwrap();
    let mut answered = Vec::new();
    let mut bodies = 0;
    let mut is_refused = false;
    while answered.len() < 2 || bodies < 2 || !is_refused {
        match read_frame(&mut stream) {
            (HEADERS, 5, payload) => {
                assert_ne!(payload[0], 0x88);
                is_refused = true;
            }
            // `:status: 200` has an index of its own.
            (HEADERS, id, payload) if payload[0] == 0x88 => answered.push(id),
            (HEADERS, _, payload) => panic!("not 200: {payload:?}"),
            (DATA, _, payload) => bodies += usize::from(payload.starts_with(b"{\"cid\":")),
            _ => {}
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, [1, 3]);
    drop(stream);
    server.begin_stop();
    server.ended().await;
}

async fn a_head_that_does_not_come_ends_the_connection(kind: Kind) {
    let settings = json!({"http.header_timeout": "400 ms", "http.idle_timeout": "20 s"});
    let server = Server::with(kind, settings).await;
    for begun in ["", "P", "PRI", "GET /hea", "POST /zato/sso/user/login HTTP/1.1\r\nHost: "] {
        let mut connection = server.connect();
        let start = Instant::now();
        connection.write(begun);
        assert!(connection.is_closed(), "{begun}");
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(350) && took < Duration::from_secs(5), "{begun}: {took:?}");
    }
    // A byte now and then does not help.
    let mut connection = server.connect();
    let start = Instant::now();
    let dribbled = "GET /health/live HTTP/1.1\r\nHost: localhost".bytes().all(|byte| {
        std::thread::sleep(Duration::from_millis(50));
        connection.try_write(&[byte])
    });
    assert!(!dribbled || connection.is_closed());
    assert!(start.elapsed() < Duration::from_secs(5));
}

async fn a_connection_may_be_silent_between_requests_but_not_for_long(kind: Kind) {
    let settings = json!({"http.header_timeout": "300 ms", "http.idle_timeout": "1200 ms"});
    let server = Server::with(kind, settings).await;
    server.world.user("user1").await;
    let mut connection = server.connect();
    // Neither limit is one for a body.
    let text = login();
    connection.write(&text[..text.len() - 1]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    connection.write(&text[text.len() - 1..]);
    connection.answer().ok();
    tokio::time::sleep(Duration::from_millis(600)).await;
    connection.write(login());
    connection.answer().ok();
    let start = Instant::now();
    assert!(connection.is_closed());
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(1_000) && took < Duration::from_secs(5), "{took:?}");
    // The head of a later request has no more time than that of the first.
    let mut connection = server.connect();
    connection.write(login());
    connection.answer().ok();
    connection.write("GET");
    let start = Instant::now();
    assert!(connection.is_closed());
    assert!(start.elapsed() < Duration::from_millis(1_000), "{:?}", start.elapsed());
}

async fn others_wait_while_there_are_as_many_connections_as_may_be(kind: Kind) {
    let server = Server::with(kind, json!({"http.max_connections": 2})).await;
    let live = request("GET root:/health/live", &[], "");
    let (mut first, mut second) = (server.connect(), server.connect());
    for connection in [&mut first, &mut second] {
        connection.write(&live);
        connection.answer().ok();
    }
    let mut third = server.connect();
    third.write(&live);
    assert!(third.is_silent_for(Duration::from_millis(500)));
    drop(first);
    third.answer().ok();
    second.write(&live);
    second.answer().ok();
}

async fn a_head_that_is_too_large_is_refused(kind: Kind) {
    let server = Server::new(kind).await;
    let with_header = |length: usize| {
        let header = format!("X-Long: {}", "a".repeat(length));
        server.ask("GET root:/health/live", &[&header], "").status
    };
    assert_eq!(with_header(60_000), 200);
    assert_eq!(with_header(70_000), 431);
}

const OF_ADMIN: [&str; 3] = ["/metrics", "/docs", "/openapi.json"];

async fn metrics_and_documentation_have_an_address_of_their_own(kind: Kind) {
    let mut server = Server::with(kind, json!({"http.admin_listen": "127.0.0.1:0"})).await;
    server.world.user("user1").await;
    let admin = server.admin.unwrap();
    let at_admin = |path: &str| {
        let mut connection = server.connect_to(admin);
        connection.write(request(&format!("GET root:{path}"), &[], ""));
        connection.answer()
    };
    for path in OF_ADMIN {
        assert_eq!(server.ask(&format!("GET root:{path}"), &[], "").status, 404, "{path}");
        assert_eq!(at_admin(path).status, 200, "{path}");
    }
    for path in ["/health/live", "/health/ready"] {
        server.ask(&format!("GET root:{path}"), &[], "").ok();
        at_admin(path).ok();
    }
    server.ask("POST /user/login", &[], &json!({"username": "user1", "password": PASSWORD}).to_string()).ok();
    for path in ["/zato/sso/user", "/users", "/sso/library.js", "/sso/check"] {
        assert_eq!(at_admin(path).status, 404, "{path}");
    }
    // What was counted at one address is shown at the other.
    assert!(at_admin("/metrics").body.contains("path=\"/user/login\",status=\"200\"} 1"));
    server.begin_stop();
    server.ended().await;
    assert!(TcpStream::connect(admin).is_err());
}

async fn metrics_and_documentation_can_be_switched_off(kind: Kind) {
    for (key, absent) in [("http.metrics", &OF_ADMIN[..1]), ("http.docs", &OF_ADMIN[1..])] {
        let server = Server::with(kind, json!({key: false})).await;
        for path in OF_ADMIN {
            let expected = if absent.contains(&path) { 404 } else { 200 };
            assert_eq!(server.ask(&format!("GET root:{path}"), &[], "").status, expected, "{key} {path}");
        }
    }
}
