//! Password resets over REST.

use serde_json::json;
use zato_sso::domain::NewUser;
use zato_sso::ops::Actor;

use crate::rest::Server;
use crate::smtp::{Manner, SmtpServer, token_in};
use crate::support::{Kind, ctx, new_user};

on_both_databases! {
    a_forgotten_password_is_replaced;
    whether_there_is_such_a_user_shows_nowhere;
}

async fn servers(kind: Kind) -> (Server, SmtpServer) {
    let smtp = SmtpServer::new(Manner::Kind).await;
    let server = Server::with(kind, json!({"smtp.url": smtp.url})).await;
    let new = NewUser { email: Some("user1@example.com".to_owned()), ..new_user("user1") };
    server.world.sso.create_user(&ctx(), Actor::Trusted(None), new, true).await.unwrap();
    (server, smtp)
}

async fn a_forgotten_password_is_replaced(kind: Kind) {
    let (server, smtp) = servers(kind).await;
    let ask = |line: &str, body: serde_json::Value| server.ask(line, &[], &body.to_string());
    ask("POST /password/reset", json!({"credential": "user1"})).ok();
    let token = token_in(&smtp.email(1).await);
    let key = ask("PATCH /password/reset", json!({"token": token})).ok()["reset_key"].clone();
    assert_eq!(ask("PATCH /password/reset", json!({"token": token})).refusal(), "E010001");

    let chosen = |password: &str| json!({"token": token, "reset_key": key, "password": password});
    assert_eq!(ask("DELETE /password/reset", chosen("short")).refusal(), "E003002");
    let done = ask("DELETE /password/reset", chosen("a new and different one"));
    assert_eq!(done.shape(), r#"200 {"cid":"…","status":"ok"}"#);
    assert_eq!(ask("DELETE /password/reset", chosen("a new and different one")).refusal(), "E010001");
    ask("POST /user/login", json!({"username": "user1", "password": "a new and different one"})).ok();

    for (line, body) in [
        ("POST /password/reset", json!({})),
        ("PATCH /password/reset", json!({"token": 5})),
        ("DELETE /password/reset", json!({"token": token, "reset_key": key})),
    ] {
        assert_eq!(ask(line, body).status, 400, "{line}");
    }
}

async fn whether_there_is_such_a_user_shows_nowhere(kind: Kind) {
    let (server, _smtp) = servers(kind).await;
    let answer = |credential: &str| {
        let body = json!({"credential": credential}).to_string();
        let answer = server.ask("POST /password/reset", &["User-Agent: curl"], &body);
        let names: Vec<String> = answer.headers.iter().map(|(name, _)| name.clone()).collect();
        (answer.shape(), names)
    };
    let expected = answer("user1");
    assert_eq!(expected.0, r#"200 {"cid":"…","status":"ok","sub_status":[]}"#);
    for unknown in ["nobody", "", "\0", "user1@example.com", "ż"] {
        assert_eq!(answer(unknown), expected, "{unknown}");
    }
}
