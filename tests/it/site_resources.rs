//! What real clients of the sessions API call beside sessions and users, and the forms in which PHP writes a request.

use std::thread;

use serde_json::{Value, json};
use zato_sso::ops::BrowserCheck;

use crate::site_oneall::{LOOK_UP, SYNCHRONIZE, Stage, UNKNOWN, ann, keys, synchronize, text};
use crate::support::{Kind, PASSWORD, any_rows, ctx, execute};

on_both_databases! {
    identities_are_listed_read_synchronized_and_deleted;
    an_identity_is_linked_to_another_user;
    a_user_is_deleted_with_all_that_is_theirs;
    connections_are_listed_until_they_are_read;
    a_site_reads_itself;
    super_users_are_changed_by_no_site;
    what_php_writes_is_understood;
    a_request_may_come_in_any_form_of_http;
}

async fn identities_are_listed_read_synchronized_and_deleted(kind: Kind) {
    let stage = Stage::new(kind).await;
    let mut made = Vec::new();
    for number in 0..3 {
        // What a site has told stands with an identity alone, not in a list.
        let profile = json!({"displayName": "Ann"});
        made.push(
            stage.make(&json!({"login": format!("user{number}"), "externalid": number, "password": PASSWORD,
            "identity": profile})),
        );
        stage.server.world.clock.advance_seconds(1);
    }
    let token = |user: &Value| text(&user["identity"]["identity_token"]).to_owned();
    let page = |query: &str| {
        let listed =
            stage.data(&format!("GET /identities.json{query}"), &Value::Null, 200)["identities"].clone();
        let entries: Vec<String> = listed["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| text(&entry["identity_token"]).to_owned())
            .collect();
        (listed["pagination"].clone(), entries)
    };
    let (pagination, entries) = page("");
    assert_eq!(
        pagination,
        json!({"current_page": 1, "total_pages": 1, "entries_per_page": 250, "total_entries": 3,
            "order": {"field": "date_creation", "direction": "desc"}})
    );
    assert_eq!(entries, [token(&made[2]), token(&made[1]), token(&made[0])]);
    assert_eq!(page("?page=2&entries_per_page=2&order_direction=asc").1, [token(&made[2])]);
    let first = &stage.data("GET /identities.json?order_direction=asc", &Value::Null, 200)["identities"]["entries"]
        [0];
    assert_eq!(
        *first,
        json!({"identity_token": token(&made[0]), "provider": "storage", "externalid": "0", "user_token": made[0]["user_token"],
            "date_creation": made[0]["identity"]["date_creation"], "date_last_update": made[0]["identity"]["date_last_update"]})
    );

    // A session of an identity ends with it; the user stays, and what the site knows them by.
    let path = format!("/identities/{}.json", token(&made[0]));
    let session = format!("/sso/sessions/identities/{}.json", token(&made[0]));
    let started = stage.data(&format!("PUT {session}"), &Value::Null, 201)["sso_session"].clone();
    for unconfirmed in ["", "?", "?confirm_deletion=false"] {
        assert_eq!(stage.refused(&stage.shop, &format!("DELETE {path}{unconfirmed}"), &Value::Null), 400);
    }
    assert_eq!(
        stage.refused(&stage.other, &format!("DELETE {path}?confirm_deletion=true"), &Value::Null),
        404
    );
    let removed = stage.ask(&stage.shop, &format!("DELETE {path}?confirm_deletion=TRUE"), &Value::Null);
    assert_eq!((removed.status, removed.json()["response"].get("result")), (200, None));
    for gone in [format!("GET {path}"), format!("DELETE {path}?confirm_deletion=1"), format!("GET {session}")]
    {
        assert_eq!(stage.refused(&stage.shop, &gone, &Value::Null), 404, "{gone}");
    }
    let gone = format!("GET /sso/sessions/{}.json", text(&started["sso_session_token"]));
    assert_eq!(stage.refused(&stage.shop, &gone, &Value::Null), 404);
    let left = stage.user(LOOK_UP, &json!({"externalid": 0, "password": PASSWORD}), 200);
    assert_eq!(
        (&left["user_token"], left["identities"].as_array().unwrap().len()),
        (&made[0]["user_token"], 1)
    );
    assert_ne!(token(&left), token(&made[0]));
    stage.data(&format!("PUT /sso/sessions/identities/{}.json", token(&left)), &Value::Null, 201);

    // What a profile has and its user has not.
    let identity = format!("PUT /identities/{}/synchronize.json", token(&made[1]));
    for request in [
        json!(null),
        json!([]),
        json!({"synchronize": []}),
        json!({"synchronize": {"update_user_data": "TRUE", "force_token_update": 1}}),
    ] {
        let read = stage.data(&identity, &request, 200)["identity"].clone();
        assert_eq!(
            (&read["user_token"], &read["externalid"]),
            (&made[1]["user_token"], &json!("1")),
            "{request}"
        );
    }
    let wrong = json!({"synchronize": {"update_user_data": "maybe"}});
    assert_eq!(stage.refused(&stage.shop, &identity, &wrong), 400);
}

async fn an_identity_is_linked_to_another_user(kind: Kind) {
    let stage = Stage::new(kind).await;
    let with_email = json!({"displayName": "Ann", "emails": [{"value": "ann@example.com"}]});
    let ann =
        stage.make(&json!({"login": "ann", "externalid": 1, "password": PASSWORD, "identity": with_email}));
    stage.server.world.clock.advance_seconds(1);
    let bea = stage.make(&json!({"login": "bea", "externalid": 2}));
    let token = text(&ann["identity"]["identity_token"]);
    let session = format!("/sso/sessions/identities/{token}.json");
    stage.data(&format!("PUT {session}"), &Value::Null, 201);
    let link = format!("PUT /identities/{token}/link.json");
    let to = |user: &Value| json!({"user": {"user_token": user["user_token"]}});
    // To whom it is linked already: nothing happens.
    stage.data(&link, &to(&ann), 200);
    assert_eq!(stage.ask(&stage.shop, &format!("GET {session}"), &Value::Null).status, 200);

    let linked = stage.data(&link, &to(&bea), 200);
    assert_eq!(linked["user"]["user_token"], bea["user_token"]);
    let identity = &linked["identity"];
    assert_eq!((&identity["user_token"], &identity["identity_token"]), (&bea["user_token"], &json!(token)));
    assert_eq!(identity["displayName"], "Ann");
    assert_eq!(
        stage.data(&format!("GET /identities/{token}.json"), &Value::Null, 200)["identity"],
        *identity
    );
    // Sessions were those of the former user, who stays, and goes on being known by the same names.
    assert_eq!(stage.refused(&stage.shop, &format!("GET {session}"), &Value::Null), 404);
    for (name, user, identities) in [("1", &ann, 1), ("2", &bea, 2)] {
        let found = stage.user(LOOK_UP, &json!({"externalid": name}), 200);
        assert_eq!((&found["user_token"], &found["externalid"]), (&user["user_token"], &json!(name)));
        assert_eq!(found["identities"].as_array().unwrap().len(), identities, "{found}");
    }
    stage.user(LOOK_UP, &json!({"login": "ann", "password": PASSWORD}), 200);
    // The new user takes what they do not have.
    let synchronize = format!("PUT /identities/{token}/synchronize.json");
    stage.data(&synchronize, &Value::Null, 200);
    let keeps = json!({"synchronize": {"update_user_data": 0}});
    stage.data(&synchronize, &keeps, 200);
    let started = stage.data(&format!("PUT {session}"), &Value::Null, 201)["sso_session"].clone();
    assert_eq!(started["user_token"], bea["user_token"]);
    // One of two is deleted, and the name is the other's.
    let path = format!("/identities/{}.json", text(&bea["identity"]["identity_token"]));
    stage.data(&format!("DELETE {path}?confirm_deletion=true"), &Value::Null, 200);
    let found = stage.user(LOOK_UP, &json!({"externalid": 2}), 200);
    assert_eq!(
        (found["identities"].as_array().unwrap().len(), &found["identity"]["identity_token"]),
        (1, &json!(token))
    );
    assert_eq!(found["identity"]["externalid"], "2");

    for (user, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (json!({"user_token": ""}), 400),
        (json!({"user_token": UNKNOWN}), 404),
        (json!({"user_token": "x"}), 404),
    ] {
        assert_eq!(stage.refused(&stage.shop, &link, &json!({"user": user})), status, "{user}");
    }
    assert_eq!(stage.refused(&stage.other, &link, &to(&bea)), 404);
    let theirs =
        stage.ask(&stage.other, "POST /storage/users.json", &json!({"user": {"login": "cy"}})).json();
    let theirs = theirs["response"]["result"]["data"]["user"].clone();
    assert_eq!(stage.refused(&stage.shop, &link, &to(&theirs)), 404);

    // Two that go to each other's user at once: both do, one after the other.
    let (one, two) = (stage.make(&json!({"login": "one"})), stage.make(&json!({"login": "two"})));
    for _ in 0..5 {
        let swap = |from: &Value, target: &Value| {
            let line = format!("PUT /identities/{}/link.json", text(&from["identity"]["identity_token"]));
            stage.ask(&stage.shop, &line, &to(target)).status
        };
        let statuses = thread::scope(|scope| {
            let (first, second) = (scope.spawn(|| swap(&one, &two)), scope.spawn(|| swap(&two, &one)));
            [first.join().unwrap(), second.join().unwrap()]
        });
        assert_eq!(statuses, [200, 200]);
    }
    // Everybody has an identity, whatever was linked and deleted.
    let without = "SELECT username FROM sso_user u WHERE NOT EXISTS (SELECT 1 FROM sso_identity i WHERE i.user_id = u.user_id)";
    assert_eq!(any_rows(&stage.server.world, without).await, Vec::<Vec<u8>>::new());
}

async fn a_user_is_deleted_with_all_that_is_theirs(kind: Kind) {
    let stage = Stage::new(kind).await;
    let ann = stage.make(&ann());
    let path = format!("/users/{}.json", text(&ann["user_token"]));
    let identity = text(&ann["identity"]["identity_token"]);
    let session = stage.data(&format!("PUT /sso/sessions/identities/{identity}.json"), &Value::Null, 201)["sso_session"].clone();
    let login = stage.server.world.login("ann").await;
    assert_eq!(stage.refused(&stage.shop, &format!("DELETE {path}"), &Value::Null), 400);
    assert_eq!(
        stage.refused(&stage.other, &format!("DELETE {path}?confirm_deletion=true"), &Value::Null),
        404
    );
    stage.data(&format!("GET {path}"), &Value::Null, 200);
    let removed = stage.ask(&stage.shop, &format!("DELETE {path}?confirm_deletion=true"), &Value::Null);
    assert_eq!((removed.status, removed.json()["response"].get("result")), (200, None));
    for gone in [
        format!("DELETE {path}?confirm_deletion=true"),
        format!("GET {path}"),
        format!("GET /identities/{identity}.json"),
        format!("GET /sso/sessions/{}.json", text(&session["sso_session_token"])),
    ] {
        assert_eq!(stage.refused(&stage.shop, &gone, &Value::Null), 404, "{gone}");
    }
    let outcome = stage.server.world.sso.get_current_session(&ctx(), &login.ust).await;
    assert!(outcome.is_err());
    let entries =
        any_rows(&stage.server.world, "SELECT result FROM sso_audit WHERE op = 'site.delete_user'").await;
    assert!(entries.contains(&b"ok".to_vec()), "{entries:?}");
    // The names are free.
    stage.make(&crate::site_oneall::ann());
}

async fn connections_are_listed_until_they_are_read(kind: Kind) {
    let stage = Stage::new(kind).await;
    let sso = &stage.server.world.sso;
    let list = |query: &str| {
        stage.data(&format!("GET /connections.json{query}"), &Value::Null, 200)["connections"].clone()
    };
    assert_eq!((&list("")["count"], &list("")["entries"]), (&json!(0), &json!([])));
    let ann = stage.make(&ann());
    let identity = text(&ann["identity"]["identity_token"]);
    let session = stage.data(&format!("PUT /sso/sessions/identities/{identity}.json"), &Value::Null, 201);
    let token = zato_sso::domain::Password::from(text(&session["sso_session"]["sso_session_token"]));
    let registered =
        sso.register_browser(&ctx(), "https://s.example", &token, "https://s.example/").await.unwrap();
    let cookie = registered.cookie.unwrap().value;
    let check = BrowserCheck { callback_uri: "https://s.example/cb".to_owned(), ..BrowserCheck::default() };
    let mut codes = Vec::new();
    for _ in 0..2 {
        let checked = sso.check_browser(&ctx(), Some(&cookie), check.clone()).await.unwrap();
        codes.push(checked.connection_token.unwrap());
        stage.server.world.clock.advance_seconds(1);
    }
    let listed = list("");
    assert_eq!(listed["pagination"]["order"], json!({"field": "date_creation", "direction": "desc"}));
    assert_eq!(
        listed["entries"][1],
        json!({"connection_token": codes[0].expose(), "user_token": ann["user_token"], "plugin": "single_sign_on",
            "date_creation": "Wed, 25 Feb 2026 12:00:00 +0000"})
    );
    let second = list("?page=2&entries_per_page=1&order_direction=asc");
    assert_eq!(
        (&second["count"], &second["entries"][0]["connection_token"]),
        (&json!(1), &json!(codes[1].expose()))
    );
    let theirs = stage.ask(&stage.other, "GET /connections.json", &Value::Null).json();
    assert_eq!(theirs["response"]["result"]["data"]["connections"]["count"], 0);
    // The text of a code is in the database for nobody else to read.
    let dumped = crate::support::dump(&stage.server.world).await;
    assert!(!dumped.contains(codes[0].expose()));
    stage.data(&format!("GET /connections/{}.json", codes[0].expose()), &Value::Null, 200);
    assert_eq!(list("")["count"], 1);
    stage.server.world.clock.advance_seconds(60);
    assert_eq!(list("")["count"], 0);
    assert_eq!(stage.refused(&stage.shop, "GET /connections.json?page=0", &Value::Null), 400);
}

async fn a_site_reads_itself(kind: Kind) {
    let stage = Stage::new(kind).await;
    for path in ["/site.json", "/site", "/site.json?"] {
        let site = stage.data(&format!("GET {path}"), &Value::Null, 200)["site"].clone();
        assert_eq!(
            site,
            json!({"name": "shop", "subdomain": "shop", "date_creation": "Wed, 25 Feb 2026 12:00:00 +0000",
                "subscription_plan": {"features": {"has_single_signon": true}}})
        );
    }
}

async fn super_users_are_changed_by_no_site(kind: Kind) {
    let stage = Stage::new(kind).await;
    let (ann, bea) = (stage.make(&ann()), stage.make(&json!({"login": "bea"})));
    execute(&stage.server.world, "UPDATE sso_user SET is_super_user = TRUE WHERE username = 'ann'").await;
    let (user, identity) = (text(&ann["user_token"]), text(&ann["identity"]["identity_token"]));
    let of_bea = text(&bea["identity"]["identity_token"]);
    let about = |user: Value| json!({"user": user});
    for (line, request) in [
        (format!("POST /storage/users/{user}.json"), about(json!({"externalid": "1"}))),
        (format!("PUT /storage/users/{user}.json"), about(json!({"login": "anna"}))),
        (SYNCHRONIZE.to_owned(), synchronize("login", &json!("ann"), &json!({"login": "anna"}))),
        (
            SYNCHRONIZE.to_owned(),
            synchronize("externalid", &json!("45673"), &json!({"password": "another horse battery"})),
        ),
        (SYNCHRONIZE.to_owned(), synchronize("user_token", &json!(user), &json!([]))),
        (LOOK_UP.to_owned(), about(json!({"login": "ann"}))),
        (LOOK_UP.to_owned(), about(json!({"externalid": "45673"}))),
        (LOOK_UP.to_owned(), about(json!({"user_token": user}))),
        (format!("PUT /identities/{identity}/link.json"), about(json!({"user_token": bea["user_token"]}))),
        (format!("PUT /identities/{of_bea}/link.json"), about(json!({"user_token": user}))),
        (format!("PUT /identities/{identity}/synchronize.json"), Value::Null),
        (format!("DELETE /identities/{identity}.json?confirm_deletion=true"), Value::Null),
        (format!("DELETE /users/{user}.json?confirm_deletion=true"), Value::Null),
    ] {
        assert_eq!(stage.refused(&stage.shop, &line, &request), 403, "{line} {request}");
    }
    stage.server.world.login("ann").await;
    assert_eq!(
        stage.user(LOOK_UP, &json!({"login": "ann", "password": PASSWORD}), 200)["externalid"],
        "45673"
    );
}

async fn what_php_writes_is_understood(kind: Kind) {
    let stage = Stage::new(kind).await;
    let made = stage.make(&ann());
    let (user, identity) = (text(&made["user_token"]), text(&made["identity"]["identity_token"]));
    let session = format!("PUT /sso/sessions/identities/{identity}.json");
    // Each as json_encode writes it: empty arrays, absent values in each of their forms, digits and numbers, keys that nobody
    // knows.
    for (line, body, status) in [
        (session.as_str(), r"[]", 201),
        (&session, r#"{"request":[]}"#, 201),
        (&session, r#"{"request":{"sso_session":[]}}"#, 201),
        (
            &session,
            r#"{"request":{"sso_session":{"top_realm":"","sub_realm":null,"lifetime":"","data":""}}}"#,
            201,
        ),
        (
            &session,
            r#"{"request":{"sso_session":{"top_realm":7,"sub_realm":0,"lifetime":"7200","data":[]}}}"#,
            201,
        ),
        (
            &session,
            r#"{"request":{"sso_session":{"lifetime":7200.0,"data":{"cart":[],"1":2}},"0":[]},"other":1}"#,
            201,
        ),
        (&session, " \r\n", 201),
        (
            "POST /storage/users.json",
            r#"{"request":{"user":{"login":20260225,"password":"correct horse battery staple","externalid":7,"identity":[]}}}"#,
            201,
        ),
        (
            "POST /storage/users.json",
            r#"{"request":{"user":{"login":"b1","password":"","externalid":"","identity":{"name":[],"emails":[],"accounts":[],"gender":"","age":0}}}}"#,
            201,
        ),
        (
            "POST /storage/users.json",
            r#"{"request":{"user":{"login":"b2","password":null,"externalid":null,"identity":{"emails":{"1":{"value":"b2@example.com"}}}}}}"#,
            201,
        ),
        (
            "POST /storage/users.json",
            "{\"request\":{\"user\":{\"login\":\"b3\",\"identity\":{\"displayName\":\"B\\u00e9a \\/ \\ud83d\\ude00\"}}}}",
            201,
        ),
        (
            LOOK_UP,
            r#"{"request":{"user":{"login":"20260225","password":"correct horse battery staple"}}}"#,
            200,
        ),
        (LOOK_UP, r#"{"request":{"user":{"login":20260225,"externalid":""}}}"#, 200),
        (LOOK_UP, r#"{"request":{"user":{"externalid":7,"login":null}}}"#, 200),
        (
            SYNCHRONIZE,
            r#"{"request":{"synchronize":{"identifier":{"field":"externalid","value":7},"user":[]}}}"#,
            200,
        ),
        (
            SYNCHRONIZE,
            r#"{"request":{"synchronize":{"identifier":{"field":"login","value":"ann"},"user":{"identity":[],"password":"","externalid":45673}},"update_mode":""}}"#,
            200,
        ),
        ("GET /users.json?", "", 200),
        ("GET /users.json?page=&entries_per_page=&order_direction=ASC&", "[]", 200),
        ("GET /sso/sessions.json?page=1&entries_per_page=10", "{}", 200),
        ("GET /identities.json?", "null", 200),
        ("GET /connections.json?0=a&b[]=c", "", 200),
        ("GET /site.json?", "", 200),
    ] {
        for headers in [
            &[][..],
            &["Content-Type: application/x-www-form-urlencoded"],
            &["Content-Type: text/plain"],
            &["Content-Type:"],
        ] {
            let answer = stage.send(&stage.shop, line, headers, body);
            let status = if status == 201 && answer.status == 409 { 409 } else { status };
            assert_eq!(answer.status, status, "{line} {body} {}", answer.body);
        }
    }
    let found = stage.user(LOOK_UP, &json!({"externalid": "7"}), 200);
    assert_eq!(found["login"], "20260225");
    for (path, body) in [
        ("", "[]"),
        ("", ""),
        ("?", r#"{"request":{"user":[]}}"#),
        ("", r#"{"request":{"user":{"identity":[]}}}"#),
    ] {
        let line = format!("PUT /storage/users/{user}.json{path}");
        let answer = stage.send(&stage.shop, &line, &[], body);
        assert_eq!(
            (answer.status, &answer.json()["response"]["result"]["data"]["user"]["identity"]["displayName"]),
            (200, &json!("Ann"))
        );
    }
    // A session's data is what was sent.
    let started =
        stage.data(&session, &json!({"sso_session": {"data": [], "top_realm": 7, "sub_realm": ""}}), 201);
    let started = &started["sso_session"];
    assert_eq!(
        (&started["data"], &started["top_realm"], &started["sub_realm"]),
        (&json!([]), &json!("7"), &Value::Null)
    );
    assert_eq!(stage.data(&session, &json!({"sso_session": {"data": ""}}), 201)["sso_session"]["data"], "");
    for flag in ["true", "TRUE", "True", "1"] {
        stage.data(&session, &Value::Null, 201);
        let line = format!("DELETE /sso/sessions/identities/{identity}.json?confirm_deletion={flag}");
        assert_eq!(stage.send(&stage.shop, &line, &[], "[]").status, 200, "{flag}");
    }
}

async fn a_request_may_come_in_any_form_of_http(kind: Kind) {
    let stage = Stage::new(kind).await;
    let keys = keys(&stage.shop);
    let made = stage.make(&ann());
    let path = format!("/sso/sessions/identities/{}.json", text(&made["identity"]["identity_token"]));
    let body = r#"{"request":{"sso_session":[]}}"#;
    let length = body.len();
    for (version, more) in [
        ("1.1", "Expect: 100-continue\r\n"),
        ("1.1", "Accept-Encoding: gzip, deflate, br\r\nAccept: */*\r\n"),
        ("1.0", "Connection: close\r\n"),
        ("1.0", "Connection: keep-alive\r\n"),
        ("1.0", ""),
    ] {
        let mut connection = stage.server.connect();
        let head = format!(
            "PUT {path} HTTP/{version}\r\nHost: localhost\r\n{keys}\r\n{more}Content-Length: {length}\r\n\r\n"
        );
        connection.write(&head);
        connection.write(body);
        let answer = if more.starts_with("Expect") { connection.continued() } else { connection.answer() };
        assert_eq!(answer.status, 201, "{version} {more} {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.json()["response"]["request"]["status"]["code"], 201);
    }
    // No length, no body.
    for method in ["PUT", "GET", "DELETE"] {
        let mut connection = stage.server.connect();
        connection.write(format!(
            "{method} {path}?confirm_deletion=1 HTTP/1.1\r\nHost: localhost\r\n{keys}\r\n\r\n"
        ));
        let answer = connection.answer();
        assert!(matches!(answer.status, 200 | 201), "{method} {}", answer.body);
    }
    // In pieces.
    let mut connection = stage.server.connect();
    connection.write(format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\n{keys}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ));
    connection.write(format!("{length:x}\r\n{body}\r\n0\r\n\r\n"));
    assert_eq!(connection.answer().status, 201);
}
