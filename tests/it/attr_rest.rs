//! Attributes over REST.

use serde_json::{Value, json};

use crate::rest::{Answer, Server};
use crate::support::Kind;

on_both_databases! {
    attributes_of_users_and_sessions_live_the_same_life;
    a_list_is_written_read_and_deleted_at_once;
    input_is_read_loosely_or_refused;
    attributes_of_others_are_for_super_users;
    a_name_that_stands_in_a_list_twice_is_refused_in_every_list;
    what_is_too_large_is_refused;
}

fn ask(server: &Server, line: &str, body: &Value) -> Answer {
    server.ask(line, &[], &body.to_string())
}

fn with(base: &Value, more: &Value) -> Value {
    let mut all = base.clone();
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// Each path, and who asks there.
async fn places(server: &Server) -> Vec<(&'static str, Value)> {
    server.world.user("user1").await;
    let ust = server.ust("user1");
    let session = json!({"target_ust": ust, "current_ust": ust});
    vec![
        ("/user/attr", json!({"ust": ust})),
        ("/session/attr", session),
        ("/user/session/attr", json!({"target_ust": server.ust("user1"), "current_ust": ust})),
    ]
}

async fn attributes_of_users_and_sessions_live_the_same_life(kind: Kind) {
    let server = Server::new(kind).await;
    for (path, who) in places(&server).await {
        let call = |method: &str, more: Value| ask(&server, &format!("{method} {path}"), &with(&who, &more));
        let missing = call("GET", json!({"name": "a"})).ok();
        assert_eq!(missing["found"], false);
        assert_eq!(missing.as_object().unwrap().len(), 3);
        assert_eq!(call("PATCH", json!({"name": "a", "value": "1"})).refusal(), "E009002");
        let made = json!({"name": "a", "value": "1", "expiration": "60", "encrypt": "True"});
        call("POST", made.clone()).ok();
        assert_eq!(call("POST", made).refusal(), "E009001");
        let mut got = call("GET", json!({"name": "a"})).ok();
        let got = got.as_object_mut().unwrap();
        got.remove("cid");
        let expected = json!({"status": "ok", "found": true, "name": "a", "value": "1",
            "creation_time": "2026-02-25T12:00:00", "last_modified": "2026-02-25T12:00:00",
            "expiration_time": "2026-02-25T12:01:00", "is_encrypted": true});
        assert_eq!(Value::from(got.clone()), expected);
        let closed = call("GET", json!({"name": "a", "decrypt": false})).ok();
        assert!(closed.get("value").is_none() && closed["is_encrypted"] == true);
        call("PATCH", json!({"name": "a", "value": ""})).ok();
        call("PUT", json!({"name": "b", "value": "2"})).ok();
        assert_eq!(call("GET", json!({"name": "a"})).ok()["value"], "");
        assert_eq!(call("GET", json!({"name": "b"})).ok()["expiration_time"], "9999-12-31T00:00:00");

        let at = |suffix: &str, more: Value| {
            ask(&server, &format!("GET {path}/{suffix}"), &with(&who, &more)).ok()["result"].clone()
        };
        assert_eq!(at("names", json!({})), json!(["a", "b"]));
        assert_eq!(at("exists", json!({"name": "a"})), true);
        assert_eq!(at("exists", json!({"name": "none"})), false);
        assert_eq!(at("exists", json!({"data": ["none", "b"]})), json!({"none": false, "b": true}));
        call("DELETE", json!({"name": "a"})).ok();
        call("DELETE", json!({"name": "a"})).ok();
        assert_eq!(at("names", json!({})), json!(["b"]));
    }
}

async fn a_list_is_written_read_and_deleted_at_once(kind: Kind) {
    let server = Server::new(kind).await;
    for (path, who) in places(&server).await {
        let call = |method: &str, more: Value| ask(&server, &format!("{method} {path}"), &with(&who, &more));
        let item = |name: &str| json!({"name": name, "value": name});
        let sealed = json!({"name": "b", "value": "2", "encrypt": true, "expiration": 5});
        call("POST", json!({"data": [item("a"), sealed], "expiration": 60})).ok();
        assert_eq!(call("POST", json!({"data": [item("c"), item("a")]})).refusal(), "E009001");
        assert_eq!(call("PATCH", json!({"data": [item("a"), item("c")]})).refusal(), "E009002");
        assert_eq!(call("PUT", json!({"data": []})).refusal(), "E008003");
        let many = call("GET", json!({"data": ["a", "b", "c"]})).ok()["result"].clone();
        assert_eq!(many["a"]["expiration_time"], "2026-02-25T12:01:00");
        assert_eq!(
            (&many["b"]["expiration_time"], &many["b"]["is_encrypted"]),
            (&json!("2026-02-25T12:00:05"), &json!(true))
        );
        assert_eq!((&many["a"]["value"], &many["c"]), (&json!("a"), &Value::Null));
        call("DELETE", json!({"data": ["a", "b", "c"]})).ok();
        let many = call("GET", json!({"data": ["a"]})).ok()["result"].clone();
        assert_eq!(many, json!({"a": null}));
    }
}

async fn input_is_read_loosely_or_refused(kind: Kind) {
    let server = Server::new(kind).await;
    for (path, who) in places(&server).await {
        let call = |method: &str, more: Value| ask(&server, &format!("{method} {path}"), &with(&who, &more));
        for bad in [
            json!({"name": "a"}),
            json!({"value": "a"}),
            json!({"name": "a", "value": 5}),
            json!({"name": "a", "value": "b", "data": []}),
            json!({"name": "a", "value": "b", "expiration": "soon"}),
            json!({"data": [{"name": "a"}]}),
            json!({"data": ["a"]}),
            json!({"data": "a"}),
            json!({}),
        ] {
            assert_eq!(call("PUT", bad.clone()).status, 400, "{bad}");
        }
        for bad in [json!({}), json!({"data": [5]}), json!({"name": "a", "data": ["a"]})] {
            assert_eq!(call("GET", bad.clone()).status, 400, "{bad}");
            assert_eq!(call("DELETE", bad.clone()).status, 400, "{bad}");
        }
        assert_eq!(call("PUT", json!({"name": "", "value": "1"})).refusal(), "E008002");
        assert_eq!(call("PUT", json!({"name": "a", "value": "1", "expiration": 0})).refusal(), "E008002");
        assert_eq!(call("GET", json!({"name": "a\u{0}"})).refusal(), "E008002");
        call("PUT", json!({"name": "a", "value": "1"})).ok();
        // A list in a query string.
        let query = format!("GET {path}?data=%5B%22a%22%5D");
        assert_eq!(ask(&server, &query, &who).ok()["result"]["a"]["value"], "1");
    }
}

async fn attributes_of_others_are_for_super_users(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id.to_string();
    server.world.user("user2").await;
    let (root, user, other) = (server.ust("root1"), server.ust("user1"), server.ust("user2"));
    let set = |ust: &str, user_id: &str| {
        let body = json!({"ust": ust, "user_id": user_id, "name": "a", "value": "1"});
        ask(&server, "PUT /user/attr", &body)
    };
    set(&root, &user_id).ok();
    set(&user, &user_id).ok();
    assert_eq!(set(&other, &user_id).refusal(), "E005001");
    assert_eq!(set(&root, "zusrnobody").refusal(), "E001100");
    let data = json!({"ust": other, "data": [{"name": "b", "value": "1", "user_id": user_id}]});
    assert_eq!(ask(&server, "PUT /user/attr", &data).refusal(), "E005001");
    ask(&server, "PUT /user/attr", &with(&data, &json!({"ust": root}))).ok();
    let names = ask(&server, "GET /user/attr/names", &json!({"ust": user})).ok();
    assert_eq!(names["result"], json!(["a", "b"]));
    let foreign = json!({"target_ust": user, "current_ust": other});
    assert_eq!(ask(&server, "GET /session/attr/names", &foreign).refusal(), "E005001");
    let by_root = json!({"target_ust": user, "current_ust": root});
    assert_eq!(ask(&server, "GET /session/attr/names", &by_root).ok()["result"], json!([]));
}

async fn a_name_that_stands_in_a_list_twice_is_refused_in_every_list(kind: Kind) {
    let server = Server::new(kind).await;
    for (path, who) in places(&server).await {
        let call = |line: &str, more: Value| {
            let (method, suffix) = line.split_once(' ').unwrap();
            ask(&server, &format!("{method} {path}{suffix}"), &with(&who, &more)).refusal()
        };
        let item = json!({"name": "a", "value": "1"});
        for line in ["POST ", "PATCH ", "PUT "] {
            assert_eq!(call(line, json!({"data": [item, item]})), "E008002");
        }
        for line in ["GET ", "DELETE ", "GET /exists"] {
            assert_eq!(call(line, json!({"data": ["a", "b", "a"]})), "E008002", "{line}");
            assert_eq!(call(line, json!({"data": r#"["a","a"]"#})), "E008002", "{line}");
        }
    }
}

async fn what_is_too_large_is_refused(kind: Kind) {
    let server = Server::with(kind, json!({"attr.max_per_owner": 2})).await;
    for (path, who) in places(&server).await {
        let call = |more: Value| ask(&server, &format!("PUT {path}"), &with(&who, &more));
        assert_eq!(call(json!({"name": "a", "value": "x".repeat(65_535)})).refusal(), "E008002");
        call(json!({"name": "a", "value": "x".repeat(65_534)})).ok();
        let item = |name: &str| json!({"name": name, "value": "1"});
        assert_eq!(call(json!({"data": [item("b"), item("c")]})).refusal(), "E008002");
        // More values, or more deeply nested, than any request needs; also where nobody asks for them.
        for name in ["data", "value", "unknown"] {
            let deep = format!("{{\"{name}\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
            let many = format!("{{\"{name}\":[{}1]}}", "1,".repeat(100_000));
            for body in [deep, many] {
                assert_eq!(server.ask(&format!("PUT {path}"), &[], &body).status, 400, "{name}");
            }
        }
    }
}
