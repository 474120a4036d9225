//! Clients of the OpenID Provider over REST.

use serde_json::{Value, json};

use crate::rest::Server;
use crate::support::Kind;

on_both_databases! {
    rest_manages_clients;
}

async fn rest_manages_clients(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("admin1").await;
    let ust = server.ust("admin1");
    let ask = |line: &str, mut body: Value| {
        body["ust"] = json!(ust);
        server.ask(line, &[], &body.to_string())
    };
    let new = json!({"name": "shop", "kind": "web", "redirect_uris": ["https://a.example/cb"], "is_trusted": "true"});
    let made = ask("POST /client", new).ok();
    assert_eq!(made["client_secret"].as_str().unwrap().len(), 43);
    assert_eq!(
        (&made["is_trusted"], &made["scopes"]),
        (&json!(true), &json!(["email", "openid", "profile"]))
    );
    let client_id = made["client_id"].clone();
    let got = ask("GET /client", json!({"client_id": client_id})).ok();
    assert!(got.get("client_secret").is_none());
    assert_eq!(got["redirect_uris"], json!(["https://a.example/cb"]));
    let change =
        json!({"client_id": client_id, "name": "Shop", "access_token_lifetime": "60", "scopes": null});
    let changed = ask("PATCH /client", change).ok();
    assert_eq!((&changed["name"], &changed["access_token_lifetime"]), (&json!("Shop"), &json!(60)));
    assert_eq!(changed["scopes"], json!([]));
    let listed = ask("GET /client/list", json!({})).ok();
    assert_eq!(listed["result"][0]["client_id"], client_id);
    let rotated = ask("POST /client/secret", json!({"client_id": client_id, "keep_old_for": 0})).ok();
    assert_ne!(rotated["client_secret"], made["client_secret"]);
    assert_eq!(ask("POST /client/secret", json!({"client_id": client_id, "keep_old_for": -1})).status, 400);
    let refused = ask("POST /client", json!({"name": "a", "kind": "robot"}));
    assert!(refused.body.contains("one of web, spa, native, service"), "{}", refused.body);
    assert_eq!(refused.refusal(), "E014002");
    assert_eq!(ask("POST /client", json!({"kind": "service"})).refusal(), "E014002");
    assert_eq!(ask("POST /client", json!({"name": "a"})).status, 400);
    ask("DELETE /client", json!({"client_id": client_id})).ok();
    assert_eq!(ask("GET /client", json!({"client_id": client_id})).refusal(), "E014001");
}
