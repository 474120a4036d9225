//! The server: connections, time limits, and how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rest::{Connection, Server, request};
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
    who_waits_for_its_client_makes_room_and_health_is_told_in_any_case;
    an_address_has_connections_of_its_own_and_trusted_proxies_any_number;
    answers_that_nobody_reads_take_no_more_than_they_may;
    an_answer_that_nobody_reads_ends_its_connection;
    the_end_does_not_wait_for_what_is_half_sent;
    the_server_says_that_it_is_not_ready_before_it_ends;
    a_head_that_is_too_large_is_refused;
    metrics_and_documentation_have_an_address_of_their_own;
    metrics_and_documentation_can_be_switched_off;
}

fn login_body() -> String {
    json!({"username": "user1", "password": PASSWORD}).to_string()
}

fn login() -> String {
    request("POST /user/login", &[], &login_body())
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
        insta::assert_snapshot!(answer.shape(), @r#"503 {"cid":"…","status":"error","sub_status":["E008005"]}"#);
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

/// Until the server has surely read what was sent, also on a busy machine.
async fn long_pause() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// A connection with a request under way, whose body is not complete.
fn half_sent(server: &Server) -> (Connection, String) {
    let mut connection = server.connect();
    let text = login();
    let (head, tail) = text.split_at(text.len() - 1);
    connection.write(head);
    (connection, tail.to_owned())
}

async fn who_waits_for_its_client_makes_room_and_health_is_told_in_any_case(kind: Kind) {
    let server = Server::with(kind, json!({"http.max_connections": 2})).await;
    server.world.user("user1").await;
    let live = request("GET root:/health/live", &[], "");
    let (mut first, mut second) = (server.connect(), server.connect());
    for connection in [&mut first, &mut second] {
        connection.write(&live);
        connection.answer().ok();
        pause().await;
    }
    // The one that has waited longest goes.
    let mut third = server.connect();
    third.write(&live);
    third.answer().ok();
    assert!(first.is_closed());
    second.write(&live);
    second.answer().ok();
    drop((second, third));
    pause().await;

    let (mut busy, tail) = half_sent(&server);
    let (_other, _) = half_sent(&server);
    long_pause().await;
    for path in ["/health/live", "/health/ready/"] {
        let answer = server.ask(&format!("GET root:{path}"), &[], "");
        answer.ok();
        assert_eq!(answer.header("connection"), Some("close"));
    }
    let answer = server.ask("POST /user/login", &[], "{}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(answer.shape(), @r#"503 {"cid":"…","status":"error","sub_status":["E008005"]}"#);
    }
    assert_eq!(answer.header("retry-after"), Some("1"));
    // Silence does not keep others from asking.
    let _silent: Vec<_> = (0..40).map(|_| server.connect()).collect();
    server.ask("GET root:/health/live", &[], "").ok();
    busy.write(tail);
    busy.answer().ok();
    // A connection that is being closed counts until it is.
    long_pause().await;
    server.ask("POST /user/login", &[], &login_body()).ok();
}

async fn an_address_has_connections_of_its_own_and_trusted_proxies_any_number(kind: Kind) {
    for (proxies, expected) in [(json!([]), 503), (json!(["127.0.0.0/8"]), 400)] {
        let settings = json!({"http.max_connections_per_address": 2, "http.trusted_proxies": proxies});
        let server = Server::with(kind, settings).await;
        let _busy = [half_sent(&server), half_sent(&server)];
        long_pause().await;
        assert_eq!(server.ask("POST /user/login", &[], "{}").status, expected);
    }
}

/// A client of HTTP/2 that reads nothing of answers until it says so: how much of each it takes is 0.
struct Unreading(TcpStream);

const WINDOW_UPDATE: u8 = 8;
const END_HEADERS: u8 = 0x4;
const END_STREAM: u8 = 0x1;

impl Unreading {
    fn new(server: &Server) -> Self {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113, section 6.5.2).
        stream.write_all(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).unwrap();
        Self(stream)
    }

    /// Asks for the attribute `a` of a session.
    fn ask(&mut self, id: u8, ust: &str) {
        let path = format!("/zato/sso/user/attr?name=a&ust={ust}");
        let mut head = vec![0x82, 0x86, 0x04];
        // A length of 127 and more goes on in the next byte (RFC 7541, section 5.1).
        match u8::try_from(path.len()).unwrap() {
            short @ 0..127 => head.push(short),
            long => head.extend([127, long - 127]),
        }
        head.extend(path.bytes());
        head.extend([0x01, 9]);
        head.extend(b"localhost");
        self.0.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, id, &head)).unwrap();
    }

    /// Whether the next answer is a success.
    fn is_ok(&mut self) -> bool {
        loop {
            if let (HEADERS, _, payload) = read_frame(&mut self.0) {
                return payload[0] == 0x88;
            }
        }
    }

    /// Reads an answer to its end.
    fn read(&mut self, id: u8) {
        let all = [0, 1, 0, 0];
        self.0.write_all(&frame(WINDOW_UPDATE, 0, id, &all)).unwrap();
        while !matches!(self.frame(), (DATA, END_STREAM)) {}
    }

    /// The type and the flags of the next frame.
    fn frame(&mut self) -> (u8, u8) {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        self.0.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).unwrap();
        (head[3], head[4])
    }

    fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok()
    }
}

/// A session with an attribute of 12,000 bytes.
async fn with_attribute(server: &Server) -> String {
    server.world.user("user1").await;
    let ust = server.ust("user1");
    let body = json!({"ust": ust, "name": "a", "value": "x".repeat(12_000)}).to_string();
    server.ask("PUT /user/attr", &[], &body).ok();
    ust
}

async fn answers_that_nobody_reads_take_no_more_than_they_may(kind: Kind) {
    // Of an address: 16 KiB.
    let settings = json!({"http.max_body_bytes": 16_384, "http.max_answer_memory": 65_536});
    let server = Server::with(kind, settings).await;
    let ust = with_attribute(&server).await;
    let mut client = Unreading::new(&server);
    client.ask(1, &ust);
    assert!(client.is_ok());
    client.ask(3, &ust);
    assert!(!client.is_ok());
    let path = format!("GET /user/attr?name=a&ust={ust}");
    let refused = server.ask(&path, &[], "");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    // What is small always finds room.
    server.ask("POST /user/login", &[], &login_body()).ok();
    client.read(1);
    pause().await;
    server.ask(&path, &[], "").ok();
    // Nor does one that goes away leave anything.
    client.ask(5, &ust);
    client.ask(7, &ust);
    pause().await;
    drop(client);
    pause().await;
    server.ask(&path, &[], "").ok();
}

async fn an_answer_that_nobody_reads_ends_its_connection(kind: Kind) {
    let server = Server::with(kind, json!({"http.write_timeout": "400 ms"})).await;
    let ust = with_attribute(&server).await;
    let mut client = Unreading::new(&server);
    let start = Instant::now();
    client.ask(1, &ust);
    assert!(client.is_ok());
    assert!(client.is_closed());
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(400) && took < Duration::from_secs(5), "{took:?}");
}

async fn the_end_does_not_wait_for_what_is_half_sent(kind: Kind) {
    let mut server = Server::new(kind).await;
    let ust = with_attribute(&server).await;
    let mut unreading = Unreading::new(&server);
    unreading.ask(1, &ust);
    assert!(unreading.is_ok());
    let mut in_head = server.connect();
    in_head.write("POST /zato/sso/user/login HTTP/1.1\r\nHost:");
    let (mut in_body, _) = half_sent(&server);
    pause().await;
    let start = Instant::now();
    server.begin_stop();
    server.ended().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(in_body.answer().status, 408);
    assert!(in_head.is_closed());
}

async fn the_server_says_that_it_is_not_ready_before_it_ends(kind: Kind) {
    let mut server = Server::with(kind, json!({"http.drain": "1 s"})).await;
    server.world.user("user1").await;
    server.ask("GET root:/health/ready", &[], "").ok();
    let start = Instant::now();
    server.begin_stop();
    pause().await;
    let ready = server.ask("GET root:/health/ready", &[], "");
    insta::allow_duplicates! {
        insta::assert_snapshot!(ready.shape(), @r#"503 {"cid":"…","status":"error","sub_status":["E008006"]}"#);
    }
    assert_eq!(ready.header("retry-after"), Some("5"));
    server.ask("GET root:/health/live", &[], "").ok();
    let login = server.ask("POST /user/login", &[], &login_body());
    login.ok();
    assert_eq!(login.header("connection"), Some("close"));
    let address = server.address;
    server.ended().await;
    assert!(start.elapsed() >= Duration::from_secs(1) && TcpStream::connect(address).is_err());
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
