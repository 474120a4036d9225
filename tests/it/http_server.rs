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
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
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
    // GET, http, the path and the host (RFC 7541, appendix A).
    let head = [&[0x82, 0x86, 0x04, 12], b"/health/live".as_slice(), &[0x01, 9], b"localhost"].concat();
    let (end_headers, end_stream) = (0x4, 0x1);
    for id in [1, 3] {
        stream.write_all(&frame(HEADERS, end_headers | end_stream, id, &head)).unwrap();
    }
    let mut answered = Vec::new();
    let mut bodies = 0;
    while answered.len() < 2 || bodies < 2 {
        match read_frame(&mut stream) {
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
