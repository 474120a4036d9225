//! The server: connections, time limits, and how it ends.

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
