//! The REST API as such: the form of requests and answers, over real connections.

use serde_json::json;

use crate::rest::{Server, request};
use crate::support::{Kind, PASSWORD, any_rows};

on_both_databases! {
    the_worked_example_of_the_specification;
    every_answer_has_a_cid_and_the_headers_that_keep_it_private;
    a_callers_own_cid_is_used_if_it_is_acceptable;
    input_comes_from_query_and_body_with_any_method;
    the_acting_session_may_come_as_a_bearer_token;
    paths_may_end_with_a_slash_and_have_aliases;
    the_application_comes_from_input_or_header_or_configuration;
    what_is_malformed_is_a_bad_request_and_what_is_empty_is_refused;
    a_bad_request_says_what_is_missing_or_wrong_and_nothing_of_what_was_sent;
    a_body_over_the_limit_is_refused_in_words;
    whatever_an_element_holds_is_never_our_fault;
    health_tells_whether_the_database_answers;
    what_happens_is_counted_without_what_was_sent;
    a_proxy_that_is_not_trusted_is_noted;
}

fn login(password: &str) -> String {
    json!({"username": "user1", "password": password, "current_app": "CRM"}).to_string()
}

async fn a_proxy_that_is_not_trusted_is_noted(kind: Kind) {
    let noted = async |server: &Server| {
        for _ in 0..50 {
            let sql = "SELECT value FROM sso_setting WHERE name = 'untrusted_proxy'";
            if let Some(value) = any_rows(&server.world, sql).await.pop() {
                return String::from_utf8(value).unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        String::new()
    };
    let server = Server::new(kind).await;
    server.ask("POST /user/login", &[], &login("wrong"));
    assert_eq!(noted(&server).await, "");
    server.ask("POST /user/login", &["X-Forwarded-For: 198.51.100.1"], &login("wrong"));
    assert_eq!(noted(&server).await, r#"{"peer":"127.0.0.1","time":1772020800000000}"#);
    let server = Server::with(kind, json!({"http.trusted_proxies": ["127.0.0.1"]})).await;
    server.ask("POST /user/login", &["X-Forwarded-For: 198.51.100.1"], &login("wrong"));
    assert_eq!(noted(&server).await, "");
}

async fn the_worked_example_of_the_specification(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;

    let right = server.ask("POST /user/login", &[], &login(PASSWORD));
    insta::allow_duplicates! {
        insta::assert_snapshot!(right.shape(), @r#"200 {"cid":"…","status":"ok","ust":"…"}"#);
    }
    // Who asks for a token of the device gets one, and none when sending it.
    let mut body: serde_json::Value = serde_json::from_str(&login(PASSWORD)).unwrap();
    body["device_token"] = json!("");
    let asked = server.ask("POST /user/login", &[], &body.to_string());
    body["device_token"] = asked.json()["device_token"].clone();
    assert_eq!(body["device_token"].as_str().unwrap().len(), 43);
    let known = server.ask("POST /user/login", &[], &body.to_string());
    assert!(known.status == 200 && known.json().get("device_token").is_none(), "{}", known.body);
    let cid = right.json()["cid"].as_str().unwrap().to_owned();
    assert_eq!(cid.len(), 24);
    assert!(cid.bytes().all(|byte| byte.is_ascii_hexdigit()));

    let wrong = server.ask("POST /user/login", &[], &login("wrong"));
    let without = server.ask("POST /user/login", &[], r#"{"password":"x","current_app":"CRM"}"#);
    insta::allow_duplicates! {
        insta::assert_snapshot!(wrong.shape(), @r#"403 {"cid":"…","status":"error","sub_status":["E005001"]}"#);
        insta::assert_snapshot!(without.shape(), @r#"400 {"result":"Error","cid":"…","details":"Bad request: username is missing"}"#);
    }
    assert_ne!(wrong.json()["cid"], without.json()["cid"]);
}

async fn every_answer_has_a_cid_and_the_headers_that_keep_it_private(kind: Kind) {
    let server = Server::with(kind, json!({"http.max_body_bytes": 1024})).await;
    server.world.user("user1").await;
    let long = format!("{{\"username\":\"{}\"}}", "x".repeat(2_000));
    let cases = [
        ("POST /user/login", login(PASSWORD), 200),
        ("POST /user/login", login("wrong"), 403),
        ("POST /user/login", "[]".to_owned(), 400),
        ("POST /user/login", long, 413),
        ("PUT /user/login", String::new(), 405),
        ("GET /user/login", String::new(), 405),
        ("OPTIONS /user/login", String::new(), 405),
        ("BREW /user/login", String::new(), 405),
        ("GET /nothing", String::new(), 404),
        ("GET root:/", String::new(), 404),
        ("GET root:/user", String::new(), 404),
        ("GET root:/health/live", String::new(), 200),
    ];
    for (line, body, status) in cases {
        let answer = server.ask(line, &["Origin: https://example.com"], &body);
        assert_eq!(answer.status, status, "{line}: {answer:?}");
        assert_eq!(answer.header("x-zato-cid"), answer.json()["cid"].as_str(), "{line}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{line}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{line}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{line}");
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{line}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("POST"), "{line}");
    }
    let not_found = server.ask("GET /nothing", &[], "");
    let not_allowed = server.ask("GET /user/login", &[], "");
    insta::allow_duplicates! {
        insta::assert_snapshot!(not_found.shape(), @r#"404 {"result":"Error","cid":"…","details":"Not found"}"#);
        insta::assert_snapshot!(
            not_allowed.shape(), @r#"405 {"result":"Error","cid":"…","details":"Method not allowed"}"#
        );
    }
}

async fn a_callers_own_cid_is_used_if_it_is_acceptable(kind: Kind) {
    let server = Server::new(kind).await;
    let answer = server.ask("POST /user/login", &["X-Zato-CID: req-1.2_3"], &login("wrong"));
    assert_eq!(answer.json()["cid"], "req-1.2_3");
    assert_eq!(answer.header("x-zato-cid"), Some("req-1.2_3"));
    let long = format!("X-Zato-CID: {}", "a".repeat(65));
    for header in ["X-Zato-CID: a b", "X-Zato-CID:", "X-Zato-CID: \u{e9}", long.as_str()] {
        let answer = server.ask("GET /nothing", &[header], "");
        assert_eq!(answer.json()["cid"].as_str().unwrap().len(), 24, "{header}");
    }
}

async fn input_comes_from_query_and_body_with_any_method(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id;
    let password = PASSWORD.replace(' ', "%20");

    let query_only = format!("POST /user/login?username=root1&password={password}&current_app=CRM");
    server.ask(&query_only, &[], "").ok();
    let mixed = format!("POST /user/login?username=nobody&password={}", PASSWORD.replace(' ', "+"));
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let root = server.ask(&mixed, &form, r#"{"username": "root1"}"#).ok()["ust"].as_str().unwrap().to_owned();

    let by_query = server.ask(&format!("GET /user?ust={root}"), &[], "").ok();
    let by_body = server.ask("GET /user", &[], &json!({"ust": root}).to_string()).ok();
    assert_eq!(by_query["username"], "root1");
    assert_eq!(by_body["username"], "root1");
    server.ask("POST /user/lock", &[], &json!({"ust": root, "user_id": user_id.as_str()}).to_string()).ok();
    let shown = server.ask(&format!("GET /user?ust={root}&user_id={user_id}"), &[], "").ok();
    assert_eq!(shown["is_locked"], true);
    server.ask(&format!("DELETE /user/lock?user_id={user_id}"), &[], &json!({"ust": root}).to_string()).ok();
}

async fn the_acting_session_may_come_as_a_bearer_token(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    server.world.user("user1").await;
    let (root, user) = (server.ust("root1"), server.ust("user1"));
    let bearer = format!("Authorization: Bearer {root}");
    let bearer = [bearer.as_str()];
    assert_eq!(server.ask("GET /user", &bearer, "").ok()["username"], "root1");
    let other = json!({"current_ust": user}).to_string();
    assert_eq!(server.ask("GET /user", &bearer, &other).ok()["username"], "user1");
    let target = json!({"target_ust": user}).to_string();
    assert_eq!(server.ask("POST /user/session", &bearer, &target).ok()["is_valid"], true);
    assert_eq!(server.ask("GET /user", &["Authorization: Digest YTpi"], "").status, 400);
    assert_eq!(server.ask("GET /user", &["Authorization: Bearer zustnone"], "").refusal(), "E007001");
}

async fn paths_may_end_with_a_slash_and_have_aliases(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    server.ask("POST /user/login/", &[], &login(PASSWORD)).ok();
    let ust = server.ust("user1");
    for path in ["/user/session", "/user/session/", "/session", "/session/"] {
        server.ask(&format!("PATCH {path}?ust={ust}"), &[], "").ok();
        server.ask(&format!("GET {path}?current_ust={ust}&target_ust={ust}"), &[], "").ok();
    }
    for path in ["/user/session/list", "/user/session/list/", "/session/list", "/session/list/"] {
        server.ask(&format!("GET {path}?ust={ust}"), &[], "").ok();
    }
    server.ask("GET root:/health/ready/", &[], "").ok();
    assert_eq!(server.ask("POST /user/login//", &[], &login(PASSWORD)).status, 404);
}

async fn the_application_comes_from_input_or_header_or_configuration(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    let named = |app: serde_json::Value| {
        json!({"username": "user1", "password": PASSWORD, "current_app": app}).to_string()
    };
    let unnamed = json!({"username": "user1", "password": PASSWORD}).to_string();
    let header = ["x-zato-sso-current-app: Unknown"];
    server.ask("POST /user/login", &[], &unnamed).ok();
    assert_eq!(server.ask("POST /user/login", &header, &unnamed).refusal(), "E004001");
    server.ask("POST /user/login", &header, &named(json!("CRM"))).ok();
    assert_eq!(server.ask("POST /user/login", &[], &named(json!("Unknown"))).refusal(), "E004001");
    assert_eq!(server.ask("POST /user/login", &[], &named(json!(null))).refusal(), "E004001");
    assert_eq!(server.ask("POST /user/login", &[], &named(json!(5))).status, 400);
}

async fn a_bad_request_says_what_is_missing_or_wrong_and_nothing_of_what_was_sent(kind: Kind) {
    let server = Server::new(kind).await;
    let nested = format!("{{\"username\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for (line, body, said) in [
        ("POST /user/login", r#"{"username":"hunter2"}"#, "password is missing"),
        ("POST /user/login", r#"{"username":["hunter2"],"password":"x"}"#, "username: expected text"),
        ("POST /user/login", r#"{"username":"hunter2","#, "the body is not a JSON object: line 1, column 22"),
        ("POST /user/login", r#"["hunter2"]"#, "the body is not a JSON object: line 1, column 0"),
        ("POST /user/login", nested.as_str(), "the body is nested too deeply, or has too many values"),
        ("POST /user/login?username=%ff", "", "the query string is not encoded as UTF-8"),
        ("GET /user", "", "ust is missing"),
        ("GET /user", r#"{"ust":{"a":"hunter2"}}"#, "ust: expected text"),
        ("POST /user", r#"{"ust":"x"}"#, "username is missing"),
        (
            "POST /user",
            r#"{"ust":"x","username":"a","is_locked":"hunter2"}"#,
            "is_locked: expected true or false",
        ),
        (
            "PATCH /user",
            r#"{"ust":"x","password_expiry":"hunter2"}"#,
            "password_expiry: expected a time such as 2026-02-25T15:51:52",
        ),
        (
            "PATCH /user",
            r#"{"ust":"x","sign_up_status":"hunter2"}"#,
            "sign_up_status: expected before_confirmation, to_approve or final",
        ),
        ("GET /user/search", r#"{"ust":"x","page_size":"hunter2"}"#, "page_size: expected a whole number"),
        ("GET /user/session", r#"{"ust":"x"}"#, "target_ust is missing"),
        (
            "POST /user/signup",
            r#"{"username":"a","password":"b","app_list":{"a":"hunter2"}}"#,
            "app_list: expected a list of names",
        ),
        ("POST /user/attr", r#"{"ust":"x","name":"hunter2"}"#, "value is missing"),
        ("POST /user/attr", r#"{"ust":"x"}"#, "name and value, or data: missing"),
        (
            "POST /user/attr",
            r#"{"ust":"x","data":[1]}"#,
            "data: expected a list of objects with name and value",
        ),
        (
            "GET /user/attr",
            r#"{"ust":"x","name":"a","data":["hunter2"]}"#,
            "name and data: expected one of them",
        ),
        ("GET /user/attr", r#"{"ust":"x"}"#, "name or data is missing"),
    ] {
        let answer = server.ask(line, &[], body);
        let shape = format!(r#"400 {{"result":"Error","cid":"…","details":"Bad request: {said}"}}"#);
        assert_eq!(answer.shape(), shape, "{line} {body}");
    }
}

async fn what_is_malformed_is_a_bad_request_and_what_is_empty_is_refused(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    let deep = "[".repeat(100_000);
    let malformed = [
        "",
        "{",
        "[]",
        "null",
        "5",
        "{}",
        "username=user1",
        deep.as_str(),
        r#"{"username":"user1"}"#,
        r#"{"username":5,"password":"x"}"#,
        r#"{"username":["user1"],"password":"x"}"#,
        r#"{"username":"user1","password":true}"#,
        r#"{"username":"\ud800","password":"x"}"#,
        r#"{"username":"user1","password":"x","totp_code":123456}"#,
    ];
    for body in malformed {
        let answer = server.ask("POST /user/login", &[], body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
    }
    assert_eq!(server.ask("POST /user/login?username=%zz&password=x", &[], "").status, 400);
    assert_eq!(server.ask("POST /user/login?username=%ff&password=x", &[], "").status, 400);

    let empty = [
        r#"{"username":"","password":"x"}"#,
        r#"{"username":null,"password":"x"}"#,
        r#"{"username":"user1","password":""}"#,
        r#"{"username":"user1","password":null}"#,
        r#"{"username":"\u0000","password":"x"}"#,
    ];
    for body in empty {
        assert_eq!(server.ask("POST /user/login", &[], body).refusal(), "E005001", "{body}");
    }
    assert_eq!(server.ask("POST /user/login?username&password", &[], "").refusal(), "E005001");
    assert_eq!(server.ask("GET /user", &[], r#"{"ust":null}"#).refusal(), "E007001");
    assert_eq!(server.ask("GET /user", &[], "").status, 400);
}

async fn a_body_over_the_limit_is_refused_in_words(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    let body = |length: usize| {
        let mut body = login(PASSWORD);
        let padding = length - body.len();
        body.push_str(&" ".repeat(padding));
        body
    };
    server.ask("POST /user/login", &[], &body(1_048_576)).ok();
    let shape = |length| server.ask("POST /user/login", &[], &body(length)).shape();
    insta::allow_duplicates! {
        for length in [1_048_577, 5_000_000] {
            insta::assert_snapshot!(
                shape(length), @r#"413 {"result":"Error","cid":"…","details":"Request body too large"}"#
            );
        }
    }
    // One that does not say how long it is.
    let mut connection = server.connect();
    connection.write("POST /zato/sso/user/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..20 {
        connection.write(format!("10000\r\n{}\r\n", " ".repeat(65_536)));
    }
    connection.write("0\r\n\r\n");
    assert_eq!(connection.answer().status, 413);
}

/// Every endpoint with every element holding something that nobody expects there.
async fn whatever_an_element_holds_is_never_our_fault(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.super_user("root1").await;
    let user_id = server.world.user("user1").await.user_id;
    let ust = server.ust("root1");
    let unexpected = [
        json!("\0"),
        json!("a\0b"),
        json!("zusr\0"),
        json!("x".repeat(100_000)),
        json!("\u{10ffff}☃"),
        json!("' OR 1=1"),
        json!(""),
        json!(null),
        json!(-1),
        json!(i64::MIN),
        json!(1e300),
        json!("9223372036854775807"),
        json!([]),
        json!({}),
    ];
    let mut connection = server.connect();
    for endpoint in zato_sso::http::endpoints() {
        let names = endpoint.elements.iter().map(|element| element.name);
        for name in names.clone().chain(["current_app"]) {
            for value in &unexpected {
                let mut body = serde_json::Map::new();
                for required in endpoint.elements.iter().filter(|element| element.is_required) {
                    let usual = match required.name {
                        "ust" | "current_ust" | "target_ust" => ust.as_str(),
                        "user_id" => user_id.as_str(),
                        "username" => "user1",
                        _ => PASSWORD,
                    };
                    body.insert(required.name.to_owned(), json!(usual));
                }
                if endpoint.path == "/user/logout" && name != "ust" {
                    body.insert("ust".to_owned(), json!("zustnone"));
                }
                body.insert(name.to_owned(), value.clone());
                let line = format!("{} {}", endpoint.method, endpoint.path);
                connection.write(request(&line, &[], &serde_json::Value::Object(body).to_string()));
                let answer = connection.answer();
                assert!(answer.status < 500, "{line} with {name} = {value:.50}: {}", answer.body);
            }
        }
    }
}

async fn health_tells_whether_the_database_answers(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    server.ask("GET root:/health/live", &[], "").ok();
    server.ask("GET root:/health/ready", &[], "").ok();
    server.world.sso.close().await;
    server.ask("GET root:/health/live", &[], "").ok();
    let not_ready = server.ask("GET root:/health/ready", &[], "").shape();
    let no_login = server.ask("POST /user/login", &[], &login(PASSWORD)).shape();
    insta::allow_duplicates! {
        insta::assert_snapshot!(not_ready, @r#"503 {"cid":"…","status":"error","sub_status":["E008006"]}"#);
        insta::assert_snapshot!(no_login, @r#"503 {"cid":"…","status":"error","sub_status":["E008006"]}"#);
    }
}

async fn what_happens_is_counted_without_what_was_sent(kind: Kind) {
    let server = Server::new(kind).await;
    server.world.user("user1").await;
    server.ust("user1");
    let body = r#"{"username": "planted-name", "password": "planted-secret"}"#;
    assert_eq!(server.ask("POST /user/login", &[], body).status, 403);
    assert_eq!(server.ask("GET /planted-path", &[], "").status, 404);
    let answer = server.ask("GET root:/metrics", &[], "");
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let login = "zato_sso_http_requests_total{method=\"POST\",path=\"/user/login\",status=";
    for line in [
        format!("{login}\"200\"}} 1"),
        format!("{login}\"403\"}} 1"),
        "zato_sso_http_requests_total{method=\"\",path=\"\",status=\"404\"} 1".to_owned(),
        "zato_sso_http_refusals_total{code=\"E005001\"} 1".to_owned(),
    ] {
        assert!(answer.body.lines().any(|one| one == line), "{line}\n{}", answer.body);
    }
    assert!(!answer.body.contains("planted") && !answer.body.contains("user1"));
}
