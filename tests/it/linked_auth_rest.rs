//! Linked definitions over REST: managing links, and requests that are authenticated by them.

use data_encoding::BASE64;
use serde_json::{Value, json};
use zato_sso::domain::SecType;

use crate::linked_auth::{define, linked, token_of};
use crate::rest::{Answer, Server};
use crate::support::{Kind, any_rows, ctx, refusals};

on_both_databases! {
    links_are_made_listed_and_deleted;
    a_definition_acts_as_its_user;
    logging_out_is_ok_whatever_becomes_of_the_definition;
    wrong_secrets_are_delayed;
    a_definition_reaches_its_own_session;
    the_header_gives_way_to_an_element;
    whatever_the_header_holds_is_answered;
    a_definition_deleted_meanwhile_is_refused_from_then_on;
    a_code_may_come_with_the_request;
    first_requests_at_the_same_time_share_one_session;
    an_application_with_credentials_is_accepted_only_with_one_of_them;
}

fn ask(server: &Server, line: &str, body: &Value) -> Answer {
    server.ask(line, &[], &body.to_string())
}

fn basic(username: &str, secret: &str) -> String {
    format!("Authorization: Basic {}", BASE64.encode(format!("{username}:{secret}").as_bytes()))
}

/// The headers of a user's two definitions.
async fn headers(server: &Server) -> [String; 2] {
    let user = server.world.user("user1").await;
    let (_, secret) = linked(&server.world, SecType::BasicAuth, "basic", &user).await;
    let (_, key) = linked(&server.world, SecType::Jwt, "jwt", &user).await;
    let token = token_of("jwt-client", &key, 1);
    [basic("basic-client", &secret), format!("Authorization: Bearer {token}")]
}

async fn links_are_made_listed_and_deleted(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id.to_string();
    define(&server.world.sso, SecType::BasicAuth, "api", None).await;
    define(&server.world.sso, SecType::Jwt, "app", None).await;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let on = |ust: &str, auth_type: &str, auth_username: &str| json!({"ust": ust, "user_id": user_id, "auth_type": auth_type, "auth_username": auth_username});
    let api = on(&root, "basic_auth", "api-client");
    assert_eq!(ask(&server, "POST /user/linked", &api).ok().as_object().unwrap().len(), 2);
    assert_eq!(ask(&server, "POST /user/linked", &api).refusal(), "E008001");
    let mut app = on(&root, "jwt", "app-client");
    app["is_active"] = json!("False");
    ask(&server, "POST /user/linked", &app).ok();
    assert_eq!(ask(&server, "POST /user/linked", &on(&root, "jwt", "none")).refusal(), "E008002");
    for line in ["POST /user/linked", "DELETE /user/linked"] {
        assert_eq!(ask(&server, line, &on(&user, "basic_auth", "api-client")).refusal(), "E005001");
        let mut nobody = on(&root, "basic_auth", "api-client");
        nobody["user_id"] = json!("zusrnobody");
        assert_eq!(ask(&server, line, &nobody).refusal(), "E001100");
        for missing in ["ust", "user_id", "auth_type", "auth_username"] {
            let mut body = api.clone();
            body.as_object_mut().unwrap().remove(missing);
            assert_eq!(ask(&server, line, &body).status, 400, "{missing}");
        }
    }
    let expected = json!([
        {"auth_type": "basic_auth", "auth_username": "api-client", "creation_time": "2026-02-25T12:00:00",
            "is_active": true},
        {"auth_type": "jwt", "auth_username": "app-client", "creation_time": "2026-02-25T12:00:00",
            "is_active": false},
    ]);
    assert_eq!(ask(&server, "GET /user/linked", &json!({"ust": user})).ok()["result"], expected);
    let by_root = json!({"ust": root, "user_id": user_id});
    assert_eq!(ask(&server, "GET /user/linked", &by_root).ok()["result"], expected);
    assert_eq!(ask(&server, "GET /user/linked", &json!({"ust": root})).ok()["result"], json!([]));
    let root_id = ask(&server, "GET /user", &json!({"ust": root})).ok()["user_id"].clone();
    let foreign = ask(&server, "GET /user/linked", &json!({"ust": user, "user_id": root_id}));
    assert_eq!(foreign.refusal(), "E005001");
    ask(&server, "DELETE /user/linked", &api).ok();
    assert_eq!(ask(&server, "DELETE /user/linked", &api).refusal(), "E008002");
}

async fn a_definition_acts_as_its_user(kind: Kind) {
    let server = Server::new(kind).await;
    for header in headers(&server).await {
        let call =
            |line: &str, body: Value| server.ask(line, &[&header, "User-Agent: client/1"], &body.to_string());
        assert_eq!(call("GET /user", json!({})).ok()["username"], "user1");
        let renewed = call("PATCH /user/session", json!({})).ok();
        assert!(renewed["expiration_time"].as_str().unwrap().starts_with("2026-02-25T13:00:0"));
        call("PUT /user/attr", json!({"name": "a", "value": "1"})).ok();
        assert_eq!(call("GET /user/attr", json!({"name": "a"})).ok()["value"], "1");
        call("PATCH /user", json!({"first_name": "Ann"})).ok();
        // It is no super-user.
        assert_eq!(call("POST /user", json!({"username": "other"})).refusal(), "E005001");
        assert_eq!(call("GET /user/search", json!({})).refusal(), "E005001");
        call("POST /user/logout", json!({})).ok();
        // And so on, in another session.
        assert_eq!(call("GET /user", json!({})).ok()["first_name"], "Ann");
        server.world.clock.advance_seconds(1);
    }
    let ust = server.ust("user1");
    let listed = ask(&server, "GET /user/session/list", &json!({"ust": ust})).ok();
    let told: Vec<_> = listed["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["auth_type"], one["auth_principal"], one["user_agent"]))
        .collect();
    let expected = [
        r#""basic_auth" "basic-client" "client/1""#,
        r#""jwt" "jwt-client" "client/1""#,
        r#""default" "user1" null"#,
    ];
    assert_eq!(told, expected);
    assert!(!listed.to_string().contains("zust"));
}

async fn logging_out_is_ok_whatever_becomes_of_the_definition(kind: Kind) {
    let server = Server::new(kind).await;
    let [right, token] = headers(&server).await;
    let free = define(&server.world.sso, SecType::BasicAuth, "free", None).await.secret.unwrap();
    server.ask("GET /user", &[&right], "").ok();
    let sessions = "SELECT session_id FROM sso_session WHERE ext_session_id IS NOT NULL";
    assert_eq!(any_rows(&server.world, sessions).await.len(), 1);
    for wrong in [
        basic("basic-client", "wrong").as_str(),
        &basic("nobody", "wrong"),
        &basic("free-client", free.expose()),
        "Authorization: Basic !!!",
        "Authorization: Bearer a.b.c",
        &format!("{token}x"),
    ] {
        let answer = server.ask("POST /user/logout", &[wrong], "");
        assert_eq!(answer.shape(), r#"200 {"cid":"…","status":"ok"}"#, "{wrong}");
        assert!(answer.header("x-zato-cid").is_some_and(|cid| answer.body.contains(cid)));
    }
    server.ask("POST /user/logout?current_app=Unknown", &[&right], "").ok();
    assert_eq!(any_rows(&server.world, sessions).await.len(), 1, "nobody was logged out by that");
    // The audit log knows better.
    assert_eq!(refusals(&server.world, "session.authenticate", "E%").await, 7);
    server.ask("POST /user/logout", &[&right], "").ok();
    assert_eq!(any_rows(&server.world, sessions).await.len(), 0);
    // A request that is wrong as such is one here as well.
    assert_eq!(server.ask("POST /user/logout", &["Authorization: Digest a"], "").status, 400);
}

async fn wrong_secrets_are_delayed(kind: Kind) {
    let server = Server::new(kind).await;
    let [right, _] = headers(&server).await;
    let wrong = basic("basic-client", "wrong");
    for _ in 0..5 {
        assert_eq!(server.ask("GET /user", &[&wrong], "").refusal(), "E005001");
    }
    // Not even a logout: the session that it is about may go on.
    for line in ["GET /user", "POST /user/logout"] {
        let answer = server.ask(line, &[&wrong], "");
        assert_eq!(answer.shape(), r#"429 {"cid":"…","status":"error","sub_status":["E005009"]}"#);
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    // The right one cannot have been guessed.
    server.ask("GET /user", &[&right], "").ok();
}

async fn a_definition_reaches_its_own_session(kind: Kind) {
    let server = Server::new(kind).await;
    let [header, other] = headers(&server).await;
    let call = |line: &str, body: Value| server.ask(line, &[&header], &body.to_string());
    let session = call("GET /user/session", json!({})).ok();
    assert_eq!(session["creation_time"], "2026-02-25T12:00:00");
    assert!(session.get("ust").is_none() && session.get("target_ust").is_none());
    call("POST /session/attr", json!({"name": "a", "value": "1"})).ok();
    assert_eq!(call("GET /session/attr", json!({"name": "a"})).ok()["value"], "1");
    // The other definition has another session.
    assert_eq!(server.ask("GET /session/attr/names", &[&other], "").ok()["result"], json!([]));
    // Whom a token names is whom it is about.
    let target = json!({"target_ust": server.ust("user1")});
    assert_eq!(call("GET /session/attr/names", target).ok()["result"], json!([]));
    // Without a definition, a session has to be named.
    let bearer = format!("Authorization: Bearer {}", server.ust("user1"));
    assert_eq!(server.ask("GET /session/attr/names", &[&bearer], "").status, 400);
    let list = call("GET /user/session/list", json!({})).ok();
    assert_eq!(list["result"].as_array().unwrap().len(), 4);
}

async fn the_header_gives_way_to_an_element(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user2").await;
    let ust = server.ust("user2");
    for header in headers(&server).await {
        let seen = |body: Value| server.ask("GET /user", &[&header], &body.to_string());
        assert_eq!(seen(json!({"ust": ust})).ok()["username"], "user2");
        assert_eq!(seen(json!({"current_ust": ust})).ok()["username"], "user2");
        assert_eq!(seen(json!({"ust": ""})).ok()["username"], "user1");
        assert_eq!(seen(json!({"ust": "zustnone"})).refusal(), "E007001");
        // Where no session is needed none is opened.
        let login = json!({"username": "user2", "password": crate::support::PASSWORD});
        server.ask("POST /user/login", &[&header], &login.to_string()).ok();
    }
    let sql = "SELECT session_id FROM sso_session WHERE ext_session_id IS NOT NULL";
    assert_eq!(any_rows(&server.world, sql).await.len(), 2);
}

async fn whatever_the_header_holds_is_answered(kind: Kind) {
    let server = Server::new(kind).await;
    let [right, token] = headers(&server).await;
    let long = format!("Authorization: Basic {}", "QUFB".repeat(4_000));
    let huge_token = format!("Authorization: Bearer {}.b.c", "a".repeat(20_000));
    for wrong in [
        basic("basic-client", "wrong").as_str(),
        &basic("nobody", "wrong"),
        &basic("", ""),
        &basic("basic-client\0", "\0"),
        &basic("bąsic", "ż"),
        "Authorization: Basic !!!",
        "Authorization: Basic QWxhZGRpbg==",
        "Authorization: basic \u{e9}\u{e9}",
        "Authorization: Bearer a.b.c",
        "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJqd3QtY2xpZW50In0.e30",
        &format!("{token}x"),
        &long,
        &huge_token,
    ] {
        let answer = server.ask("GET /user", &[wrong], "");
        assert_eq!(answer.shape(), r#"403 {"cid":"…","status":"error","sub_status":["E005001"]}"#, "{wrong}");
    }
    for none in
        ["Authorization: Digest a", "Authorization: Basic", "Authorization:", "X-Authorization: Basic a"]
    {
        assert_eq!(server.ask("GET /user", &[none], "").status, 400, "{none}");
    }
    let unknown = server.ask("GET /user?current_app=Unknown", &[&right], "");
    assert_eq!(unknown.refusal(), "E004001");
    assert_eq!(server.ask("GET /user", &["Authorization: Bearer a.b"], "").refusal(), "E007001");
}

async fn a_definition_deleted_meanwhile_is_refused_from_then_on(kind: Kind) {
    let server = Server::new(kind).await;
    let headers = headers(&server).await;
    let root = server.ust("root1");
    for (header, name) in headers.iter().zip(["basic", "jwt"]) {
        let mut connection = server.connect();
        let request = crate::rest::request("GET /user", &[header], "");
        connection.write(&request);
        connection.answer().ok();
        server.world.sso.delete_sec_def(&ctx(), name).await.unwrap();
        connection.write(&request);
        assert_eq!(connection.answer().refusal(), "E005001");
    }
    let user_id = server.world.sso.get_user_by_username(&ctx(), "user1", true).await.unwrap().unwrap();
    let links = json!({"ust": root, "user_id": user_id.user.user_id.as_str()});
    assert_eq!(ask(&server, "GET /user/linked", &links).ok()["result"], json!([]));
}

async fn a_code_may_come_with_the_request(kind: Kind) {
    let server = Server::with(kind, json!({"login.totp_single_use": false})).await;
    let [basic, bearer] = headers(&server).await;
    let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let code = crate::login::totp_code(0);
    let update = json!({"is_totp_enabled": true, "totp_key": key, "totp_code": code}).to_string();
    server.ask("PATCH /user", &[&basic], &update).ok();
    assert_eq!(server.ask("GET /user", &[&basic], "").ok()["is_totp_enabled"], true);
    assert_eq!(server.ask("GET /user", &[&bearer], "").refusal(), "E005008");
    assert_eq!(server.ask("GET /user?totp_code=1", &[&bearer], "").refusal(), "E005001");
    let body = json!({"totp_code": code}).to_string();
    server.ask("GET /user", &[&bearer], &body).ok();
    server.ask("GET /user", &[&bearer], "").ok();
}

async fn first_requests_at_the_same_time_share_one_session(kind: Kind) {
    let server = Server::new(kind).await;
    let headers = headers(&server).await;
    for header in &headers {
        let requests = crate::rest::request("PATCH /user/session", &[header], "");
        let mut connections: Vec<_> = (0..20).map(|_| server.connect()).collect();
        for connection in &mut connections {
            connection.write(&requests);
        }
        for connection in &mut connections {
            connection.answer().ok();
        }
    }
    let sql = "SELECT session_id FROM sso_session WHERE ext_session_id IS NOT NULL";
    assert_eq!(any_rows(&server.world, sql).await.len(), 2);
    let listed = server.ask("GET /user/session/list", &[&headers[0]], "").ok();
    let last = |session: &Value| {
        session["session_state_change_list"].as_array().unwrap().last().unwrap()["idx"].as_i64().unwrap()
    };
    let mut changes: Vec<i64> = listed["result"].as_array().unwrap().iter().map(last).collect();
    changes.sort_unstable();
    // Each request renews when it comes in and once more as what it asks for; the list comes in, too.
    assert_eq!(changes, [40, 41]);
}

async fn an_application_with_credentials_is_accepted_only_with_one_of_them(kind: Kind) {
    let settings = json!({"apps.credentials": {"Metadata": ["basic_auth.meta", "jwt.meta-jwt"]}});
    let server = Server::with(kind, settings).await;
    let user = server.world.user("user1").await;
    // Bound, and linked to nobody.
    let secret = define(&server.world.sso, SecType::BasicAuth, "meta", None).await.secret.unwrap();
    let key = define(&server.world.sso, SecType::Jwt, "meta-jwt", None).await.secret.unwrap();
    // Linked, and not bound.
    let (_, foreign) = linked(&server.world, SecType::BasicAuth, "foreign", &user).await;
    let body = json!({"username": "user1", "password": crate::support::PASSWORD, "current_app": "Metadata",
        "remote_addr": "192.0.2.1"});
    let login = |header: &str| server.ask("POST /user/login", &[header], &body.to_string());
    let right = basic("meta-client", secret.expose());
    let token = format!("Authorization: Bearer {}", token_of("meta-jwt-client", key.expose(), 1));
    for header in [&right, &token] {
        let ust = login(header).ok()["ust"].clone();
        let on = json!({"target_ust": ust, "current_ust": ust, "current_app": "Metadata"});
        let get = |headers: &[&str]| server.ask("GET /user/session", headers, &on.to_string());
        assert_eq!(get(&[header]).ok()["remote_addr"], "192.0.2.1");
        // Every call of the application, not only logins.
        assert_eq!(get(&[]).refusal(), "E005001");
        // A token says nothing about the application.
        let bearer = format!("Authorization: Bearer {}", ust.as_str().unwrap());
        assert_eq!(get(&[&bearer]).refusal(), "E005001");
    }
    for header in [
        "Accept: */*",
        &basic("meta-client", "wrong"),
        &basic("foreign-client", &foreign),
        &format!("Authorization: Bearer {}", token_of("meta-jwt-client", &"wrong".repeat(10), 1)),
    ] {
        assert_eq!(login(header).refusal(), "E005001", "{header}");
    }
    // Others are as they were, and so is health.
    let other = json!({"username": "user1", "password": crate::support::PASSWORD, "current_app": "CRM"});
    ask(&server, "POST /user/login", &other).ok();
    ask(&server, "GET root:/health/ready", &json!({"current_app": "Metadata"})).ok();
    server.world.sso.delete_sec_def(&ctx(), "meta").await.unwrap();
    assert_eq!(login(&right).refusal(), "E005001");
}
